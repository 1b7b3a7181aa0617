#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "sync/relative_path.h"
#include "sync/tree.h"

namespace callboard::client {

// What a pull names, and what lies here under it.
struct TakerItem {
  sync::RelativePath path;
  std::shared_ptr<const sync::Tree> here{};  // nullptr: there is nothing.
};

// Ascending. One that is beneath another is part of it.
Result<std::vector<TakerItem>> taker_items(const std::vector<std::string>& names);

// What lies here under the item that `path` is or lies in; nullptr: nothing.
const sync::Tree* tree_of(const std::vector<TakerItem>& items, const sync::RelativePath& path);
// What of that lies at `path` or beneath.
std::shared_ptr<const sync::Tree> part_of(const std::vector<TakerItem>& items,
                                          const sync::RelativePath& path);

}  // namespace callboard::client
