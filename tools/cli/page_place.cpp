#include "tools/cli/page_place.h"

#include <fmt/format.h>

namespace callboard::cli {

Result<void> PagePlace::move_to(std::uint64_t next) {
  const bool is_down = way_ == Way::down;
  const bool is_further = is_down ? next > 0 && (at_ == 0 || next < at_) : next > at_;
  if (!is_further) {
    return Error{Outcome::failed,
                 fmt::format("{}: the server goes round in circles: expected to go on {} {}, got {}", what_,
                             is_down ? "below" : "above", at_, next)};
  }
  at_ = next;
  return {};
}

std::uint64_t next_page(const client::History& history) {
  if (history.looked_to != 0) return history.looked_to;
  return history.more && !history.revisions.empty() ? history.revisions.back().revision : 0;
}

}  // namespace callboard::cli
