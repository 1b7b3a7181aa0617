// The committer's part that puts new directories together before they get their names.
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "sync/commit_errors.h"
#include "sync/committer.h"

namespace callboard::sync {
namespace {

// Where the new directory itself lies while it grows.
Place inner_top(const TreeStore::Growing& tree) { return {tree.root().fd(), "t"}; }

}  // namespace

Committer::~Committer() { give_up_assemblies(); }

void Committer::give_up_assemblies() {
  for (auto& [path, assembly] : std::exchange(assemblies_, {})) {
    parts_.stager.trees().give_up(path, std::move(assembly.tree));
  }
  parent_fd_ = Fd();
  // Their modes come with the next try.
  std::erase_if(directory_modes_, [&](const auto& each) { return !parts_.root.status(each.first); });
}

Committer::Assemblies::iterator Committer::assembly_of(const RelativePath& path) {
  if (assemblies_.empty() || path.is_root()) return assemblies_.end();
  for (RelativePath above = path.parent(); !above.is_root(); above = above.parent()) {
    const auto found = assemblies_.find(above);
    if (found != assemblies_.end()) return found;
  }
  return assemblies_.end();
}

Result<void> Committer::begin_assemblies() {
  for (const Change& change : group_) {
    if (change.kind != Change::Kind::directory || assemblies_.count(change.path) > 0) continue;
    if (assembly_of(change.path) != assemblies_.end()) continue;
    const Result<FileStatus> there = parts_.root.status(change.path);
    if (there || there.error().outcome != Outcome::not_found) continue;
    Result<std::unique_ptr<TreeStore::Growing>> begun = parts_.stager.trees().begin(change.path);
    if (!begun) return begun.error();
    const int error = parts_.ops.make_directory(inner_top(**begun), 0700);
    if (error != 0) return failure("make folder", change.path, error);
    assemblies_.emplace(change.path, Assembly{*std::move(begun), change.entry.mode});
    assembled_unsynced_ = true;
  }
  return {};
}

Result<void> Committer::place_assemblies() {
  if (assemblies_.empty()) return {};
  if (options_.durable && assembled_unsynced_) {
    if (const int error = parts_.ops.sync_file_system(parts_.root.fd()))
      return os_error("sync the project folder", error);
    assembled_unsynced_ = false;
    touched_.clear();
    versions_touched_ = false;
  }
  Assemblies failed;
  for (auto& [path, assembly] : std::exchange(assemblies_, {})) {
    const Attempt attempt = place(path, assembly);
    if (!attempt) {
      parts_.stager.trees().end(path, std::move(assembly.tree));
      parts_.listener.on_assembled(path, assembly.files, assembly.bytes);
      continue;
    }
    parts_.stager.trees().give_up(path, std::move(assembly.tree));
    const RelativePath& top = path;  // clang 14 captures no structured binding.
    std::erase_if(directory_modes_, [&](const auto& each) { return each.first.is_beneath(top); });
    if (attempt->fatal) return attempt->error;
    if (attempt->place_taken) {
      parts_.listener.on_place_taken(path, attempt->error);
    } else {
      parts_.listener.on_failed(path, attempt->error);
    }
  }
  return {};
}

Committer::Attempt Committer::place(const RelativePath& path, const Assembly& assembly) {
  if (Attempt opened = open_parent_of(path)) return opened;
  const Place grown = inner_top(*assembly.tree);
  // With its mode, for who is killed after the renaming; writable for us, which a directory that moves has to be.
  const auto mode = static_cast<std::uint16_t>(assembly.mode | 0700);
  if (const int error = parts_.ops.set_mode_at(grown, mode))
    return Problem{failure("set mode of", path, error), is_fatal(error)};
  const int error = parts_.ops.rename_new(grown, destination(path));
  if (error == EEXIST) return Problem{.error = changed_meanwhile(path), .place_taken = true};
  if (error != 0) return Problem{failure("make folder", path, error), is_fatal(error)};
  return changed();
}

Committer::Attempt Committer::open_in_assembly(const Assemblies::value_type& assembly, RelativePath parent) {
  const Root& root = assembly.second.tree->root();
  const Result<RelativePath> inner = TreeStore::Growing::inner(assembly.first, parent);
  if (!inner) return problem(inner.error());
  Result<Fd> opened = root.open_directory(*inner);
  if (!opened && opened.error().outcome == Outcome::not_found) {
    opened = parts_.ops.make_directories(root, *inner);
    assembled_unsynced_ = true;
  }
  if (!opened) return problem(opened.error());
  parent_ = std::move(parent);
  parent_fd_ = *std::move(opened);
  return std::nullopt;
}

}  // namespace callboard::sync
