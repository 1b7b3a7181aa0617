#include "client/project_folder.h"

#include <utility>

#include "base/text.h"

namespace callboard::client {

ProjectFolder::ProjectFolder(sync::Root root, sync::Index index)
    : root_(std::move(root)),
      index_(std::move(index)),
      listing_(root_, index_, system_clock()),
      records_(root_, index_) {}

Result<std::unique_ptr<ProjectFolder>> ProjectFolder::open(const std::string& folder) {
  auto root = sync::Root::open(folder);
  if (!root) return root.error();
  auto index = sync::Index::open(*root);
  // A folder that cannot be written can still be given from.
  if (!index) index = sync::Index::in_memory();
  if (!index) return index.error().prefixed("project folder " + quoted(folder));
  return std::unique_ptr<ProjectFolder>(new ProjectFolder(std::move(*root), std::move(*index)));
}

}  // namespace callboard::client
