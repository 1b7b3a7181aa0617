#include "sync/restore.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/text.h"
#include "sync/committer.h"
#include "sync/hash.h"
#include "sync/holes.h"
#include "sync/make_entry.h"
#include "sync/stager.h"

namespace callboard::sync {
namespace {

// Whatever lies there is somebody's own, and a restored file is again: the next pull keeps it.
class NothingIsAsPulled final : public PullRecords {
 public:
  bool is_as_pulled(const RelativePath&, const FileStatus&) override { return false; }
  bool has_content(const RelativePath&, const FileStatus&, const Digest&, const OnRead&) override {
    return false;
  }
  std::optional<Digest> pulled(const RelativePath&) override { return std::nullopt; }
  Result<void> record(const std::vector<Index::Pulled>&) override { return {}; }
};

class Listener final : public CommitListener {
 public:
  explicit Listener(Restored& restored) : restored_(restored) {}
  void on_committed(const Change& change) override {
    if (change.kind != Change::Kind::file && change.kind != Change::Kind::symlink) return;
    ++restored_.files;
    restored_.bytes += change.entry.size_bytes;
  }
  void on_changed() override {}
  void on_kept(const KeptVersion& version) override { restored_.kept.push_back(version); }
  void on_assembled(const RelativePath&, std::uint64_t files, std::uint64_t bytes) override {
    restored_.files += files;
    restored_.bytes += bytes;
  }
  void on_removed(const KeptVersion&) override {}    // Nothing is.
  void on_source_changed(const Change&) override {}  // Nothing is renamed.
  void on_failed(const RelativePath& path, const Error& error) override {
    restored_.failed.push_back({path, error});
  }

 private:
  Restored& restored_;
};

class Restoring {
 public:
  Restoring(const RestoreParts& parts, Stager& stager)
      : parts_(parts),
        stager_(stager),
        listener_(restored_),
        committer_(committer_parts(), {.notes_pulled = false}) {}

  // Brings `version` back to `path` with the folders from `top` down to it. False when going on is pointless.
  bool add(const KeptVersion& version, const RelativePath& top, const RelativePath& path);
  void finish(const RelativePath& top);
  Restored take() { return std::move(restored_); }

 private:
  Result<void> add_version(const KeptVersion& version, const RelativePath& top, const RelativePath& to);
  // Folders from `top` down to the one that holds `path`, as they were when `version` was kept.
  Result<void> add_folders(const KeptVersion& version, const RelativePath& top, const RelativePath& path);
  Committer::Parts committer_parts() {
    return {parts_.root, parts_.ops, stager_, parts_.versions, records_, listener_, parts_.now};
  }
  // nullopt: it is there already.
  Result<std::optional<Change>> read_file(const RelativePath& from, const RelativePath& to);
  Result<std::optional<Change>> read_link(const RelativePath& from, const RelativePath& to);
  Result<void> add_folder(const RelativePath& from, const RelativePath& to);
  Result<StagedFile> copied(int from_fd, const Entry& entry, const RelativePath& to);
  bool is_there(const RelativePath& to, const HashedFile& wanted) const;

  const RestoreParts& parts_;
  Stager& stager_;
  NothingIsAsPulled records_;
  Restored restored_;
  Listener listener_;
  Committer committer_;
  std::set<RelativePath> folders_;  // Added already.
};

bool Restoring::add(const KeptVersion& version, const RelativePath& top, const RelativePath& path) {
  const Result<void> added = add_version(version, top, path);
  if (added) return true;
  restored_.failed.push_back({path, added.error()});
  // What is refused, missing or changed meanwhile concerns one path, the rest all.
  return added.error().outcome != Outcome::failed;
}

// For what cannot be brought back no folder is made, which might take the place of something: it is read before.
Result<void> Restoring::add_version(const KeptVersion& version, const RelativePath& top,
                                    const RelativePath& to) {
  const Result<RelativePath> from = parts_.versions.path_of(version);
  if (!from) return from.error();
  const bool is_file = version.kind == FileKind::file;
  if (!is_file && version.kind != FileKind::symlink && version.kind != FileKind::directory) {
    return Error{Outcome::refused, "restore " + quoted(to.to_item()) + ": expected a file, link or folder, " +
                                       quoted(version.place) + " is " + std::string(to_text(version.kind))};
  }
  if (version.kind == FileKind::directory) {
    const Result<void> added = add_folders(version, top, to);
    return added ? add_folder(*from, to) : added;
  }
  Result<std::optional<Change>> change = is_file ? read_file(*from, to) : read_link(*from, to);
  if (!change) return change.error();
  if (!*change) return {};
  if (Result<void> added = add_folders(version, top, to); !added) return added;
  return committer_.add(**std::move(change), Instant{});
}

Result<std::optional<Change>> Restoring::read_file(const RelativePath& from, const RelativePath& to) {
  const Result<Fd> file = parts_.versions.folder().open_file(from);
  if (!file) return file.error();
  const Result<HashedFile> hashed = hash_settled_file(file->get());
  if (!hashed) return hashed.error().prefixed(quoted(from.to_item()));
  if (is_there(to, *hashed)) {
    ++restored_.unchanged_files;
    return std::optional<Change>();
  }
  Entry entry = file_entry(std::string(to.name()), hashed->status);
  entry.digest = hashed->digest;
  Result<StagedFile> staged = copied(file->get(), entry, to);
  if (!staged) return staged.error().prefixed("restore " + quoted(to.to_item()));
  return std::optional(Change::file(*std::move(staged)));
}

bool Restoring::is_there(const RelativePath& to, const HashedFile& wanted) const {
  const Result<FileStatus> status = parts_.root.status(to);
  const bool is_alike = status && status->kind == FileKind::file && status->mode == wanted.status.mode &&
                        status->size_bytes == wanted.status.size_bytes &&
                        status->mtime_ns == wanted.status.mtime_ns;
  if (!is_alike) return false;
  const Result<Fd> file = parts_.root.open_file(to);
  if (!file) return false;
  const Result<HashedFile> hashed = hash_file(file->get());
  return hashed && hashed->digest == wanted.digest;
}

Result<StagedFile> Restoring::copied(int from_fd, const Entry& entry, const RelativePath& to) {
  const Shape shape = has_holes(from_fd) ? Shape::sparse : Shape::dense;
  if (::lseek(from_fd, 0, SEEK_SET) != 0) return os_error("read", errno);
  Result<IncomingFile> incoming = stager_.begin(to, entry, shape);
  if (!incoming) return incoming.error();
  const Result<int> copied = incoming->copy_hashed(from_fd);
  if (!copied) return copied.error();
  if (*copied != 0) return os_error("read", *copied);
  return incoming->finish();
}

Result<std::optional<Change>> Restoring::read_link(const RelativePath& from, const RelativePath& to) {
  Result<std::string> target = parts_.versions.folder().read_link(from);
  if (!target) return target.error();
  Entry entry{EntryKind::symlink, 0, target->size(), 0, digest_of(as_bytes(*target)), std::string(to.name()),
              *std::move(target)};
  return std::optional(Change::symlink(to, std::move(entry)));
}

Result<void> Restoring::add_folder(const RelativePath& from, const RelativePath& to) {
  if (to.is_root() || !folders_.insert(to).second) return {};
  const Result<FileStatus> status = parts_.versions.folder().status(from);
  if (!status) return status.error();
  Entry entry{EntryKind::directory, status->mode, 0, 0, {}, std::string(to.name()), {}};
  // One that is there keeps its own mode.
  const Result<FileStatus> there = parts_.root.status(to);
  if (there && there->kind == FileKind::directory) return {};
  return committer_.add(Change::directory(to, std::move(entry)), Instant{});
}

Result<void> Restoring::add_folders(const KeptVersion& version, const RelativePath& top,
                                    const RelativePath& path) {
  Result<RelativePath> from = parts_.versions.path_of(version);
  if (!from) return from.error();
  std::vector<std::pair<RelativePath, RelativePath>> way;
  for (RelativePath to = path; to != top && !to.is_root();) {
    to = to.parent();
    from = from->parent();
    way.emplace_back(*from, to);
  }
  for (auto each = way.rbegin(); each != way.rend(); ++each) {
    if (Result<void> added = add_folder(each->first, each->second); !added) return added;
  }
  return {};
}

void Restoring::finish(const RelativePath& top) {
  const Result<void> finished = committer_.finish();
  if (!finished) restored_.failed.push_back({top, finished.error()});
}

std::vector<Timestamp> times_of(const std::vector<KeptVersion>& listed) {
  std::vector<Timestamp> times;
  for (const KeptVersion& each : listed) {
    if (times.empty() || times.back() != each.kept_at) times.push_back(each.kept_at);
  }
  return times;
}

// `to` and what of `path` lies beneath `from`.
Result<RelativePath> moved(const RelativePath& path, const RelativePath& from, const RelativePath& to) {
  std::string bytes = path.bytes().substr(from.bytes().size());
  if (from.is_root() && !to.is_root()) bytes.insert(0, "/");
  if (to.is_root() && bytes.starts_with('/')) bytes.erase(0, 1);
  return RelativePath::from_bytes(to.bytes() + bytes);
}

}  // namespace

Result<std::vector<KeptVersion>> choose_version(const std::vector<KeptVersion>& listed,
                                                const RelativePath& path, std::string_view wanted) {
  std::vector<Timestamp> times = times_of(listed);
  const Error none{Outcome::not_found, "no version of " + quoted(path.to_item())};
  if (times.empty()) return Error{none.outcome, none.text + " was kept"};
  std::size_t number = 1;
  const char* const end = wanted.data() + wanted.size();
  // Years have four digits: a number is shorter.
  const bool is_number =
      wanted.empty() || (wanted.size() < 4 && std::from_chars(wanted.data(), end, number).ptr == end);
  if (!is_number) {
    std::erase_if(times, [&](Timestamp time) { return !to_iso(time).starts_with(wanted); });
    if (times.empty()) return Error{none.outcome, none.text + " was kept at " + quoted(wanted)};
    if (times.size() > 1) {
      return Error{Outcome::usage, "--version " + quoted(wanted) + ": fits " + std::to_string(times.size()) +
                                       " versions of " + quoted(path.to_item())};
    }
  }
  if (number < 1 || number > times.size()) {
    return Error{none.outcome, none.text + " is number " + std::string(wanted) + ": there are " +
                                   std::to_string(times.size())};
  }
  std::vector<KeptVersion> chosen;
  std::copy_if(listed.begin(), listed.end(), std::back_inserter(chosen),
               [&](const KeptVersion& each) { return each.kept_at == times[number - 1]; });
  return chosen;
}

Result<Restored> restore(const RestoreParts& parts, const std::vector<KeptVersion>& version,
                         const RelativePath& from, const RelativePath& to) {
  std::vector<RelativePath> paths;
  for (const KeptVersion& each : version) {
    Result<RelativePath> path = moved(each.path, from, to);
    if (!path) return path.error();
    if (path->is_root() && each.kind != FileKind::directory) {
      return Error{Outcome::usage, "restore " + quoted(each.path.to_item()) + " to " + quoted(to.to_item()) +
                                       ": expected a path with the name that it is to have, got the project "
                                       "folder itself"};
    }
    paths.push_back(*std::move(path));
  }
  const std::string transfer = "restore-" + std::to_string(::getpid());
  Result<std::unique_ptr<Stager>> stager = Stager::open(parts.root, parts.ops, transfer, parts.now);
  if (!stager) return stager.error();
  Restoring restoring(parts, **stager);
  for (std::size_t i = 0; i < version.size(); ++i) {
    if (!restoring.add(version[i], to, paths[i])) return restoring.take();
  }
  restoring.finish(to);
  return restoring.take();
}

}  // namespace callboard::sync
