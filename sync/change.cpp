#include "sync/change.h"

#include <utility>

namespace callboard::sync {

Change Change::file(StagedFile file) {
  return {Kind::file, std::move(file.path), std::move(file.entry), std::move(file.name), file.status};
}
Change Change::symlink(RelativePath path, Entry entry) {
  return {Kind::symlink, std::move(path), std::move(entry)};
}
Change Change::directory(RelativePath path, Entry entry) {
  return {Kind::directory, std::move(path), std::move(entry)};
}
Change Change::metadata(RelativePath path, Entry entry) {
  return {Kind::metadata, std::move(path), std::move(entry)};
}

Change Change::rename(RelativePath source, RelativePath path, Entry entry, Tree::Node node) {
  Change change{Kind::rename, std::move(path), std::move(entry)};
  change.source = std::move(source);
  change.node = std::move(node);
  return change;
}
Change Change::remove(RelativePath path, Tree::Node node) {
  Change change{Kind::remove, std::move(path), {}};
  change.node = std::move(node);
  return change;
}

}  // namespace callboard::sync
