#include "sync/live_tree.h"

#include <algorithm>

#include "sync/live_tree_update.h"

namespace callboard::sync {
namespace {

// A little longer than times take to settle, so that what was read just now is saved in one go.
constexpr Duration kSaveAfter = std::chrono::nanoseconds(kTimesSettleNs) + 1s;

// Erases what lies at `path`, which is no project folder, and beneath from a map by directory.
template <class Map, class MakeKey>
void erase_beneath(Map& map, const std::string& path, MakeKey key) {
  map.erase(map.lower_bound(key(path)), map.lower_bound(key(path + '\0')));
  map.erase(map.lower_bound(key(path + '/')), map.lower_bound(key(path + '0')));
}

}  // namespace

LiveTree::LiveTree(Parts parts, std::unique_ptr<Watch> watch) : parts_(parts), watch_(std::move(watch)) {}
LiveTree::~LiveTree() = default;

Result<std::unique_ptr<LiveTree>> LiveTree::open(Parts parts, std::size_t directories_max) {
  auto watch = Watch::open(parts.root, directories_max);
  if (!watch) return watch.error();
  return std::unique_ptr<LiveTree>(new LiveTree(parts, *std::move(watch)));
}

Result<void> LiveTree::settle(const ScanOptions& options) {
  if (lost_) return why_lost();
  const Changes changes = watch_->take();
  if (changes.everything) everything_is_pending_ = true;
  if (everything_is_pending_) return load(options);
  note(changes);
  note_stable();
  if (everything_is_pending_) return load(options);
  if (pending_.empty()) return {};
  auto node = Update(*this, options).rebuilt(tree_->whole(), {}, pending_);
  if (!node) return node.error();
  pending_ = {};
  if (*node != tree_->whole()) tree_ = std::make_shared<Tree>(RelativePath(), (*node)->entry(), *node);
  return {};
}

Result<void> LiveTree::load(const ScanOptions& options) {
  pending_ = {};
  unstable_.clear();
  closed_.clear();
  rewritten_.clear();
  unsaved_.clear();
  vanished_.clear();
  if (auto restarted = watch_->restart(); !restarted) {
    lost_ = restarted.error();
    return why_lost();
  }
  auto scanned = scan(parts_.root, parts_.index, {}, parts_.clock, watching(options));
  if (lost_) return why_lost();
  if (!scanned) return scanned.error();
  files_hashed_ += scanned->totals.files_hashed;
  tree_ = std::move(scanned->tree);
  everything_is_pending_ = false;
  return {};
}

ScanOptions LiveTree::watching(const ScanOptions& options) {
  ScanOptions all = options;
  all.before_reading = [this](const RelativePath& directory, int fd) {
    auto added = watch_->add(directory, fd);
    if (!added) lost_ = added.error();
    return added;
  };
  all.ops = &parts_.ops;
  all.on_open = [this](const RelativePath& directory, const std::string& name) {
    unstable_[{directory.bytes(), name}] = {parts_.clock.monotonic(), true};
  };
  all.on_unsettled = [this](const RelativePath& directory, const KnownFiles::Known& file) {
    keep_unsaved(directory, file);
  };
  return all;
}

void LiveTree::note(const Changes& changes) {
  for (const Changes::Move& move : changes.moves) {
    const auto from = RelativePath::from_bytes(move.from);
    const auto to = RelativePath::from_bytes(move.to);
    // Without it the files are read again, no more.
    if (from && to) static_cast<void>(parts_.index.copy_known(*from, *to));
  }
  for (const auto& [directory, names] : changes.directories) {
    for (const auto& [name, change] : names) note_name(directory, name, change);
  }
}

void LiveTree::note_name(const std::string& directory, const std::string& name, const NameChange& change) {
  NameChange& pending = pending_of(directory).names[name];
  pending.came_as_directory = pending.came_as_directory || change.came_as_directory;
  pending.was_made = pending.was_made || change.was_made;
  pending.was_renamed_here = pending.was_renamed_here || change.was_renamed_here;
  if (change.writing != NameChange::Writing::unknown) pending.writing = change.writing;
  if (change.writing == NameChange::Writing::open) {
    unstable_[{directory, name}] = {parts_.clock.monotonic()};
  } else if (change.writing == NameChange::Writing::closed || change.was_renamed_here) {
    unstable_.erase({directory, name});
  }
  if (name == kIgnoreFile && change.writing != NameChange::Writing::open) look_anew(directory);
}

// Other rules: what is in the directory and beneath may have come or gone.
void LiveTree::look_anew(const std::string& directory) {
  if (directory.empty()) {
    everything_is_pending_ = true;
    return;
  }
  const RelativePath path = *RelativePath::from_bytes(directory);
  pending_of(path.parent().bytes()).names[std::string(path.name())].came_as_directory = true;
}

// Writers that hold a file open for long without writing do not keep it from being taken. To ask opens the file, which many
// programs may have open at once: not with each change of another.
bool LiveTree::is_left_alone(const Place& place, Writing& writing, Instant now) {
  if (now - writing.since >= kOpenStableAfter) return true;
  if (now - writing.asked < kStableAfter) return false;
  writing.asked = now;
  const auto directory = parts_.root.open_directory(*RelativePath::from_bytes(place.first));
  writing.is_open = directory && parts_.ops.is_open_for_writing({directory->get(), place.second});
  return !writing.is_open;
}

void LiveTree::note_closed(const Place& place, const FileStatus& status) {
  // One larger size is another save; the third within so short a time is a file that is appended to.
  constexpr int kTimesGrown = 2;
  const Instant now = parts_.clock.monotonic();
  Closed& closed = closed_.try_emplace(place, Closed{now, status.size_bytes}).first->second;
  if (status.size_bytes != closed.size_bytes)
    closed.times_grown = status.size_bytes > closed.size_bytes ? closed.times_grown + 1 : 0;
  closed.at = now;
  closed.size_bytes = status.size_bytes;
  if (closed.times_grown >= kTimesGrown) unstable_[place] = {now};
}

void LiveTree::note_stable() {
  const Instant now = parts_.clock.monotonic();
  std::erase_if(closed_, [&](const auto& closed) { return now - closed.second.at >= kStableAfter; });
  for (auto each = unstable_.begin(); each != unstable_.end();) {
    if (!is_left_alone(each->first, each->second, now)) {
      ++each;
      continue;
    }
    pending_of(each->first.first).names[each->first.second].was_made = false;
    if (each->first.second == kIgnoreFile) look_anew(each->first.first);
    each = unstable_.erase(each);
  }
}

LiveTree::Pending& LiveTree::pending_of(std::string_view directory) {
  Pending* at = &pending_;
  while (!directory.empty()) {
    const std::string_view name = directory.substr(0, directory.find('/'));
    directory.remove_prefix(std::min(directory.size(), name.size() + 1));
    at = &at->below[std::string(name)];
  }
  return *at;
}

void LiveTree::forget(const RelativePath& directory) {
  watch_->forget(directory);
  vanished_.push_back(directory.bytes());
  erase_beneath(unsaved_, directory.bytes(), [](std::string path) { return path; });
  const auto place = [](std::string path) { return Place(std::move(path), ""); };
  erase_beneath(unstable_, directory.bytes(), place);
  erase_beneath(closed_, directory.bytes(), place);
  erase_beneath(rewritten_, directory.bytes(), place);
  if (!save_at_) save_at_ = parts_.clock.monotonic() + kSaveAfter;
}

void LiveTree::keep_unsaved(const RelativePath& directory, const KnownFiles::Known& file) {
  unsaved_[directory.bytes()].insert_or_assign(std::string(file.name), Unsaved{file.status, file.digest});
  if (!save_at_) save_at_ = parts_.clock.monotonic() + kSaveAfter;
}

// A file whose times have settled cannot have changed under the same status since settle() without the watch having told
// of it, and then it was read again.
Result<void> LiveTree::save() {
  if (everything_is_pending_ || !pending_.empty() || lost_) return {};
  save_at_.reset();
  const std::int64_t now_ns = parts_.clock.wall().ms * 1'000'000;
  std::vector<Index::KnownMore> more;
  for (const auto& [directory, files] : unsaved_) {
    Index::KnownMore settled{*RelativePath::from_bytes(directory), {}};
    for (const auto& [name, file] : files) {
      if (!is_unsettled(file.status, now_ns)) settled.files.push_back({name, file.status, file.digest});
    }
    if (!settled.files.empty()) more.push_back(std::move(settled));
  }
  if (auto added = parts_.index.add_known(more); !added) return added;
  for (const Index::KnownMore& each : more) {
    UnsavedFiles& files = unsaved_[each.directory.bytes()];
    std::erase_if(files, [&](const auto& file) { return !is_unsettled(file.second.status, now_ns); });
  }
  std::erase_if(unsaved_, [](const auto& directory) { return directory.second.empty(); });
  if (!unsaved_.empty()) save_at_ = parts_.clock.monotonic() + kSaveAfter;

  for (const std::string& path : std::exchange(vanished_, {})) {
    const auto directory = RelativePath::from_bytes(path);
    const auto part = tree_->part(*directory);
    if (part && part->whole()) continue;
    if (auto forgotten = parts_.index.forget_vanished(*directory, {}); !forgotten) return forgotten;
  }
  return {};
}

std::optional<Duration> LiveTree::idle_for() const {
  std::optional<Instant> next = save_at_;
  for (const auto& [place, writing] : unstable_) {
    // The closing of one that is open is told.
    const Instant stable = writing.since + (writing.is_open ? kOpenStableAfter : kStableAfter);
    if (!next || stable < *next) next = stable;
  }
  if (!next) return std::nullopt;
  return std::max(Duration::zero(), Duration(*next - parts_.clock.monotonic()));
}

}  // namespace callboard::sync
