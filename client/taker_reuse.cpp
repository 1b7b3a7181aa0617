#include "client/taker_reuse.h"

namespace callboard::client {

const sync::ContentTable& TakerReuse::table() {
  if (!table_) {
    if (std::shared_ptr<const sync::Tree> whole = folder_.known()) {
      trees_ = {std::move(whole)};
    } else if (std::shared_ptr<const sync::Tree> remembered = folder_.remembered()) {
      trees_.push_back(std::move(remembered));  // After what was just looked at.
    }
    table_.emplace(trees_);
  }
  return *table_;
}

std::optional<sync::RelativePath> TakerReuse::file(const Entry& entry) {
  if (entry.size_bytes == 0) return std::nullopt;
  return table().file(entry.digest);
}

std::optional<sync::ContentTable::Directory> TakerReuse::directory(const Entry& entry) {
  if (!entry.digest) return std::nullopt;
  return table().directory(entry.digest);
}

}  // namespace callboard::client
