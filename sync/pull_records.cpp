#include "sync/pull_records.h"

#include <optional>
#include <string>

#include "base/bytes.h"
#include "sync/hash.h"

namespace callboard::sync {
namespace {

bool is_link_with(const Root& root, const RelativePath& path, const Digest& content) {
  const Result<std::string> target = root.read_link(path);
  return target && digest_of(as_bytes(*target)) == content;
}

}  // namespace

bool IndexRecords::is_as_pulled(const RelativePath& path, const FileStatus& status) {
  const Result<std::optional<Digest>> pulled = index_.pulled_digest(path);
  if (!pulled || !pulled->has_value()) return false;
  return status.kind == FileKind::symlink ? is_link_with(root_, path, **pulled)
                                          : has_content(path, status, **pulled, {});
}

bool IndexRecords::has_content(const RelativePath& path, const FileStatus& status, const Digest& content,
                               const OnRead& on_read) {
  if (status.kind != FileKind::file) return false;
  if (const std::optional<Digest> known = index_.known_digest(path, status)) return *known == content;
  const Result<Fd> file = root_.open_file(path);
  if (!file) return false;
  const Result<HashedFile> hashed = hash_file(file->get(), on_read);
  return hashed && hashed->status == status && hashed->digest == content;
}

std::optional<Digest> IndexRecords::pulled(const RelativePath& path) {
  const Result<std::optional<Digest>> pulled = index_.pulled_digest(path);
  return pulled ? *pulled : std::nullopt;
}

Result<void> IndexRecords::record(const std::vector<Index::Pulled>& pulled) {
  return index_.record_pulled(pulled);
}

std::optional<Index::Pulled> found_with_content(const Root& root, PullRecords& records,
                                                const RelativePath& path, const Digest& content,
                                                const OnRead& on_read) {
  const Result<FileStatus> there = root.status(path);
  if (!there) return std::nullopt;
  const bool has_it = there->kind == FileKind::symlink ? is_link_with(root, path, content)
                                                       : records.has_content(path, *there, content, on_read);
  return has_it ? std::optional(Index::Pulled{path, content, *there}) : std::nullopt;
}

}  // namespace callboard::sync
