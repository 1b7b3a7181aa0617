#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sync/root.h"
#include "sync/tree.h"

namespace callboard::sync {

// Which folders are items: paths from the project folder whose components are patterns (`*`, `?`, sets; no `**`).
class ItemPatterns {
 public:
  ItemPatterns();  // "dev/*/*", "ast/*/*", "rnd/*/*", "pln".
  // Patterns separated by white space. Usage errors name the pattern.
  static Result<ItemPatterns> from(std::string_view text);

  const std::vector<std::vector<std::string>>& patterns() const { return patterns_; }
  // The item that `path` lies in, the innermost where items lie in each other; nullopt where none is above it.
  std::optional<RelativePath> holding(const RelativePath& path) const;

 private:
  explicit ItemPatterns(std::vector<std::vector<std::string>> patterns) : patterns_(std::move(patterns)) {}

  std::vector<std::vector<std::string>> patterns_;  // Each as its components.
};

struct FoundItems {
  // "/dev/chr/Moria" to the newest modification time of a file in it, of the folder itself when it has no file.
  std::map<std::string, Timestamp> items;
  std::size_t left_out = 0;  // Folders that match but exceed kItemsMax, or whose names are not UTF-8.
};

// Looks at names and times only; no content is read and no link followed. What vanishes or cannot be read is passed over.
// Fails with Outcome::cancelled soon after `stop` is requested.
Result<FoundItems> find_items(const Root& root, const ItemPatterns& patterns,
                              const std::stop_token& stop = {});

// The same of a tree of the whole folder, at no more cost than the folders down to the items. Files that the tree refuses do
// not count.
FoundItems find_items(const Tree& tree, const ItemPatterns& patterns);

}  // namespace callboard::sync
