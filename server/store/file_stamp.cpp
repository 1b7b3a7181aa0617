#include "server/store/file_stamp.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"

namespace callboard::server {

FileStamp stamp_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {static_cast<std::uint64_t>(status.st_ino),
          static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec,
          static_cast<std::int64_t>(status.st_size)};
}

Result<FileIdentity> identity_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0)
    return FileIdentity{static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino)};
  const int failure = errno;
  Error why = os_error("look at " + callboard::quoted(path.native()), failure);
  why.outcome = failure == ENOENT ? Outcome::not_found : Outcome::failed;
  return why;
}

}  // namespace callboard::server
