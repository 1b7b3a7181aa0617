#include "client/taker_items.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "client/transfer_limits.h"
#include "protocol/bulk.h"

namespace callboard::client {

Result<std::vector<TakerItem>> taker_items(const std::vector<std::string>& names) {
  std::vector<sync::RelativePath> paths;
  std::uint64_t size_bytes = 0;
  for (const std::string& name : names) {
    Result<sync::RelativePath> path = sync::RelativePath::from_item(name);
    if (!path) return path.error();
    size_bytes += protocol::encoded_size(protocol::OpenItem{path->bytes(), {}});
    paths.push_back(std::move(*path));
  }
  if (paths.empty()) return Error{Outcome::usage, "nothing to pull is named"};
  if (paths.size() > kItemsPerPullMax || size_bytes > kBulkDataMax) {
    return Error{Outcome::usage,
                 "too many items for one pull: expected at most " + std::to_string(kItemsPerPullMax)};
  }
  std::sort(paths.begin(), paths.end());
  std::vector<TakerItem> items;
  for (sync::RelativePath& path : paths) {
    const bool covered = std::any_of(items.begin(), items.end(),
                                     [&](const TakerItem& item) { return path.is_beneath(item.path); });
    if (!covered) items.push_back({std::move(path)});
  }
  return items;
}

const sync::Tree* tree_of(const std::vector<TakerItem>& items, const sync::RelativePath& path) {
  for (const TakerItem& item : items) {
    if (item.here != nullptr && path.is_beneath(item.path)) return item.here.get();
  }
  return nullptr;
}

std::shared_ptr<const sync::Tree> part_of(const std::vector<TakerItem>& items,
                                          const sync::RelativePath& path) {
  const sync::Tree* tree = tree_of(items, path);
  return tree != nullptr ? tree->part(path) : nullptr;
}

}  // namespace callboard::client
