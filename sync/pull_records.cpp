#include "sync/pull_records.h"

#include <optional>
#include <string>

#include "base/bytes.h"
#include "sync/hash.h"

namespace callboard::sync {

bool IndexRecords::is_as_pulled(const RelativePath& path, const FileStatus& status) {
  const Result<std::optional<Digest>> pulled = index_.pulled_digest(path);
  if (!pulled || !pulled->has_value()) return false;
  if (status.kind != FileKind::symlink) return has_content(path, status, **pulled);
  const Result<std::string> target = root_.read_link(path);
  return target && digest_of(as_bytes(*target)) == **pulled;
}

bool IndexRecords::has_content(const RelativePath& path, const FileStatus& status, const Digest& content) {
  if (status.kind != FileKind::file) return false;
  if (const std::optional<Digest> known = index_.known_digest(path, status)) return *known == content;
  const Result<Fd> file = root_.open_file(path);
  if (!file) return false;
  const Result<HashedFile> hashed = hash_file(file->get());
  return hashed && hashed->status == status && hashed->digest == content;
}

std::optional<Digest> IndexRecords::pulled(const RelativePath& path) {
  const Result<std::optional<Digest>> pulled = index_.pulled_digest(path);
  return pulled ? *pulled : std::nullopt;
}

Result<void> IndexRecords::record(const std::vector<Index::Pulled>& pulled) {
  return index_.record_pulled(pulled);
}

}  // namespace callboard::sync
