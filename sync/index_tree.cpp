#include "sync/index_tree.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace callboard::sync {
namespace {

using Children = std::map<std::string, std::vector<Tree::Node>>;  // By the path of the directory they lie in.

Entry entry_of(const KnownFiles::Known& known) {
  Entry entry;
  entry.mode = known.status.mode;
  entry.size_bytes = known.status.size_bytes;
  entry.mtime_ns = known.status.mtime_ns;
  entry.digest = known.digest;
  entry.name = known.name;
  return entry;
}

Tree::Node make_directory(const Index& index, const RelativePath& path, std::uint16_t mode,
                          std::vector<Tree::Node> children) {
  auto made = std::make_shared<Tree::Directory>();
  made->name = path.name();
  made->mode = mode;
  std::vector<Entry> entries;
  KnownFiles known = index.known_in(path);
  while (const auto file = known.next()) entries.push_back(entry_of(*file));
  for (const Tree::Node& child : children) {
    entries.push_back(child->entry());
    Tree::add_totals(*child, *made);
  }
  const auto by_name = [](const Entry& a, const Entry& b) { return a.name < b.name; };
  std::sort(entries.begin(), entries.end(), by_name);
  std::sort(children.begin(), children.end(),
            [](const Tree::Node& a, const Tree::Node& b) { return a->name < b->name; });
  made->children = std::move(children);
  Tree::pack(entries, *made);
  return made;
}

}  // namespace

std::shared_ptr<const Tree> remembered_tree(const Root& root, const Index& index) {
  Result<std::vector<std::string>> known = index.known_directories();
  if (!known || known->empty()) return nullptr;
  std::map<std::string, RelativePath> paths;
  for (const std::string& bytes : *known) {
    const Result<RelativePath> path = RelativePath::from_bytes(bytes);
    if (!path) continue;
    // Those above may not be remembered themselves.
    for (RelativePath at = *path; paths.emplace(at.bytes(), at).second && !at.is_root(); at = at.parent())
      continue;
  }
  Children children;
  // What lies beneath a path comes after it.
  for (auto at = paths.rbegin(); at != paths.rend(); ++at) {
    const RelativePath& path = at->second;
    const Result<FileStatus> status = root.status(path);
    std::vector<Tree::Node> below = std::move(children[path.bytes()]);
    children.erase(path.bytes());
    if (!status || status->kind != FileKind::directory) continue;
    Tree::Node node = make_directory(index, path, status->mode, std::move(below));
    if (path.is_root()) return std::make_shared<Tree>(path, node->entry(), node);
    children[path.parent().bytes()].push_back(std::move(node));
  }
  return nullptr;
}

}  // namespace callboard::sync
