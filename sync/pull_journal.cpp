#include "sync/pull_journal.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "sync/sqlite.h"

namespace callboard::sync {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
// Nobody kills more pulls between two that are not.
constexpr int kJournalsMax = 1'000;

// What can be read of it.
struct Content {
  std::string bytes;
  int error = 0;  // Why that is not all.
};

Content content_of(FileOps& ops, const Place& place) {
  const Opened file = ops.open_existing(place);
  Content content{{}, file.error};
  std::array<std::byte, kReadBytes> piece{};
  while (content.error == 0) {
    const Transferred got = ops.read_some(file.fd.get(), piece);
    content.error = got.error;
    if (got.error != 0 || got.size_bytes == 0) break;
    content.bytes.append(as_text(ByteView(piece).first(got.size_bytes)));
  }
  return content;
}

// Of what was noted that which still is so and is not known as pulled.
std::vector<Index::Pulled> find(const PullJournal::Kept& kept, std::string_view noted) {
  std::vector<Index::Pulled> found;
  Digest digest;
  while (noted.size() > digest.bytes.size()) {
    std::memcpy(digest.bytes.data(), noted.data(), digest.bytes.size());
    noted.remove_prefix(digest.bytes.size());
    const std::size_t end = noted.find('\0');
    if (end == noted.npos) break;  // It was killed while it wrote this.
    const Result<RelativePath> path = RelativePath::from_bytes(noted.substr(0, end));
    noted.remove_prefix(end + 1);
    if (!path || kept.records.pulled(*path) == digest) continue;
    if (auto pulled = found_with_content(kept.root, kept.records, *path, digest, kept.on_read))
      found.push_back(*std::move(pulled));
  }
  return found;
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

Result<std::vector<PullJournal::Unread>> PullJournal::record_kept(const Kept& kept) {
  std::vector<Unread> unread;
  for (const std::string& name : names_in(kept.folder_fd)) {
    if (!is_kept_name(name)) continue;
    const Place place{kept.folder_fd, name};
    const Content content = content_of(kept.ops, place);
    const std::vector<Index::Pulled> found = find(kept, content.bytes);
    // What was being read then was not found.
    if (kept.on_read && !kept.on_read(0)) return Error{Outcome::cancelled, "cancelled"};
    const Result<void> recorded =
        kept.ops.until_room([&] { return kept.records.record(found); }, is_out_of_room);
    if (!recorded) return recorded.error();
    if (content.error == 0) static_cast<void>(kept.ops.remove_file(place));
    if (content.error == 0 || content.error == ENOENT) continue;  // Another pull was quicker.
    const std::string path = fmt::format("{}/{}/{}/{}", kPrivateFolder, kTmpFolder, kKeptFolder, name);
    unread.push_back(
        {path, os_error("read " + quoted(path) + ", in which a pull that was killed noted what it brought",
                        content.error)});
  }
  return unread;
}

}  // namespace callboard::sync
