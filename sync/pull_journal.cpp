#include "sync/pull_journal.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "sync/hash.h"

namespace callboard::sync {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
// Nobody kills more pulls between two that are not.
constexpr int kJournalsMax = 1'000;

std::string content_of(FileOps& ops, const Place& place) {
  std::string content;
  const Opened file = ops.open_existing(place);
  std::array<std::byte, kReadBytes> piece{};
  while (file.error == 0) {
    const Transferred got = ops.read_some(file.fd.get(), piece);
    if (got.error != 0 || got.size_bytes == 0) break;
    content.append(as_text(ByteView(piece).first(got.size_bytes)));
  }
  return content;
}

// Nothing when something else stands there by now, or it is known as pulled already.
std::optional<Index::Pulled> look_at(const Root& root, PullRecords& records, const RelativePath& path,
                                     const Digest& digest) {
  if (records.pulled(path) == digest) return std::nullopt;
  const Result<FileStatus> there = root.status(path);
  if (!there) return std::nullopt;
  bool is_there = false;
  if (there->kind == FileKind::symlink) {
    const Result<std::string> target = root.read_link(path);
    is_there = target && digest_of(as_bytes(*target)) == digest;
  } else {
    is_there = records.has_content(path, *there, digest);
  }
  return is_there ? std::optional(Index::Pulled{path, digest, *there}) : std::nullopt;
}

}  // namespace

void PullJournal::note(const std::vector<Noted>& files) {
  if (files.empty()) return;
  std::string content;
  for (const Noted& file : files) {
    content += as_text(file.digest.bytes);
    content += file.path.bytes();
    content += '\0';
  }
  const Opened file = ops_.create({folder_fd_, std::string(kName)});
  is_written_ = is_written_ || file.error == 0;
  ByteView rest = as_bytes(content);
  while (file.error == 0 && !rest.empty()) {
    const Transferred put = ops_.write_some(file.fd.get(), rest);
    if (put.error != 0) return;
    rest = rest.subspan(put.size_bytes);
  }
}

void PullJournal::clear() {
  if (!is_written_) return;
  const int error = ops_.remove_file({folder_fd_, std::string(kName)});
  is_written_ = error != 0 && error != ENOENT;
}

bool PullJournal::is_kept_name(std::string_view name) {
  return name.starts_with(kName) && name.substr(kName.size()).starts_with('-');
}

void PullJournal::retire(FileOps& ops, const Place& from, int kept_fd) {
  for (int i = 0; i < kJournalsMax; ++i) {
    const int error = ops.rename_new(from, {kept_fd, std::string(kName) + "-" + std::to_string(i)});
    if (error != EEXIST) return;
  }
  static_cast<void>(ops.remove_file(from));
}

Result<void> PullJournal::record_kept(const Root& root, FileOps& ops, int kept_fd, PullRecords& records) {
  for (const std::string& name : names_in(kept_fd)) {
    if (!is_kept_name(name)) continue;
    const Place place{kept_fd, name};
    const std::string content = content_of(ops, place);
    std::vector<Index::Pulled> pulled;
    std::string_view rest = content;
    Digest digest;
    while (rest.size() > digest.bytes.size()) {
      std::memcpy(digest.bytes.data(), rest.data(), digest.bytes.size());
      rest.remove_prefix(digest.bytes.size());
      const std::size_t end = rest.find('\0');
      if (end == rest.npos) break;  // It was killed while it wrote this.
      const Result<RelativePath> path = RelativePath::from_bytes(rest.substr(0, end));
      rest.remove_prefix(end + 1);
      if (!path) break;
      if (auto found = look_at(root, records, *path, digest)) pulled.push_back(*std::move(found));
    }
    if (const Result<void> recorded = records.record(pulled); !recorded) return recorded;
    static_cast<void>(ops.remove_file(place));
  }
  return {};
}

}  // namespace callboard::sync
