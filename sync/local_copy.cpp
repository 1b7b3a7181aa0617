#include "sync/local_copy.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "sync/holes.h"

namespace callboard::sync {
namespace {

// Below this reading, hashing and writing is quicker than asking the index and the file system.
constexpr std::uint64_t kTrustMin = 256 * KiB;

}  // namespace

Result<std::optional<StagedFile>> LocalCopier::copy(const RelativePath& source, const RelativePath& path,
                                                    const Entry& entry) {
  const Result<Fd> file = parts_.root.open_file(source);
  if (!file) return Copied();
  const Result<FileStatus> before = status_of(file->get());
  if (!before || before->size_bytes != entry.size_bytes) return Copied();
  if (entry.size_bytes < kTrustMin) return copy_hashed(file->get(), path, entry);
  if (!parts_.records.has_content(source, *before, entry.digest, {})) return Copied();
  return copy_trusted(file->get(), *before, path, entry);
}

Result<std::optional<StagedFile>> LocalCopier::copy_trusted(int source_fd, const FileStatus& before,
                                                            const RelativePath& path, const Entry& entry) {
  Result<IncomingFile> incoming = parts_.stager.begin_copy(path, entry);
  if (!incoming) return incoming.error();
  const Result<bool> copied = incoming->copy_known(source_fd);
  if (!copied) return copied.error();
  if (!*copied) {
    incoming->discard();
    if (::lseek(source_fd, 0, SEEK_SET) != 0) return Copied();
    return copy_hashed(source_fd, path, entry);
  }
  const Result<FileStatus> after = status_of(source_fd);
  if (!after || *after != before) {
    incoming->discard();
    return Copied();
  }
  return finished(*incoming);
}

Result<std::optional<StagedFile>> LocalCopier::copy_hashed(int source_fd, const RelativePath& path,
                                                           const Entry& entry) {
  const Shape shape = has_holes(source_fd) ? Shape::sparse : Shape::dense;
  if (::lseek(source_fd, 0, SEEK_SET) != 0) return Copied();
  // Through the page cache: whoever writes past it waits for a block, and the writers that free them may all be here.
  Result<IncomingFile> incoming = parts_.stager.begin_copy(path, entry, shape);
  if (!incoming) return incoming.error();
  if (Result<void> reserved = incoming->reserve(); !reserved) {
    incoming->discard();
    return reserved.error();
  }
  const Result<int> copied = incoming->copy_hashed(source_fd);
  if (!copied) return copied.error();
  if (*copied != 0) {  // Unreadable, or longer by now: not this content.
    incoming->discard();
    return Copied();
  }
  return finished(*incoming);
}

// Of another content than was wanted: superseded.
Result<std::optional<StagedFile>> LocalCopier::finished(IncomingFile& incoming) {
  Result<StagedFile> staged = incoming.finish();
  if (staged) return Copied(*std::move(staged));
  if (staged.error().outcome == Outcome::superseded) return Copied();
  return staged.error();
}

}  // namespace callboard::sync
