#include "client/taker_reuse.h"

namespace callboard::client {

const sync::ContentTable& TakerReuse::table() {
  if (!table_) table_ = folder_.contents();
  if (!table_) {
    // After what was just looked at.
    if (std::shared_ptr<const sync::Tree> remembered = folder_.remembered()) trees_.push_back(remembered);
    table_ = std::make_shared<const sync::ContentTable>(trees_);
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
