#include "tools/cli/place_news.h"

namespace callboard::cli {

Result<std::optional<client::Revision>> PlaceNews::after(std::uint64_t revision) {
  // Below the next piece there is nothing newer than its beginning.
  while (!is_over_ && (query_.before == 0 || query_.before > revision + 1)) {
    if (auto looked = look_further(); !looked) return looked.error();
  }
  if (newest_ && newest_->revision > revision) return newest_;
  return std::optional<client::Revision>();
}

Result<void> PlaceNews::look_further() {
  const auto history = ask_(query_);
  if (!history) return history.error();
  for (const client::Revision& each : history->revisions) {
    query_.before = each.revision;
    if (!each.stands) continue;
    newest_ = each;
    is_over_ = true;
    return {};
  }
  if (history->looked_to != 0) query_.before = history->looked_to;
  const bool goes_on = history->looked_to != 0 || (history->more && !history->revisions.empty());
  is_over_ = !goes_on;
  return {};
}

}  // namespace callboard::cli
