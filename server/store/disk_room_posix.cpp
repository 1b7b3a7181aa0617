#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/fd.h"
#include "base/text.h"
#include "server/store/disk_room.h"

namespace callboard::server {

Result<void> check_room(const std::filesystem::path& folder, std::uint64_t size_bytes) {
  std::error_code unknown;
  const auto space = std::filesystem::space(folder, unknown);
  std::string doing = "the disk of " + callboard::quoted(folder.native()) +
                      " has too little room: expected " + human_bytes(size_bytes);
  if (!unknown) doing += ", got " + human_bytes(space.available);
  const std::filesystem::path file = folder / "room";
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return os_error(doing, errno);
  // It has no name: whatever becomes of this process, nothing of it is left.
  if (::unlink(file.c_str()) != 0) return os_error(doing, errno);
  const int failure = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(size_bytes));
  // Where room cannot be reserved, the next write shows it.
  if (failure == 0 || failure == EOPNOTSUPP || failure == EINVAL) return {};
  return os_error(doing, failure);
}

}  // namespace callboard::server
