#include "sync/versions.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <optional>

#include "base/text.h"

namespace callboard::sync {
namespace {

constexpr std::string_view kVersionsFolder = "versions";
// A path that had to make room more often than this within one millisecond's folder and its followers is no accident.
constexpr int kSlotsMax = 1000;

// As to_iso(), with '-' for ':', which some file systems do not take: "2026-11-21T13-52-23.123Z".
std::string folder_name(Timestamp timestamp) {
  std::string name = to_iso(timestamp);
  std::replace(name.begin(), name.end(), ':', '-');
  return name;
}

std::optional<Timestamp> parse_folder_name(const std::string& name) {
  std::tm utc{};
  int ms = 0;
  if (std::sscanf(name.c_str(), "%4d-%2d-%2dT%2d-%2d-%2d.%3dZ", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
                  &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &ms) != 7) {
    return std::nullopt;
  }
  utc.tm_year -= 1900;
  utc.tm_mon -= 1;
  const Timestamp timestamp{static_cast<std::int64_t>(timegm(&utc)) * 1000 + ms};
  // Only what we would write ourselves is ours.
  return folder_name(timestamp) == name ? std::optional(timestamp) : std::nullopt;
}

Error failure(const RelativePath& path, int errno_value) {
  return os_error("keep a version of " + quoted(path.to_item()), errno_value);
}

}  // namespace

Result<std::unique_ptr<Versions>> Versions::open(const Root& root, FileOps& ops) {
  if (const Result<Fd> made = ops.private_directory(root, kVersionsFolder); !made) return made.error();
  Result<Root> folder = Root::open(root.private_path(kVersionsFolder));
  if (!folder) return folder.error();
  return std::unique_ptr<Versions>(new Versions(*std::move(folder), ops));
}

Result<Versions::Slot> Versions::free_slot(const RelativePath& path, Timestamp now) {
  for (int i = 0; i < kSlotsMax; ++i) {
    const Timestamp at{now.ms + i};
    Result<RelativePath> slot = RelativePath::from_bytes(folder_name(at) + "/" + path.bytes());
    if (!slot) return slot.error().prefixed("keep a version of " + quoted(path.to_item()));
    Result<Fd> parent = ops_.make_directories(folder_, slot->parent());
    if (!parent && is_under_no_folder(*slot)) continue;
    if (!parent) {
      remove_empty(slot->parent());
      return parent.error().prefixed("keep a version of " + quoted(path.to_item()));
    }
    const Inspected there = ops_.inspect({parent->get(), std::string(slot->name())});
    if (there.error == ENOENT) return Slot{*std::move(slot), at, *std::move(parent)};
    if (there.error != 0) return failure(path, there.error);
  }
  return failure(path, EEXIST);
}

Result<KeptVersion> Versions::keep(const RelativePath& path, const Place& from, Timestamp now) {
  return take(path, from, now, Way::link);
}

Result<KeptVersion> Versions::move_away(const RelativePath& path, const Place& from, Timestamp now) {
  return take(path, from, now, Way::move);
}

Result<KeptVersion> Versions::take(const RelativePath& path, const Place& from, Timestamp now, Way way) {
  const Result<Slot> slot = free_slot(path, now);
  if (!slot) return slot.error();
  Result<KeptVersion> taken = take_into(*slot, path, from, way);
  if (!taken) remove_empty(slot->path.parent());
  return taken;
}

Result<KeptVersion> Versions::take_into(const Slot& slot, const RelativePath& path, const Place& from,
                                        Way way) {
  const Inspected there = ops_.inspect(from);
  if (there.error != 0) return failure(path, there.error);
  KeptVersion version;
  version.path = path;
  version.kept_at = slot.kept_at;
  version.kind = there.status.kind;
  version.size_bytes = there.status.kind == FileKind::directory ? 0 : there.status.size_bytes;
  version.place = std::string(kPrivateFolder) + "/" + std::string(kVersionsFolder) + "/" + slot.path.bytes();
  const Place to{slot.parent.get(), std::string(slot.path.name())};
  // No hard link: not on this file system, not of a stranger's file, or too many already. Then the name moves.
  int error = way == Way::link ? ops_.link(from, to) : EPERM;
  version.name_is_free =
      error == EPERM || error == EXDEV || error == EMLINK || error == EOPNOTSUPP || error == ENOSYS;
  if (version.name_is_free) error = ops_.rename_new(from, to);
  if (error != 0) return failure(path, error);
  return version;
}

// A version of the same moment, a link or a file, lies where `path` would have a folder.
bool Versions::is_under_no_folder(const RelativePath& path) const {
  for (RelativePath above = path; !above.is_root();) {
    above = above.parent();
    const Result<FileStatus> status = folder_.status(above);
    if (status) return status->kind != FileKind::directory;
  }
  return false;
}

// And what then is empty above it: folders are made for what is kept in them, and one without anything would pass for a
// folder that was kept empty.
void Versions::remove_empty(RelativePath folder) {
  for (; !folder.is_root(); folder = folder.parent()) {
    const Result<Fd> parent = folder_.open_parent(folder);
    if (!parent || ops_.remove_directory({parent->get(), std::string(folder.name())}) != 0) return;
  }
}

Result<RelativePath> Versions::path_of(const KeptVersion& version) const {
  return RelativePath::from_bytes(folder_name(version.kept_at) + "/" + version.path.bytes());
}

Result<Versions::Slot> Versions::slot_of(const KeptVersion& version) const {
  Result<RelativePath> path = path_of(version);
  if (!path) return path.error();
  Result<Fd> parent = folder_.open_parent(*path);
  if (!parent) return parent.error();
  return Slot{*std::move(path), version.kept_at, *std::move(parent)};
}

Result<void> Versions::undo(const KeptVersion& version, const Place& to) {
  Result<Slot> slot = slot_of(version);
  if (!slot) return slot.error();
  const Place kept{slot->parent.get(), std::string(slot->path.name())};
  if (version.name_is_free) {
    const int error = ops_.rename_new(kept, to);
    if (error != 0) return os_error("move back " + quoted(version.path.to_item()), error);
    remove_empty(slot->path.parent());
    return {};
  }
  const Inspected here = ops_.inspect(kept);
  const Inspected there = ops_.inspect(to);
  const bool same = here.error == 0 && there.error == 0 && here.status.inode == there.status.inode;
  const int error = same ? ops_.remove_file(kept) : EEXIST;
  if (error != 0) return os_error("move back " + quoted(version.path.to_item()), error);
  remove_empty(slot->path.parent());
  return {};
}

Result<void> Versions::discard(const KeptVersion& version) {
  Result<Slot> slot = slot_of(version);
  if (!slot) return slot.error();
  const int error = ops_.remove_file({slot->parent.get(), std::string(slot->path.name())});
  if (error != 0) return os_error("remove " + quoted(version.place), error);
  remove_empty(slot->path.parent());
  return {};
}

Result<std::vector<KeptVersion>> Versions::list(const RelativePath& path, std::size_t most) const {
  std::vector<std::pair<Timestamp, std::string>> folders;
  for (const std::string& name : names_in(folder_.fd())) {
    if (const auto at = parse_folder_name(name)) folders.emplace_back(*at, name);
  }
  std::sort(folders.rbegin(), folders.rend());
  std::vector<KeptVersion> found;
  for (const auto& [at, name] : folders) {
    const Result<RelativePath> folder = RelativePath::from_bytes(name);
    if (!folder) continue;
    if (Result<void> listed = list_folder({at, *folder, path, most}, found); !listed) return listed.error();
  }
  return found;
}

// Depth first with a list of what is still to see; names in ascending order.
Result<void> Versions::list_folder(const Search& search, std::vector<KeptVersion>& found) const {
  const std::string prefix = search.folder.bytes() + "/";
  std::vector<RelativePath> open_paths{search.folder};
  if (!search.beneath.is_root()) {
    Result<RelativePath> top = RelativePath::from_bytes(prefix + search.beneath.bytes());
    if (!top) return {};  // Too long to have been kept.
    open_paths = {*std::move(top)};
  }
  while (!open_paths.empty() && found.size() < search.most) {
    const RelativePath at = std::move(open_paths.back());
    open_paths.pop_back();
    const Result<FileStatus> status = folder_.status(at);
    if (!status && (status.error().outcome == Outcome::not_found || is_under_no_folder(at))) continue;
    if (!status) return status.error();
    std::vector<std::string> names;
    if (status->kind == FileKind::directory) {
      const Result<Fd> directory = folder_.open_directory(at);
      if (!directory) return directory.error();
      names = names_in(directory->get());
    }
    std::sort(names.rbegin(), names.rend());
    const std::size_t before = open_paths.size();
    for (const std::string& name : names) {
      Result<RelativePath> below = at.joined(name);
      if (below) open_paths.push_back(*std::move(below));
    }
    // Of a folder with what is in it, or with what is no part of any copy alone.
    if (open_paths.size() > before || at == search.folder) continue;
    const Result<RelativePath> path = RelativePath::from_bytes(at.bytes().substr(prefix.size()));
    if (!path) continue;
    KeptVersion version{*path, search.kept_at, status->kind, 0, false, false, {}};
    if (status->kind != FileKind::directory) version.size_bytes = status->size_bytes;
    version.place = std::string(kPrivateFolder) + "/" + std::string(kVersionsFolder) + "/" + at.bytes();
    found.push_back(std::move(version));
  }
  return {};
}

}  // namespace callboard::sync
