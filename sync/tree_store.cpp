#include "sync/tree_store.h"

#include <cerrno>
#include <utility>

#include "base/text.h"
#include "sync/hash.h"

namespace callboard::sync {
namespace {

constexpr std::string_view kPrefix = "tree-";
constexpr std::string_view kInner = "t";
constexpr std::size_t kKeyDigits = 32;
// More trees of one directory than so many tries leave are not kept.
constexpr int kKeptMax = 16;

std::string key_of(const RelativePath& top) { return to_text(digest_of(as_bytes(top.bytes()))); }

std::string_view key_in(std::string_view name) { return name.substr(kPrefix.size(), kKeyDigits); }

// No deeper than paths are: kPathDepthMax. What cannot be removed is left for the next sweep.
void remove_all(FileOps& ops, const Place& place) {
  if (ops.remove_directory(place) == 0) return;
  const Opened directory = ops.open_directory(place);
  if (directory.error == ENOTDIR || directory.error == ELOOP) {
    static_cast<void>(ops.remove_file(place));
    return;
  }
  if (directory.error != 0) return;
  static_cast<void>(ops.set_mode(directory.fd.get(), 0700));  // A read-only one lets nothing go.
  for (const std::string& name : names_in(directory.fd.get())) {
    const Place below{directory.fd.get(), name};
    if (ops.remove_file(below) != 0) remove_all(ops, below);
  }
  static_cast<void>(ops.remove_directory(place));
}

}  // namespace

bool TreeStore::has_files(FileOps& ops, const Place& place) {
  const Opened directory = ops.open_directory(place);
  if (directory.error != 0) return directory.error == ENOTDIR || directory.error == ELOOP;
  for (const std::string& name : names_in(directory.fd.get())) {
    if (has_files(ops, {directory.fd.get(), name})) return true;
  }
  return false;
}

Result<RelativePath> TreeStore::Growing::inner(const RelativePath& top, const RelativePath& path) {
  return RelativePath::from_bytes(std::string(kInner) + path.bytes().substr(top.bytes().size()));
}

bool TreeStore::is_tree_name(std::string_view name) {
  return name.starts_with(kPrefix) && name.size() > kPrefix.size() + kKeyDigits + 1 &&
         name[kPrefix.size() + kKeyDigits] == '-' &&
         key_in(name).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void TreeStore::find_kept(Timestamp now, Duration life) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : names_in(parts_.kept_fd)) {
    if (!is_tree_name(name)) continue;
    const Place place{parts_.kept_fd, name};
    const Inspected there = parts_.ops.inspect(place);
    if (there.error != 0) continue;
    const bool is_old = now.ms - there.status.ctime_ns / 1'000'000 > life / 1ms;
    if (is_old) {
      remove_all(parts_.ops, place);
    } else {
      left_[std::string(key_in(name))].push_back({name, std::nullopt, false});
    }
  }
}

void TreeStore::retire(FileOps& ops, const Place& from, int kept_fd) {
  if (!has_files(ops, from)) return remove_all(ops, from);
  const std::string prefix = std::string(kPrefix) + std::string(key_in(from.name)) + "-";
  for (int i = 0; i < kKeptMax; ++i) {
    const int error = ops.rename_new(from, {kept_fd, prefix + std::to_string(i)});
    if (error != EEXIST) return;  // Moved, or left for the next sweep.
  }
  remove_all(ops, from);
}

std::string TreeStore::unused_name(const std::string& key) {
  return std::string(kPrefix) + key + "-" + std::to_string(next_number_++);
}

Result<std::unique_ptr<TreeStore::Growing>> TreeStore::begin(const RelativePath& top) {
  const std::lock_guard lock(mutex_);
  const std::string name = unused_name(key_of(top));
  const Place place{parts_.folder_fd, name};
  if (const int error = parts_.ops.make_directory(place, 0700)) {
    return os_error("prepare folder " + quoted(top.to_item()), error);
  }
  Result<Root> root = Root::open(parts_.folder + "/" + name);
  if (!root) return root.error();
  return std::make_unique<Growing>(*std::move(root), name);
}

void TreeStore::give_up(const RelativePath& top, std::unique_ptr<Growing> growing) {
  const std::lock_guard lock(mutex_);
  left_[key_of(top)].push_back({growing->name(), growing->release(), true});
}

void TreeStore::end(const RelativePath& top, std::unique_ptr<Growing> growing) {
  const std::lock_guard lock(mutex_);
  remove_all(parts_.ops, {parts_.folder_fd, growing->name()});
  const auto found = left_.find(key_of(top));
  if (found == left_.end()) return;
  for (const Left& left : found->second) {
    remove_all(parts_.ops, {left.root ? parts_.folder_fd : parts_.kept_fd, left.name});
  }
  left_.erase(found);
}

bool TreeStore::has_any() const {
  const std::lock_guard lock(mutex_);
  return !left_.empty();
}

bool TreeStore::has_left_above(const RelativePath& path) const {
  if (path.is_root()) return false;
  const std::lock_guard lock(mutex_);
  if (left_.empty()) return false;
  for (RelativePath top = path.parent(); !top.is_root(); top = top.parent()) {
    if (left_.contains(key_of(top))) return true;
  }
  return false;
}

// Whoever renames it has it: two transfers never take from one tree.
bool TreeStore::claim(const std::string& key, Left& left) {
  if (left.root) return true;
  const std::string name = unused_name(key);
  const Place to{parts_.folder_fd, name};
  if (parts_.ops.rename_new({parts_.kept_fd, left.name}, to) != 0) return false;
  Result<Root> root = Root::open(parts_.folder + "/" + name);
  if (!root) return false;
  left = {name, *std::move(root), false};
  return true;
}

std::optional<TreeStore::Taken> TreeStore::take(const RelativePath& path, const Entry& entry,
                                                const Place& to) {
  const std::lock_guard lock(mutex_);
  for (RelativePath top = path.parent(); !top.is_root(); top = top.parent()) {
    const std::string key = key_of(top);
    const auto found = left_.find(key);
    if (found == left_.end()) continue;
    const Result<RelativePath> inner = Growing::inner(top, path);
    if (!inner) continue;
    for (Left& left : found->second) {
      if (!claim(key, left)) continue;
      const Result<Fd> parent = left.root->open_parent(*inner);
      if (!parent) continue;
      const Place place{parent->get(), std::string(path.name())};
      const Inspected there = parts_.ops.inspect(place);
      const bool same = there.error == 0 && there.status.kind == FileKind::file &&
                        there.status.size_bytes == entry.size_bytes &&
                        there.status.mtime_ns == entry.mtime_ns && there.status.mode == entry.mode;
      if (same && parts_.ops.rename_new(place, to) == 0) return Taken{there.status, left.is_of_this_transfer};
    }
  }
  return std::nullopt;
}

}  // namespace callboard::sync
