#include "tools/cli/place_news.h"

#include <algorithm>

namespace callboard::cli {

Result<std::optional<client::Revision>> PlaceNews::after(std::uint64_t revision) {
  // Below the next piece there is nothing newer than its beginning.
  while (!is_over_ && (place_.at() == 0 || place_.at() > revision + 1)) {
    if (auto looked = look_further(); !looked) return looked.error();
  }
  if (newest_ && newest_->revision > revision) return newest_;
  return std::optional<client::Revision>();
}

Result<void> PlaceNews::look_further() {
  query_.before = place_.at();
  const auto history = ask_(query_);
  if (!history) return history.error();
  const auto found =
      std::ranges::find_if(history->revisions, [](const client::Revision& each) { return each.stands; });
  is_over_ = found != history->revisions.end();
  if (is_over_) newest_ = *found;
  const std::uint64_t next = next_page(*history);
  if (is_over_ || next != 0) return is_over_ ? Result<void>() : place_.move_to(next);
  is_over_ = true;
  return {};
}

}  // namespace callboard::cli
