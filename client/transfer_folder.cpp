#include "client/transfer_folder.h"

#include "sync/index_tree.h"
#include "sync/scan.h"

namespace callboard::client {

Result<std::shared_ptr<const sync::Tree>> ScannedFolder::snapshot(const sync::RelativePath& top,
                                                                  const std::atomic<bool>& cancelled) {
  sync::ScanOptions options;
  options.cancelled = &cancelled;
  options.stable_after = stable_after_;
  Result<sync::Scanned> scanned = sync::scan(root_, index_, top, clock_, options);
  if (!scanned) return scanned.error();
  return scanned->tree;
}

std::shared_ptr<const sync::Tree> ScannedFolder::remembered() { return sync::remembered_tree(root_, index_); }

}  // namespace callboard::client
