#include "tools/cli/newest_copies.h"

namespace callboard::cli {

std::optional<NewestCopies::Whose> NewestCopies::of(const sync::RelativePath& item) const {
  if (!assets_) return std::nullopt;
  for (sync::RelativePath at = item;; at = at.parent()) {
    if (const auto copy = assets_->find(at.to_item()); copy != assets_->end())
      return Whose{copy->second.user == self_, copy->second.user};
    if (at.is_root()) return Whose{};
  }
}

}  // namespace callboard::cli
