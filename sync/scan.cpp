// The walk goes from directory to directory with stat alone, on two threads when there are many; what the index knows needs no
// more. Unknown files go to a pool that hashes them meanwhile. A directory is packed as soon as nothing in it is open any more: at once when it has
// neither unknown files nor directories, else after its files are hashed, else at the end, from the bottom up.
#include "sync/scan.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "sync/directory_reader.h"
#include "sync/hash.h"
#include "sync/hash_pool.h"
#include "sync/ignore_files.h"
#include "sync/make_entry.h"
#include "sync/scan_directory.h"
#include "sync/walk_pool.h"

namespace callboard::sync {

namespace {

// Rows kept back for one transaction: a broken-off first scan loses at most this much of what it learnt.
constexpr std::size_t kStoreDirectories = 256;
constexpr std::uint64_t kStoreBytes = 4 * MiB;

// Assigning {} would keep the capacity.
template <class T>
void release(std::vector<T>& vector) {
  vector = std::vector<T>();
}

void add_child(Tree::Directory& parent, Tree::Node child) {
  Tree::add_totals(*child, parent);
  parent.children.push_back(std::move(child));
}

Error cancelled() { return Error{Outcome::cancelled, "cancelled"}; }

class Scan {
 public:
  Scan(const Root& root, Index& index, const Clock& clock, const ScanOptions& options)
      : root_(root),
        index_(index),
        options_(options),
        started_ns_(clock.wall().ms * 1'000'000),
        pool_(
            {root, options, [this](ScanDirectory& directory) { on_hashed(directory); }, [this] { tell(); }}),
        walks_({.threads = options.walk_threads,
                .walk = [this](ScanDirectory& directory) { return walk(directory); },
                .on_unknown = [this](ScanDirectory& directory) { pool_.add(directory); },
                .on_tick = [this] { tell(); },
                .is_cancelled = [this] { return is_cancelled(); }}) {}

  Result<Scanned> run(const RelativePath& top);

 private:
  Result<Scanned> scan_kind(const RelativePath& top);
  Result<Scanned> scan_directory(const RelativePath& top, const FileStatus& status, Ignore::Pointer above);
  Result<Scanned> scan_file(const RelativePath& top, const FileStatus& status);
  bool is_modified_within(Duration window, const FileStatus& status) const;
  // Why a file is not to be offered now; empty when it is.
  std::string_view why_unstable(std::string_view name, const FileStatus& status);
  // Of one that the index does not know.
  bool is_open_for_writing(const RelativePath& directory, const Place& place, const FileStatus& status);
  Result<Scanned> scan_link(const RelativePath& top);

  Result<void> walk(ScanDirectory& directory);
  Result<void> read(ScanDirectory& directory);
  Result<void> get_ready(const RelativePath& directory, int fd);
  Result<void> read_entries(ScanDirectory& directory, int fd);
  void add_file(ScanDirectory& directory, int fd, NamedStatus& named, KnownFiles& known);
  void add_directory(ScanDirectory& directory, NamedStatus& named);
  ScanDirectory& new_directory();

  void on_hashed(ScanDirectory& directory);
  void keep_known(ScanDirectory& directory);
  void pack(ScanDirectory& directory);
  Tree::Node pack_rest();
  void flush(bool all);

  void note(const Result<void>& stored);
  Scanned result(std::shared_ptr<const Tree> tree);
  void tell() const;
  ScanProgress progress() const { return {files_seen_, pool_.files_hashed(), pool_.bytes_hashed()}; }
  bool is_cancelled() const {
    return options_.cancelled != nullptr && options_.cancelled->load(std::memory_order_relaxed);
  }

  const Root& root_;
  Index& index_;
  const ScanOptions& options_;
  const std::int64_t started_ns_;
  std::atomic<std::uint64_t> files_seen_{0};
  std::atomic<bool> is_growing_{false};
  std::mutex ready_mutex_;
  std::optional<Error> not_ready_;  // What before_reading failed with.
  std::mutex directories_mutex_;
  std::deque<ScanDirectory>
      directories_;  // Parents before children, those in order of their names; addresses stay.

  std::mutex store_mutex_;
  std::vector<Index::KnownDirectory> to_store_;
  std::uint64_t to_store_bytes_ = 0;
  std::string index_trouble_;

  HashPool pool_;  // These last: their threads end before what they use.
  WalkPool walks_;
};

void Scan::tell() const {
  if (options_.on_progress) options_.on_progress(progress());
}

Result<Scanned> Scan::run(const RelativePath& top) {
  auto scanned = scan_kind(top);
  if (is_growing_ && options_.on_growing) options_.on_growing();
  return scanned;
}

Result<Scanned> Scan::scan_kind(const RelativePath& top) {
  auto status = root_.status(top);
  if (!status) return status.error();
  IgnoreFiles files(root_);
  auto rules = files.in(top.parent());
  if (!rules) return rules.error();
  const bool is_directory = status->kind == FileKind::directory;
  if (!*rules || (*rules)->is_ignored(top.parent(), top.name(), is_directory)) {
    return Error{Outcome::not_found, quoted(top.to_item()) + ": is ignored (.callboardignore)"};
  }
  switch (status->kind) {
    case FileKind::directory:
      return scan_directory(top, *status, top.is_root() ? Ignore::built_in() : *std::move(rules));
    case FileKind::file:
      return scan_file(top, *status);
    case FileKind::symlink:
      return scan_link(top);
    case FileKind::pipe:
    case FileKind::socket:
    case FileKind::device:
      break;
  }
  return Error{Outcome::refused, quoted(top.to_item()) + ": is " + std::string(to_text(status->kind))};
}

// A time that lies further ahead is no sign of writing.
bool Scan::is_modified_within(Duration window, const FileStatus& status) const {
  const std::int64_t window_ns = std::chrono::nanoseconds(window).count();
  return started_ns_ - window_ns < status.mtime_ns && status.mtime_ns < started_ns_ + window_ns;
}

std::string_view Scan::why_unstable(std::string_view name, const FileStatus& status) {
  if (is_placeholder(name, status)) return kPlaceholderReason;
  if (!is_modified_within(options_.stable_after, status)) return {};
  is_growing_ = true;
  return kWritingReason;
}

bool Scan::is_open_for_writing(const RelativePath& directory, const Place& place, const FileStatus& status) {
  if (options_.ops == nullptr || !is_modified_within(kOpenStableAfter, status)) return false;
  if (!options_.ops->is_open_for_writing(place)) return false;
  if (!options_.on_open) return true;
  const std::lock_guard lock(store_mutex_);
  options_.on_open(directory, place.name);
  return true;
}

Result<Scanned> Scan::scan_link(const RelativePath& top) {
  auto parent = root_.open_parent(top);
  if (!parent) return parent.error();
  Entry entry = link_entry(top.parent(), parent->get(), std::string(top.name()));
  if (entry.kind == EntryKind::refused) {
    return Error{Outcome::refused, quoted(top.to_item()) + ": " + entry.target};
  }
  return result(std::make_shared<Tree>(top, std::move(entry), nullptr));
}

Result<Scanned> Scan::scan_file(const RelativePath& top, const FileStatus& status) {
  files_seen_ = 1;
  if (const auto reason = why_unstable(top.name(), status); !reason.empty()) {
    return Error{Outcome::refused, quoted(top.to_item()) + ": " + std::string(reason)};
  }
  Entry entry = file_entry({}, status);
  if (const auto known = index_.known_digest(top, status)) {
    entry.digest = *known;
    return result(std::make_shared<Tree>(top, std::move(entry), nullptr));
  }
  auto file = root_.open_file(top);
  if (!file) return file.error();
  auto parent = root_.open_parent(top);
  if (!parent) return parent.error();
  if (is_open_for_writing(top.parent(), {parent->get(), std::string(top.name())}, status))
    return Error{Outcome::refused, quoted(top.to_item()) + ": " + std::string(kWritingReason)};
  ScanProgress told{1, 0, 0};
  auto hashed = hash_settled_file(file->get(), [&](std::uint64_t bytes) {
    told.bytes_hashed += bytes;
    if (options_.on_progress) options_.on_progress(told);
    return !is_cancelled();
  });
  if (!hashed) return hashed.error().prefixed(quoted(top.to_item()));
  entry = file_entry({}, hashed->status);
  entry.digest = hashed->digest;
  if (!is_unsettled(hashed->status, started_ns_)) note(index_.add_known(top, hashed->status, hashed->digest));
  Scanned scanned = result(std::make_shared<Tree>(top, std::move(entry), nullptr));
  scanned.totals = {1, 1, told.bytes_hashed};
  return scanned;
}

Result<Scanned> Scan::scan_directory(const RelativePath& top, const FileStatus& status,
                                     Ignore::Pointer above) {
  ScanDirectory& whole = new_directory();
  whole.path = top;
  whole.ignore = std::move(above);
  whole.packed.name = std::string(top.name());
  whole.packed.mode = status.mode;
  whole.packed.mtime_ns = status.mtime_ns;
  walks_.add(whole);
  auto walked = walks_.run();
  pool_.finish();
  flush(true);
  if (!walked) return walked.error();
  if (is_cancelled()) return cancelled();
  Tree::Node node = pack_rest();

  std::vector<std::string> present;
  for (const ScanDirectory& directory : directories_) {
    if (directory.is_there) present.push_back(directory.path.bytes());
  }
  std::sort(present.begin(), present.end());
  note(index_.forget_vanished(top, present));

  Entry entry = node->entry();
  return result(std::make_shared<Tree>(top, std::move(entry), std::move(node)));
}

// Of directories that are gone, not readable, or replaced by something else since their names were read, the parent's entry
// is left to pack_rest(): its files may be in the pool's hands.
Result<void> Scan::walk(ScanDirectory& directory) {
  const auto read_all = read(directory);
  if (read_all) return {};
  if (directory.parent == nullptr) return read_all;
  {
    const std::lock_guard lock(ready_mutex_);
    if (not_ready_) return *not_ready_;
  }
  directory.is_there = false;
  if (read_all.error().outcome != Outcome::not_found)
    directory.trouble = unreadable(directory.path, read_all.error());
  return {};
}

Result<void> Scan::read(ScanDirectory& directory) {
  auto fd = root_.open_directory(directory.path);
  if (!fd) return fd.error();
  if (auto ready = get_ready(directory.path, fd->get()); !ready) return ready;
  if (auto read = read_entries(directory, fd->get()); !read) return read;
  if (directory.unknown.empty()) on_hashed(directory);
  return {};
}

Result<void> Scan::get_ready(const RelativePath& directory, int fd) {
  if (!options_.before_reading) return {};
  const std::lock_guard lock(ready_mutex_);
  auto ready = options_.before_reading(directory, fd);
  if (!ready && !not_ready_) not_ready_ = ready.error();
  return ready;
}

Result<void> Scan::read_entries(ScanDirectory& directory, int fd) {
  auto names = read_directory(fd);
  if (!names) return names.error();
  const auto is_before = [](const NamedStatus& each, std::string_view name) { return each.name < name; };
  const auto rules = std::lower_bound(names->begin(), names->end(), kIgnoreFile, is_before);
  if (rules != names->end() && rules->name == kIgnoreFile) {
    auto own = read_ignore_file(root_, directory.ignore, directory.path);
    if (!own) return own.error();
    directory.ignore = *std::move(own);
  }
  directory.entries.reserve(names->size());
  directory.statuses.reserve(names->size());
  KnownFiles known = index_.known_in(directory.path);
  std::size_t known_taken = 0;
  for (NamedStatus& named : *names) {
    const bool is_directory = named.status.kind == FileKind::directory;
    if (directory.ignore->is_ignored(directory.path, named.name, is_directory)) continue;
    directory.statuses.push_back(named.status);
    if (auto reason = unaddressable(directory.path, named.name); !reason.empty()) {
      refuse(directory.entries.emplace_back(file_entry(std::move(named.name), {})), std::move(reason));
      continue;
    }
    switch (named.status.kind) {
      case FileKind::file:
        add_file(directory, fd, named, known);
        if (directory.entries.back().digest) ++known_taken;
        break;
      case FileKind::directory:
        add_directory(directory, named);
        break;
      case FileKind::symlink:
        directory.entries.push_back(link_entry(directory.path, fd, std::move(named.name)));
        break;
      case FileKind::pipe:
      case FileKind::socket:
      case FileKind::device:
        directory.entries.push_back(file_entry(std::move(named.name), named.status));
        refuse(directory.entries.back(), std::string(to_text(named.status.kind)));
        break;
    }
  }
  // Everything as it was: the index has nothing to learn.
  if (directory.unknown.empty() && known_taken == known.size()) release(directory.statuses);
  return {};
}

void Scan::add_file(ScanDirectory& directory, int fd, NamedStatus& named, KnownFiles& known) {
  if (const auto reason = why_unstable(named.name, named.status); !reason.empty()) {
    refuse(directory.entries.emplace_back(file_entry(std::move(named.name), {})), std::string(reason));
    return;
  }
  const auto digest = known.take(named.name, named.status);
  if (!digest && is_open_for_writing(directory.path, {fd, named.name}, named.status)) {
    refuse(directory.entries.emplace_back(file_entry(std::move(named.name), {})),
           std::string(kWritingReason));
    return;
  }
  if (!digest) directory.unknown.push_back(static_cast<std::uint32_t>(directory.entries.size()));
  directory.entries.push_back(file_entry(std::move(named.name), named.status));
  if (digest) directory.entries.back().digest = *digest;
  files_seen_.fetch_add(1, std::memory_order_relaxed);
}

ScanDirectory& Scan::new_directory() {
  const std::lock_guard lock(directories_mutex_);
  return directories_.emplace_back();
}

void Scan::add_directory(ScanDirectory& directory, NamedStatus& named) {
  ScanDirectory& child = new_directory();
  child.path = *directory.path.joined(named.name);
  child.packed.name = named.name;
  child.packed.mode = named.status.mode;
  child.packed.mtime_ns = named.status.mtime_ns;
  child.parent = &directory;
  child.ignore = directory.ignore;
  Entry& entry = directory.entries.emplace_back();
  entry.kind = EntryKind::directory;
  entry.mode = named.status.mode;
  entry.name = std::move(named.name);
  child.entry_in_parent = static_cast<std::uint32_t>(directory.entries.size() - 1);
  directory.has_directories = true;
  walks_.add(child);
}

// Of a directory all of whose files are hashed, on any thread. One with directories in it is packed at the end.
void Scan::on_hashed(ScanDirectory& directory) {
  if (!directory.statuses.empty() || !directory.unknown.empty()) keep_known(directory);
  release(directory.statuses);
  release(directory.unknown);
  if (!directory.has_directories) pack(directory);
  flush(false);
}

void Scan::keep_known(ScanDirectory& directory) {
  KnownFilesWriter writer;
  for (std::size_t i = 0; i < directory.entries.size(); ++i) {
    const Entry& entry = directory.entries[i];
    if (entry.kind != EntryKind::file || is_gone(entry)) continue;
    const KnownFiles::Known known{entry.name, directory.statuses[i], entry.digest};
    if (!is_unsettled(known.status, started_ns_)) {
      writer.add(known);
    } else if (options_.on_unsettled) {
      const std::lock_guard lock(store_mutex_);
      options_.on_unsettled(directory.path, known);
    }
  }
  Bytes packed = writer.finish();
  const std::lock_guard lock(store_mutex_);
  to_store_bytes_ += packed.size();
  to_store_.push_back({directory.path, std::move(packed)});
}

void Scan::flush(bool all) {
  std::vector<Index::KnownDirectory> storing;
  {
    const std::lock_guard lock(store_mutex_);
    if (!all && to_store_.size() < kStoreDirectories && to_store_bytes_ < kStoreBytes) return;
    storing.swap(to_store_);
    to_store_bytes_ = 0;
  }
  note(index_.store(storing));
}

void Scan::pack(ScanDirectory& directory) {
  std::erase_if(directory.entries, is_gone);
  Tree::pack(directory.entries, directory.packed);
  release(directory.entries);
  directory.is_packed = true;
}

// Children come after their parents, so backwards every directory finds its children done. Gives the first one.
Tree::Node Scan::pack_rest() {
  for (auto directory = directories_.rbegin();; ++directory) {
    if (directory->is_there && !directory->is_packed) pack(*directory);
    std::reverse(directory->packed.children.begin(), directory->packed.children.end());
    auto node = std::make_shared<const Tree::Directory>(std::move(directory->packed));
    if (directory->parent == nullptr) return node;
    Entry& entry = directory->parent->entries[directory->entry_in_parent];
    if (!directory->is_there) {
      if (directory->trouble.empty()) entry.name.clear();
      if (!directory->trouble.empty()) refuse(entry, directory->trouble);
      continue;
    }
    entry.digest = node->digest;
    add_child(directory->parent->packed, std::move(node));
  }
}

void Scan::note(const Result<void>& stored) {
  if (stored) return;
  const std::lock_guard lock(store_mutex_);
  if (index_trouble_.empty()) index_trouble_ = stored.error().text;
}

Scanned Scan::result(std::shared_ptr<const Tree> tree) {
  return {std::move(tree), progress(), index_trouble_};
}

}  // namespace

Result<Scanned> scan(const Root& root, Index& index, const RelativePath& top, const Clock& clock,
                     const ScanOptions& options) {
  ENSURE(options.hash_threads >= 1 && options.walk_threads >= 1);
  return Scan(root, index, clock, options).run(top);
}

}  // namespace callboard::sync
