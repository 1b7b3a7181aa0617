#include "sync/committer.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "sync/commit_errors.h"
#include "sync/known_files.h"
#include "sync/sqlite.h"

namespace callboard::sync {
namespace {

// More directories than this are brought to disk by one syncfs: an fsync each would take longer.
constexpr std::size_t kDirectorySyncsMax = 64;
// What others may put under the name between our looking and our renaming before we call it a fight.
constexpr int kPutTries = 3;

// The same file with the same content, as far as a status can tell across a renaming: that changes the change time.
bool is_same(const FileStatus& a, const FileStatus& b) {
  return a.inode == b.inode && a.kind == b.kind && a.size_bytes == b.size_bytes && a.mtime_ns == b.mtime_ns;
}

// What just got the entry's time has it, as far as the file system counts.
bool is_as_described(const FileStatus& there, const Entry& entry) {
  if (there.size_bytes != entry.size_bytes) return false;
  if (entry.kind != EntryKind::file) return true;
  return std::abs(there.mtime_ns / 2 - entry.mtime_ns / 2) < kTimesSettleNs / 2;
}

// What stood there and just lost its name.
struct Replaced {
  bool is_open = false;
  bool may_go = false;
};

// What a program writes through a descriptor that it has goes to what stood there, whatever has the name now; what it wrote
// up to now is seen by the look that follows.
Replaced look_at_replaced(FileOps& ops, const Place& place, const FileStatus& expected, bool was_pulled) {
  const bool is_open = was_pulled && ops.is_open_for_writing(place);
  const Inspected now = ops.inspect(place);
  return {is_open, !is_open && now.error == 0 && is_same(now.status, expected)};
}

}  // namespace

// An error whose errno is not known any more: refused and missing things concern one path, the rest all.
Committer::Problem Committer::problem(const Error& error) {
  return {error, error.outcome == Outcome::failed};
}

Committer::Problem Committer::source_changed(const Change& change) {
  return {changed_meanwhile(change.source), false, true};
}

Committer::Attempt Committer::changed() const {
  parts_.listener.on_changed();
  return std::nullopt;
}

// --- Groups -----------------------------------------------------------------------------------------------------------

bool Committer::is_due(Instant now) const {
  return group_.size() >= options_.group_files || group_bytes_ >= options_.group_bytes ||
         (!group_.empty() && now - group_started_ >= options_.group_time);
}

Result<void> Committer::add(Change change, Instant now) {
  ENSURE(!change.path.is_root());
  if (group_.empty()) group_started_ = now;
  if (change.kind == Change::Kind::file) group_bytes_ += change.entry.size_bytes;
  group_.push_back(std::move(change));
  return tick(now);
}

Result<void> Committer::tick(Instant now) {
  if (!is_due(now)) return {};
  return commit_group();
}

Result<void> Committer::finish(bool places) {
  if (Result<void> committed = commit_group(); !committed) return committed;
  if (!places) give_up_assemblies();
  if (Result<void> set = set_directory_modes(true); !set) return set;
  if (Result<void> placed = place_assemblies(); !placed) return placed;
  if (Result<void> set = set_directory_modes(false); !set) return set;
  return sync_touched();
}

// What goes into new directories comes first: the same sync then brings its names to disk and the contents of all.
Result<void> Committer::commit_group() {
  if (Result<void> begun = begin_assemblies(); !begun) return begun;
  const std::vector<const Change*> changes = by_directory();
  Attempt fatal = commit_all(changes, true);
  // What is recorded of new directories is on disk, also when something ends it here.
  if (Result<void> synced = sync_group(); !synced) return synced;
  if (!fatal && options_.notes_pulled) note_pulling();
  if (!fatal) fatal = commit_all(changes, false);
  parent_fd_ = Fd();
  const Result<void> recorded = record_group();
  if (recorded) parts_.stager.journal().clear();
  for (const Change* change : done_) parts_.listener.on_committed(*change);
  done_.clear();
  group_.clear();
  group_bytes_ = 0;
  if (fatal) return fatal->error;
  return recorded;
}

// Directory by directory, so that each is opened once a group whatever the order in which several writers finished. A
// directory's parent comes first: it begins the same and is shorter.
std::vector<const Change*> Committer::by_directory() const {
  std::vector<std::pair<std::string_view, const Change*>> sorted;
  sorted.reserve(group_.size());
  for (const Change& change : group_) {
    const std::string_view path = change.path.bytes();
    sorted.emplace_back(path.substr(0, path.size() - std::min(path.size(), change.path.name().size() + 1)),
                        &change);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const Change*> changes;
  changes.reserve(sorted.size());
  for (const auto& [directory, change] : sorted) changes.push_back(change);
  return changes;
}

// Of the changes of the group those that go into new directories, or the others. The fatal one that ended it.
Committer::Attempt Committer::commit_all(const std::vector<const Change*>& changes, bool assembled) {
  for (const Change* change : changes) {
    if ((assembly_of(change->path) != assemblies_.end()) != assembled) continue;
    Attempt attempt = commit_one(*change);
    if (attempt && attempt->fatal) return attempt;
    if (!attempt) continue;
    if (attempt->source_changed) {
      parts_.listener.on_source_changed(*change);
    } else {
      parts_.listener.on_failed(change->path, attempt->error);
    }
  }
  return std::nullopt;
}

// Contents reach the disk before their names do: a name never stands for bytes that a power cut could take. The same
// call brings the names of the groups before to disk, and what is recorded of new directories.
Result<void> Committer::sync_group() {
  const auto is_file = [](const Change& change) { return change.kind == Change::Kind::file; };
  if (!options_.durable || std::none_of(group_.begin(), group_.end(), is_file)) return {};
  if (const int error = parts_.ops.sync_file_system(parts_.root.fd()))
    return os_error("sync the project folder", error);
  touched_.clear();
  versions_touched_ = false;
  assembled_unsynced_ = false;
  return {};
}

// What is killed between the renames and the record of them has pulled what nobody would know of.
void Committer::note_pulling() {
  std::vector<PullJournal::Noted> renamed;
  for (const Change& change : group_) {
    const bool is_content = change.kind == Change::Kind::file || change.kind == Change::Kind::symlink ||
                            (change.kind == Change::Kind::rename && !change.node);
    if (is_content && assembly_of(change.path) == assemblies_.end())
      renamed.push_back({change.path, change.entry.digest});
  }
  parts_.stager.journal().note(renamed);
}

Result<void> Committer::record_group() {
  if (pulled_.empty()) return {};
  const Result<void> recorded =
      parts_.ops.until_room([&] { return parts_.records.record(pulled_); }, is_out_of_room);
  pulled_.clear();
  return recorded;
}

// --- One change -------------------------------------------------------------------------------------------------------

Place Committer::destination(const RelativePath& path) const {
  return {parent_fd_.get(), std::string(path.name())};
}

Committer::Attempt Committer::commit_one(const Change& change) {
  if (change.kind == Change::Kind::remove) return remove(change);
  if (Attempt opened = open_parent_of(change.path)) return opened;
  if (change.kind == Change::Kind::file && put_new_file(change)) {
    note_done(change);
    return std::nullopt;
  }
  const Inspected there = parts_.ops.inspect(destination(change.path));
  if (there.error != 0 && there.error != ENOENT) {
    return Problem{failure("look at", change.path, there.error), is_fatal(there.error)};
  }
  const auto attempt = [&]() -> Attempt {
    switch (change.kind) {
      case Change::Kind::file:
        return put_file(change, there);
      case Change::Kind::symlink:
        return put_symlink(change, there);
      case Change::Kind::directory:
        return put_directory(change, there);
      case Change::Kind::metadata:
        return set_metadata(change, there);
      case Change::Kind::rename:
        return change.node ? rename_directory(change, there) : rename_file(change, there);
      case Change::Kind::remove:
        break;
    }
    return std::nullopt;
  };
  Attempt result = attempt();
  if (!result) note_done(change);
  return result;
}

// --- Where a change goes ----------------------------------------------------------------------------------------------

// What encloses an item and is not here is made when it is needed; of it the giver tells nothing.
Committer::Attempt Committer::open_parent_of(const RelativePath& path) {
  RelativePath parent = path.parent();
  if (parent_fd_ && parent == parent_) return std::nullopt;
  parent_fd_ = Fd();
  const auto assembly = assembly_of(path);
  if (assembly != assemblies_.end()) return open_in_assembly(*assembly, std::move(parent));
  Result<Fd> opened = parts_.root.open_directory(parent);
  if (!opened && opened.error().outcome == Outcome::not_found) {
    opened = parts_.ops.make_directories(parts_.root, parent);
    for (RelativePath above = parent; opened && !above.is_root(); above = above.parent())
      touched_.insert(above.parent());
    if (opened) parts_.listener.on_changed();
  }
  if (!opened) return problem(opened.error());
  touched_.insert(parent);
  parent_ = std::move(parent);
  parent_fd_ = *std::move(opened);
  return std::nullopt;
}

// Most files are new. Whatever is in the way of that, the look at the name tells.
bool Committer::put_new_file(const Change& change) {
  if (parts_.ops.rename_new(parts_.stager.place(change.staged), destination(change.path)) != 0) return false;
  parts_.listener.on_changed();
  return true;
}

Committer::Attempt Committer::put_file(const Change& change, const Inspected& there) {
  return put(parts_.stager.place(change.staged), change.path, there);
}

Committer::Attempt Committer::rename_file(const Change& change, const Inspected& there) {
  const Result<Fd> parent = parts_.root.open_parent(change.source);
  if (!parent && parent.error().outcome == Outcome::not_found) return source_changed(change);
  if (!parent) return problem(parent.error());
  const Place from{parent->get(), std::string(change.source.name())};
  const Inspected source = parts_.ops.inspect(from);
  const bool right =
      source.error == 0 && parts_.records.has_content(change.source, source.status, change.entry.digest, {});
  if (!right) return source_changed(change);
  if (Attempt failed = put(from, change.path, there)) return failed;
  touched_.insert(change.source.parent());
  if (!is_still(change.path, source.status)) return source_changed(change);
  return set_mode_and_time(change, source.status);
}

// Saved here meanwhile: the giver's time would make it look like the giver's content.
bool Committer::is_still(const RelativePath& path, const FileStatus& looked_at) {
  const Inspected there = parts_.ops.inspect(destination(path));
  return there.error == 0 && is_same(there.status, looked_at);
}

Committer::Attempt Committer::set_mode_and_time(const Change& change, const FileStatus& there) {
  const Place to = destination(change.path);
  if (there.mode != change.entry.mode) {
    const int error = parts_.ops.set_mode_at(to, change.entry.mode);
    if (error != 0) return Problem{failure("set mode of", change.path, error), is_fatal(error)};
    parts_.listener.on_changed();
  }
  if (there.mtime_ns == change.entry.mtime_ns) return std::nullopt;
  const int error = parts_.ops.set_mtime_at(to, change.entry.mtime_ns);
  if (error != 0) return Problem{failure("set time of", change.path, error), is_fatal(error)};
  return changed();
}

Committer::Attempt Committer::rename_directory(const Change& change, const Inspected& there) {
  const Result<Fd> parent = parts_.root.open_parent(change.source);
  if (!parent && parent.error().outcome == Outcome::not_found) return source_changed(change);
  if (!parent) return problem(parent.error());
  if (!mover().is_as(change.source, change.node)) return source_changed(change);
  const Place from{parent->get(), std::string(change.source.name())};
  const Place to = destination(change.path);
  if (there.error == 0) {
    if (Attempt failed = move_away_and_put(from, change.path)) return failed;
  } else if (const int error = parts_.ops.rename_new(from, to)) {
    return Problem{failure("rename to", change.path, error), is_fatal(error)};
  } else {
    parts_.listener.on_changed();
  }
  touched_.insert(change.source.parent());
  const Result<void> recorded =
      parts_.ops.until_room([&] { return mover().record(change.path, change.node); }, is_out_of_room);
  if (!recorded) return Problem{recorded.error(), true};
  return std::nullopt;
}

Mover Committer::mover() const {
  return Mover({parts_.root, parts_.ops, parts_.versions, parts_.records, parts_.started});
}

Committer::Attempt Committer::remove(const Change& change) {
  Mover mover = this->mover();
  const Mover::Removed removed =
      change.node ? mover.remove_directory(change.path, change.node) : mover.remove_file(change.path);
  parent_fd_ = Fd();  // It may have been removed.
  touched_.insert(change.path.parent());
  versions_touched_ = true;
  if (!removed.versions.empty()) parts_.listener.on_changed();
  for (const KeptVersion& version : removed.versions) parts_.listener.on_removed(version);
  if (removed.error) return problem(*removed.error);
  return std::nullopt;
}

Committer::Attempt Committer::put_symlink(const Change& change, const Inspected& there) {
  const Place made = parts_.stager.place(parts_.stager.unused_name());
  if (const int error = parts_.ops.make_symlink(change.entry.target, made)) {
    return Problem{failure("make link", change.path, error), is_fatal(error)};
  }
  Attempt result = put(made, change.path, there);
  if (result) static_cast<void>(parts_.ops.remove_file(made));  // Or by the sweep.
  return result;
}

Committer::Attempt Committer::put(const Place& from, const RelativePath& path, const Inspected& there) {
  Inspected now = there;
  for (int i = 0; i < kPutTries; ++i) {
    if (now.error == 0) {
      if (now.status.kind == FileKind::directory) return move_away_and_put(from, path);
      const bool as_pulled = parts_.records.is_as_pulled(path, now.status);
      return as_pulled ? replace(from, path, now.status, Before::pulled)
                       : keep_and_replace(from, path, now.status);
    }
    const int error = parts_.ops.rename_new(from, destination(path));
    if (error == 0) return changed();
    if (error != EEXIST) return Problem{failure("write", path, error), is_fatal(error)};
    now = parts_.ops.inspect(destination(path));
  }
  return Problem{changed_meanwhile(path), false};
}

// Swaps the two names, so that what somebody put there since we looked is in our hands and not gone.
Committer::Attempt Committer::replace(const Place& from, const RelativePath& path, const FileStatus& expected,
                                      Before before) {
  const Place to = destination(path);
  int error = parts_.ops.exchange(from, to);
  const bool swapped = error == 0;
  if (error == ENOENT) error = parts_.ops.rename_new(from, to);
  if (error == EINVAL || error == ENOSYS) error = parts_.ops.rename(from, to);
  if (error != 0) return Problem{failure("replace", path, error), is_fatal(error)};
  if (!swapped) return changed();
  const Replaced out = look_at_replaced(parts_.ops, from, expected, before == Before::pulled);
  if (!out.may_go) return keep_swapped_out(from, path, out.is_open);
  static_cast<void>(parts_.ops.remove_file(from));  // Or by the sweep.
  return changed();
}

// Saved here a moment ago, after we looked, or may still be written to.
Committer::Attempt Committer::keep_swapped_out(const Place& from, const RelativePath& path, bool is_open) {
  Result<KeptVersion> kept = parts_.versions.move_away(path, from, parts_.started);
  if (kept) {
    kept->is_open = is_open;
    note_kept(*kept);
    return std::nullopt;
  }
  static_cast<void>(parts_.ops.exchange(from, destination(path)));
  return problem(kept.error());
}

Committer::Attempt Committer::keep_and_replace(const Place& from, const RelativePath& path,
                                               const FileStatus& there) {
  const Place to = destination(path);
  const Result<KeptVersion> kept = parts_.versions.keep(path, to, parts_.started);
  if (!kept) return problem(kept.error());
  Attempt result;
  if (!kept->name_is_free) {
    result = replace(from, path, there, Before::kept);
  } else if (const int error = parts_.ops.rename_new(from, to)) {
    result = Problem{failure("replace", path, error), is_fatal(error)};
  }
  if (result) {
    undo(*kept, to);
  } else {
    note_kept(*kept);
  }
  return result;
}

Committer::Attempt Committer::move_away_and_put(const Place& from, const RelativePath& path) {
  const Place to = destination(path);
  const Result<KeptVersion> kept = parts_.versions.move_away(path, to, parts_.started);
  if (!kept) return problem(kept.error());
  if (const int error = parts_.ops.rename_new(from, to)) {
    undo(*kept, to);
    return Problem{failure("replace", path, error), is_fatal(error)};
  }
  note_kept(*kept);
  return std::nullopt;
}

Committer::Attempt Committer::put_directory(const Change& change, const Inspected& there) {
  if (there.error == 0 && there.status.kind == FileKind::directory) return std::nullopt;
  if (assemblies_.count(change.path) > 0) return std::nullopt;  // Is being put together.
  const Place to = destination(change.path);
  // Writable for us until finish(), whatever the giver's mode.
  const auto mode = static_cast<std::uint16_t>(change.entry.mode | 0700);
  if (there.error == ENOENT) {
    const int error = parts_.ops.make_directory(to, mode);
    if (error == EEXIST) return Problem{changed_meanwhile(change.path), false};
    if (error != 0) return Problem{failure("make folder", change.path, error), is_fatal(error)};
    return changed();
  }
  const bool as_pulled = parts_.records.is_as_pulled(change.path, there.status);
  Result<KeptVersion> kept = parts_.versions.move_away(change.path, to, parts_.started);
  if (!kept) return problem(kept.error());
  if (const int error = parts_.ops.make_directory(to, mode)) {
    undo(*kept, to);
    return Problem{failure("make folder", change.path, error), is_fatal(error)};
  }
  const Place away{parts_.root.fd(), kept->place};
  const Replaced out = look_at_replaced(parts_.ops, away, there.status, as_pulled);
  kept->is_open = out.is_open;
  if (!as_pulled || !out.may_go || !parts_.versions.discard(*kept)) note_kept(*kept);
  return changed();
}

Committer::Attempt Committer::set_metadata(const Change& change, const Inspected& there) {
  const bool directory = change.entry.kind == EntryKind::directory;
  if (directory && there.error == 0 && there.status.kind == FileKind::directory) return std::nullopt;
  const bool right = !directory && there.error == 0 &&
                     parts_.records.has_content(change.path, there.status, change.entry.digest, {}) &&
                     is_still(change.path, there.status);
  if (!right) return Problem{changed_meanwhile(change.path), false};
  return set_mode_and_time(change, there.status);
}

// --- After a change ---------------------------------------------------------------------------------------------------

void Committer::note_kept(const KeptVersion& version) {
  versions_touched_ = true;
  parts_.listener.on_changed();
  parts_.listener.on_kept(version);
}

// What cannot be moved back stays a version, and that is told.
void Committer::undo(const KeptVersion& version, const Place& to) {
  if (!parts_.versions.undo(version, to)) note_kept(version);
}

void Committer::note_done(const Change& change) {
  const auto assembly = assembly_of(change.path);
  const bool is_assembled = assembly != assemblies_.end();
  if (is_assembled) assembled_unsynced_ = true;
  if (!is_assembled) done_.push_back(&change);
  if (change.entry.kind == EntryKind::directory) {
    directory_modes_.emplace_back(change.path, change.entry.mode);
    return;
  }
  if (is_assembled && change.kind == Change::Kind::file) {
    assembly->second.files += 1;
    assembly->second.bytes += change.entry.size_bytes;
  }
  const Inspected there = parts_.ops.inspect(destination(change.path));
  if (there.error != 0) return;
  const bool ours = change.kind == Change::Kind::file ? is_same(there.status, change.status)
                                                      : is_as_described(there.status, change.entry);
  if (ours) pulled_.push_back({change.path, change.entry.digest, there.status});
}

// --- The end ----------------------------------------------------------------------------------------------------------

// Of the directories in new ones, whose own come when they have their names, or of all others.
Result<void> Committer::set_directory_modes(bool assembled) {
  // Deepest first: what lies below a directory is reached through it.
  std::stable_sort(directory_modes_.begin(), directory_modes_.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::pair<RelativePath, std::uint16_t>> others;
  for (auto& [path, mode] : std::exchange(directory_modes_, {})) {
    if ((assembly_of(path) != assemblies_.end()) != assembled) {
      others.emplace_back(std::move(path), mode);
      continue;
    }
    const Attempt attempt = set_directory_mode(path, mode);
    if (attempt && attempt->fatal) return attempt->error;
    if (attempt) parts_.listener.on_failed(path, attempt->error);
  }
  directory_modes_ = std::move(others);
  parent_fd_ = Fd();
  return {};
}

Committer::Attempt Committer::set_directory_mode(const RelativePath& path, std::uint16_t mode) {
  if (Attempt opened = open_parent_of(path)) return opened;
  const Place place = destination(path);
  const Inspected there = parts_.ops.inspect(place);
  if (there.error != 0) return Problem{failure("look at", path, there.error), is_fatal(there.error)};
  if (there.status.kind != FileKind::directory) return Problem{changed_meanwhile(path), false};
  if (there.status.mode == mode) return std::nullopt;
  if (const int error = parts_.ops.set_mode_at(place, mode)) {
    return Problem{failure("set mode of", path, error), is_fatal(error)};
  }
  return changed();
}

Result<void> Committer::sync_touched() {
  if (!options_.durable) return {};
  bool all_at_once = versions_touched_ || touched_.size() > kDirectorySyncsMax;
  for (auto path = touched_.begin(); path != touched_.end() && !all_at_once; ++path) {
    const Result<Fd> directory = parts_.root.open_directory(*path);
    if (!directory) {  // Gone, or no longer ours to read.
      all_at_once = true;
      continue;
    }
    const int error = parts_.ops.sync_directory(directory->get());
    if (error == EINVAL) {  // A file system that cannot sync a directory alone.
      all_at_once = true;
    } else if (error != 0) {
      return failure("sync folder", *path, error);
    }
  }
  if (all_at_once) {
    if (const int error = parts_.ops.sync_file_system(parts_.root.fd()))
      return os_error("sync the project folder", error);
  }
  touched_.clear();
  versions_touched_ = false;
  return {};
}

}  // namespace callboard::sync
