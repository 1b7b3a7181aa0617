#include "client/transfer_folder.h"

#include <thread>

#include "sync/index_tree.h"
#include "sync/scan.h"

namespace callboard::client {
namespace {

// False when it was cancelled.
bool wait(Duration time, const std::atomic<bool>& cancelled) {
  constexpr Duration kCancelPeriod = 20ms;
  for (Duration waited{0}; waited < time && !cancelled; waited += kCancelPeriod)
    std::this_thread::sleep_for(kCancelPeriod);
  return !cancelled;
}

}  // namespace

Result<std::shared_ptr<const sync::Tree>> ScannedFolder::snapshot(const sync::RelativePath& top,
                                                                  const std::atomic<bool>& cancelled) {
  sync::ScanOptions options;
  options.cancelled = &cancelled;
  options.stable_after = stable_after_;
  if (options.stable_after > Duration::zero()) options.ops = &ops_;
  bool is_growing = false;
  options.on_growing = [&] { is_growing = true; };
  Result<sync::Scanned> scanned = sync::scan(root_, index_, top, clock_, options);
  // Most of what was written a moment ago is whole: it is given the time to show that.
  if (is_growing && wait(options.stable_after, cancelled)) {
    scanned = sync::scan(root_, index_, top, clock_, options);
  }
  if (!scanned) return scanned.error();
  return scanned->tree;
}

std::shared_ptr<const sync::Tree> ScannedFolder::remembered() { return sync::remembered_tree(root_, index_); }

}  // namespace callboard::client
