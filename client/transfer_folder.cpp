#include "client/transfer_folder.h"

#include <vector>

#include "sync/scan.h"

namespace callboard::client {

Result<std::shared_ptr<const sync::Tree>> ScannedFolder::snapshot(const sync::RelativePath& top,
                                                                  const std::atomic<bool>& cancelled) {
  sync::ScanOptions options;
  options.cancelled = &cancelled;
  Result<sync::Scanned> scanned = sync::scan(root_, index_, top, clock_, options);
  if (!scanned) return scanned.error();
  return scanned->tree;
}

Result<bool> IndexRecords::is_as_pulled(const sync::RelativePath& path, const sync::FileStatus& status) {
  const std::optional<Digest> known = index_.known_digest(path, status);
  if (!known) return false;
  const Result<std::optional<Digest>> pulled = index_.pulled_digest(path);
  if (!pulled) return pulled.error();
  return *pulled == known;
}

Result<bool> IndexRecords::has_content(const sync::RelativePath& path, const sync::FileStatus& status,
                                       const Digest& digest) {
  return index_.known_digest(path, status) == std::optional<Digest>(digest);
}

Result<void> IndexRecords::record(const std::vector<Pulled>& pulled) {
  std::vector<sync::Index::Pulled> files;
  files.reserve(pulled.size());
  for (const Pulled& one : pulled) {
    if (one.entry.kind != EntryKind::file) continue;
    files.push_back({one.path, one.entry.digest, one.status});
  }
  return index_.record_pulled(files);
}

}  // namespace callboard::client
