#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "sync/ignore.h"
#include "sync/name_folding.h"
#include "sync/tree.h"

namespace callboard::client {

// A directory here while the giver's listing of it, of which there may be several parts, is compared with it.
struct TakerDirectory {
  std::shared_ptr<const sync::Listing> here;
  sync::Tree::Node node;
  sync::Ignore::Pointer ignore;
  std::size_t compared = 0;  // Of its entries.
  std::string last_name;
  bool has_directories = false;              // That are listed, too.
  std::optional<sync::FoldedNames> names{};  // Where the file system takes some for the same.
};

}  // namespace callboard::client
