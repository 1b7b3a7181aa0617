#include "client/live_folder.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "base/text.h"

namespace callboard::client {
namespace {

// How soon a snapshot that waits notices that it is cancelled.
constexpr Duration kCancelPeriod = 20ms;
// After a failure to look at the folder, until the next try that nobody asked for.
constexpr Duration kRetryAfter = 10s;

}  // namespace

LiveFolder::LiveFolder(const sync::Root& root, sync::Index& index, const Clock& clock)
    : root_(root), index_(index), clock_(clock), scanned_(root, index, clock), chunk_keeper_(root, index) {}

LiveFolder::~LiveFolder() {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    if (watch_ != nullptr) watch_->wake();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LiveFolder::start(std::size_t directories_max, std::uint64_t patience_bytes) {
  if (thread_.joinable()) return;
  patience_bytes_ = patience_bytes;
  stays_ = true;
  // Where the tree is not asked, nobody tells what is being written.
  scanned_.leave_out_growing(sync::LiveTree::kStableAfter);
  auto live = sync::LiveTree::open({root_, index_, clock_, ops_}, directories_max);
  const std::lock_guard lock(mutex_);
  if (!live) {
    trouble_ = live.error().text;
    return;
  }
  watch_ = &(*live)->watch();
  thread_ = std::thread([this, live = std::move(*live)]() mutable { run(std::move(live)); });
}

void LiveFolder::set_on_changed(std::function<void()> on_changed) {
  const std::lock_guard lock(on_changed_mutex_);
  on_changed_ = std::move(on_changed);
}

void LiveFolder::run(std::unique_ptr<sync::LiveTree> live) {
  live->set_on_reading([this](const sync::RelativePath& directory, std::span<const std::string> names) {
    const std::lock_guard lock(mutex_);
    reading_ = Reading{directory, {names.begin(), names.end()}};
  });
  while (!stopping_) {
    const Instant started = clock_.monotonic();
    const Result<void> settled = settle(*live);
    if (!settled && settled.error().outcome == Outcome::refused) break;
    // The index is a cache: what it does not learn is read again by the next start.
    if (settled && live->idle_for() == std::optional(Duration::zero())) static_cast<void>(live->save());
    if (!stopping_) wait(*live, clock_.monotonic() - started);
  }
  const std::lock_guard lock(mutex_);
  static_cast<void>(live->save());
  watch_ = nullptr;
}

Result<void> LiveFolder::settle(sync::LiveTree& live) {
  std::uint64_t asked = 0;
  {
    const std::lock_guard lock(mutex_);
    asked = asked_;
  }
  sync::ScanOptions options;
  options.cancelled = &stopping_;
  options.on_progress = [this](const sync::ScanProgress& progress) { bytes_hashed_ = progress.bytes_hashed; };
  Result<void> settled = live.settle(options);
  publish(live, settled, asked);
  return settled;
}

void LiveFolder::publish(const sync::LiveTree& live, const Result<void>& settled, std::uint64_t asked) {
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    const auto now = settled ? live.tree() : nullptr;
    is_news = now != tree_ || (!settled && trouble_ != settled.error().text);
    tree_ = now;
    trouble_ = settled ? std::string() : settled.error().text;
    if (!settled && settled.error().outcome == Outcome::refused) watch_ = nullptr;
    settled_ = asked;
    reading_.reset();
    bytes_hashed_ = 0;
  }
  changed_.notify_all();
  const std::lock_guard lock(on_changed_mutex_);
  if (is_news && on_changed_ && !stopping_) on_changed_();
}

void LiveFolder::wait(sync::LiveTree& live, Duration took) {
  std::optional<Duration> idle = live.idle_for();
  if (!tree()) idle = kRetryAfter;
  live.watch().wait(idle);
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::clamp(took * kGatherFactor, kGatherMin, kGatherMax),
                    [this] { return stopping_ || asked_ != settled_; });
}

bool LiveFolder::Reading::is_of(const sync::RelativePath& own) const {
  if (directory.is_beneath(own)) return true;
  return own.parent() == directory && names.size() == 1 && names.front() == own.name();
}

// What is read of its own is waited for however long it takes: whoever looked for themselves would read the same.
std::shared_ptr<const sync::Tree> LiveFolder::settled_tree(const sync::RelativePath* own,
                                                           const std::function<bool()>& is_cancelled) {
  std::unique_lock lock(mutex_);
  if (watch_ == nullptr) return nullptr;
  const std::uint64_t mine = ++asked_;
  watch_->wake();
  changed_.notify_all();
  std::uint64_t others_bytes = 0;
  std::uint64_t before = bytes_hashed_;
  while (watch_ != nullptr && settled_ < mine && !is_cancelled() && others_bytes <= patience_bytes_) {
    changed_.wait_for(lock, kCancelPeriod);
    // A settling begins at 0 again.
    const std::uint64_t hashed = bytes_hashed_;
    if (own == nullptr || !reading_ || !reading_->is_of(*own))
      others_bytes += hashed < before ? hashed : hashed - before;
    before = hashed;
  }
  return settled_ >= mine ? tree_ : nullptr;
}

Result<std::shared_ptr<const sync::Tree>> LiveFolder::snapshot(const sync::RelativePath& top,
                                                               const std::atomic<bool>& cancelled) {
  if (const auto whole = settled_tree(&top, [&] { return cancelled.load(); })) {
    if (auto part = whole->part(top)) {
      if (part->top().kind != EntryKind::refused) return part;
      return Error{Outcome::refused, quoted(top.to_item()) + ": " + part->top().target};
    }
  }
  // Also what the live tree does not have: the disk says why.
  return scanned_.snapshot(top, cancelled);
}

void LiveFolder::on_pulled(const sync::RelativePath& path, const Entry& entry) {
  if (stays_) chunk_keeper_.add(path, entry);
}

bool LiveFolder::is_live() const { return tree() != nullptr; }

std::shared_ptr<const sync::ContentTable> LiveFolder::contents() {
  auto whole = tree();
  return whole ? contents_.of(std::move(whole)) : nullptr;
}

std::shared_ptr<const sync::Tree> LiveFolder::tree() const {
  const std::lock_guard lock(mutex_);
  return tree_;
}

std::string LiveFolder::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace callboard::client
