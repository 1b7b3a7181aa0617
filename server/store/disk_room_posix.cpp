#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>

#include "base/fd.h"
#include "base/text.h"
#include "server/store/disk_room.h"

namespace callboard::server {
namespace {

namespace fs = std::filesystem;

bool is_lack_of_room(int failure) { return failure == ENOSPC || failure == EDQUOT || failure == EFBIG; }

// A file of no name: whatever becomes of this process, nothing of it is left. errno says why there is none.
Fd open_nameless(const fs::path& folder) {
#ifdef O_TMPFILE
  Fd nameless(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  // Not every file system can do that.
  if (nameless || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return nameless;
#endif
  static std::atomic<unsigned> count = 0;
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const fs::path file =
        folder / (".callboard-room." + std::to_string(::getpid()) + "-" + std::to_string(++count));
    Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd && errno == EEXIST) continue;
    if (fd && ::unlink(file.c_str()) != 0) return {};
    return fd;
  }
  return {};
}

// 0, or an errno.
int take_room(const fs::path& folder, std::uint64_t size_bytes) {
  const Fd fd = open_nameless(folder);
  if (!fd) return errno;
  const int failure = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size_bytes));
  // Where room cannot be reserved, the next write shows it.
  return failure == EOPNOTSUPP || failure == EINVAL ? 0 : failure;
}

Error too_little(const fs::path& folder, std::uint64_t size_bytes, int failure) {
  std::error_code unknown;
  const auto space = fs::space(folder, unknown);
  std::string doing = "the disk of " + callboard::quoted(folder.native()) +
                      " has too little room: expected " + human_bytes(size_bytes);
  if (!unknown) doing += ", got " + human_bytes(space.available);
  return os_error(doing, failure);
}

}  // namespace

Result<void> check_room(const fs::path& folder, std::uint64_t size_bytes) {
  const int failure = take_room(folder, size_bytes);
  if (failure == 0) return {};
  if (is_lack_of_room(failure)) return too_little(folder, size_bytes, failure);
  return os_error("write in " + callboard::quoted(folder.native()), failure);
}

std::optional<Error> lack_of_room(const fs::path& folder, std::uint64_t size_bytes) {
  const int failure = take_room(folder, size_bytes);
  return is_lack_of_room(failure) ? std::optional(too_little(folder, size_bytes, failure)) : std::nullopt;
}

std::optional<Error> lack_of_free_room(const fs::path& folder, std::uint64_t size_bytes) {
  std::error_code unknown;
  const auto space = fs::space(folder, unknown);
  if (unknown || space.available >= size_bytes) return std::nullopt;
  return too_little(folder, size_bytes, ENOSPC);
}

}  // namespace callboard::server
