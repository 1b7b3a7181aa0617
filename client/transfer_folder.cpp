#include "client/transfer_folder.h"

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

}  // namespace callboard::client
