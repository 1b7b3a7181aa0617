#include "sync/live_tree_update.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "sync/chunk_list.h"
#include "sync/hash_pool.h"
#include "sync/make_entry.h"

namespace callboard::sync {
namespace {

// A write gives a file the time of now, or of some ms ago. One that is further off was set, as `touch -m` and `cp -p` do, which
// the system tells as a write.
constexpr std::int64_t kWriteTimeOffNs = 5'000'000'000;

// Below this, starting a thread costs more than it saves: 4 MiB are hashed in a millisecond.
constexpr std::uint64_t kAloneBytes = 4 * MiB;

bool may_travel_in_chunks(const FileStatus& status, std::string_view name) {
  return status.size_bytes >= kDeltaFileMin && status.size_bytes <= kDeltaFileMax &&
         !has_compressed_name(name);
}

}  // namespace

LiveTree::Update::Update(LiveTree& live, const ScanOptions& options)
    : live_(live),
      options_(options),
      started_(live.parts_.clock.monotonic()),
      ignore_files_(live.parts_.root) {}

bool LiveTree::Update::is_cancelled() const {
  return options_.cancelled != nullptr && options_.cancelled->load(std::memory_order_relaxed);
}

void LiveTree::Update::tell(const ScanProgress& more) const {
  if (!options_.on_progress) return;
  options_.on_progress({done_.files_seen + more.files_seen, done_.files_hashed + more.files_hashed,
                        done_.bytes_hashed + more.bytes_hashed});
}

Result<Tree::Node> LiveTree::Update::rebuilt(const Tree::Node& old, const RelativePath& path,
                                             const Pending& pending) {
  Names names;
  std::optional<FileStatus> status;
  if (!pending.names.empty()) {
    // One that cannot be opened has changed for its parent, too.
    auto fd = live_.parts_.root.open_directory(path);
    if (!fd) return old;
    if (auto own = status_of(fd->get())) status = *own;
    auto ignore = ignore_files_.in(path);
    // Rules that cannot be read, or a directory that is on its way out: its parent is looked at, too.
    if (!ignore || !*ignore) return old;
    const Opened place{*old, path, fd->get(), *std::move(ignore)};
    if (auto looked = look(place, pending.names, names); !looked) return looked.error();
  }
  for (const auto& [name, below] : pending.below) {
    const auto changed = names.find(name);
    if (changed != names.end() && (changed->second.is_read_through || !changed->second.child)) continue;
    const Tree::Node child = changed != names.end() ? changed->second.child : Tree::child_of(*old, name);
    if (!child) continue;
    auto node = rebuilt(child, *path.joined(name), below);
    if (!node) return node.error();
    if (*node != child) names[name] = {(*node)->entry(), *node};
  }
  if (names.empty() && !status) return old;
  return merged(old, names, status);
}

Result<void> LiveTree::Update::look(const Opened& place, const DirectoryChanges& changes, Names& names) {
  unknown_.path = place.path;
  for (const auto& [name, change] : changes) {
    if (name.empty()) continue;  // The directory itself.
    if (is_cancelled()) return Error{Outcome::cancelled, "cancelled"};
    if (auto looked = look_at(place, name, change, names[name]); !looked) return looked;
  }
  return hash(place.path, names);
}

Result<void> LiveTree::Update::look_at(const Opened& place, const std::string& name, const NameChange& change,
                                       Now& now) {
  const auto status = status_at(place.fd, name.c_str());
  const bool is_directory = status && status->kind == FileKind::directory;
  std::string reason = unaddressable(place.path, name);
  const Tree::Node child = reason.empty() ? Tree::child_of(place.old, name) : nullptr;
  if (child != nullptr && (!is_directory || change.came_as_directory)) live_.forget(*place.path.joined(name));
  if (const auto unsaved = live_.unsaved_.find(place.path.bytes()); unsaved != live_.unsaved_.end()) {
    unsaved->second.erase(name);
  }
  if (!status && status.error().outcome == Outcome::not_found) {
    live_.rewritten_.erase({place.path.bytes(), name});
    return {};
  }
  if (place.ignore->is_ignored(place.path, name, is_directory)) return {};
  if (!status) reason = "cannot be read: " + status.error().text;
  now.entry = file_entry(name, status ? *status : FileStatus{});
  if (!reason.empty()) {
    refuse(now.entry, std::move(reason));
    return {};
  }
  switch (status->kind) {
    case FileKind::file:
      look_at_file(place, *status, change, now);
      break;
    case FileKind::directory:
      return look_at_directory(place, *status, change.came_as_directory, now);
    case FileKind::symlink:
      now.entry = link_entry(place.path, place.fd, name);
      break;
    case FileKind::pipe:
    case FileKind::socket:
    case FileKind::device:
      refuse(now.entry, std::string(to_text(status->kind)));
      break;
  }
  return {};
}

Result<void> LiveTree::Update::look_at_directory(const Opened& place, const FileStatus& status,
                                                 bool is_another, Now& now) {
  const RelativePath path = *place.path.joined(now.entry.name);
  const Tree::Node child = is_another ? nullptr : Tree::child_of(place.old, now.entry.name);
  if (!child) return read_directory(path, now);
  if (const auto opened = live_.parts_.root.open_directory(path); !opened) {
    live_.forget(path);
    refuse(now.entry, unreadable(path, opened.error()));
    return {};
  }
  now.child = child->mode == status.mode ? child : merged(child, {}, status);
  now.entry = now.child->entry();
  return {};
}

// As a whole, with all beneath.
Result<void> LiveTree::Update::read_directory(const RelativePath& path, Now& now) {
  if (live_.on_reading_) live_.on_reading_(path, {});
  ScanOptions options = live_.watching(options_);
  options.on_progress = [this](const ScanProgress& progress) { tell(progress); };
  const auto scanned = scan(live_.parts_.root, live_.parts_.index, path, live_.parts_.clock, options);
  if (live_.lost_) return live_.why_lost();
  if (scanned) {
    done_.files_seen += scanned->totals.files_seen;
    done_.files_hashed += scanned->totals.files_hashed;
    done_.bytes_hashed += scanned->totals.bytes_hashed;
    live_.files_hashed_ += scanned->totals.files_hashed;
    std::string name = std::move(now.entry.name);
    now = {scanned->tree->top(), scanned->tree->whole(), true};
    now.entry.name = std::move(name);
  } else if (scanned.error().outcome == Outcome::cancelled) {
    return scanned.error();
  } else if (scanned.error().outcome == Outcome::not_found) {
    now.entry.name.clear();
  } else {
    refuse(now.entry, unreadable(path, scanned.error()));
  }
  return {};
}

void LiveTree::Update::look_at_file(const Opened& place, const FileStatus& status, const NameChange& change,
                                    Now& now) {
  const LiveTree::Place key{place.path.bytes(), now.entry.name};
  const bool is_closed = change.writing == NameChange::Writing::closed;
  if (change.was_made && change.writing == NameChange::Writing::unknown && status.size_bytes == 0) {
    live_.unstable_.try_emplace(key, Writing{started_});
  }
  // Halves: a time may be anything.
  const std::int64_t now_ns = live_.parts_.clock.wall().ms * 1'000'000;
  const auto is_open = [&] { return live_.parts_.ops.is_open_for_writing({place.fd, now.entry.name}); };
  if (std::abs(now_ns / 2 - status.mtime_ns / 2) > kWriteTimeOffNs / 2) {
    // Unless it was written to some time ago and is still open.
    if (live_.unstable_.contains(key) && !is_open()) live_.unstable_.erase(key);
  } else if (is_closed && is_open()) {
    live_.unstable_[key] = {started_, true};  // By another.
  } else if (is_closed) {
    live_.note_closed(key, status);
  }
  if (Tree::has_file(place.old, now.entry.name)) live_.rewritten_.insert(key);
  if (live_.unstable_.contains(key)) return refuse(now.entry, std::string(kWritingReason));
  if (is_placeholder(now.entry.name, status)) return refuse(now.entry, std::string(kPlaceholderReason));
  // Just written: the index cannot know it.
  if (!is_closed) {
    if (const auto known = live_.parts_.index.known_digest(*place.path.joined(now.entry.name), status)) {
      now.entry.digest = *known;
      live_.rewritten_.erase(key);
      return;
    }
    // Under the name it had.
    if (change.was_renamed_here && is_open()) {
      live_.unstable_[key] = {started_, true};
      return refuse(now.entry, std::string(kWritingReason));
    }
  }
  const auto index = static_cast<std::uint32_t>(unknown_.entries.size());
  // Somebody may have the version before, and want no more than what changed.
  if (may_travel_in_chunks(status, now.entry.name) && live_.rewritten_.contains(key)) {
    unknown_.to_chunk.push_back(index);
  }
  unknown_.unknown.push_back(index);
  unknown_.entries.push_back(now.entry);
  unknown_.statuses.push_back(status);
}

Result<void> LiveTree::Update::hash(const RelativePath& directory, Names& names) {
  if (unknown_.unknown.empty()) return {};
  std::vector<std::string> hashed;
  std::uint64_t bytes = 0;
  for (const Entry& entry : unknown_.entries) {
    hashed.push_back(entry.name);
    bytes += entry.size_bytes;
  }
  if (live_.on_reading_) live_.on_reading_(directory, hashed);
  ScanOptions options = options_;
  if (bytes < kAloneBytes) options.hash_threads = 1;
  options.on_chunks = [this](const Digest& content, const ChunkList& chunks) {
    keep_chunks(live_.parts_.index, content, chunks);
  };
  {
    const HashPool* running = nullptr;
    HashPool pool({live_.parts_.root, options, [](ScanDirectory&) {},
                   [&] {
                     if (running != nullptr) tell({0, running->files_hashed(), running->bytes_hashed()});
                   }});
    running = &pool;
    pool.add(unknown_);
    pool.finish();
    done_.files_hashed += pool.files_hashed();
    done_.bytes_hashed += pool.bytes_hashed();
    live_.files_hashed_ += pool.files_hashed();
  }
  for (std::size_t i = 0; i < hashed.size() && !is_cancelled(); ++i) {
    Entry& entry = unknown_.entries[i];
    if (entry.kind == EntryKind::file) live_.rewritten_.erase({directory.bytes(), hashed[i]});
    if (entry.kind == EntryKind::file && !is_gone(entry)) {
      live_.keep_unsaved(directory, {entry.name, unknown_.statuses[i], entry.digest});
    }
    names[hashed[i]].entry = std::move(entry);
  }
  unknown_.entries.clear();
  unknown_.statuses.clear();
  unknown_.unknown.clear();
  unknown_.to_chunk.clear();
  if (is_cancelled()) return Error{Outcome::cancelled, "cancelled"};
  return {};
}

}  // namespace callboard::sync
