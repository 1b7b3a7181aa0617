#include "sync/root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/limits.h"
#include "base/text.h"
#include "sync/open_beneath.h"

namespace callboard::sync {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY;
// Never waits for a pipe's other end and never becomes a terminal's owner, should the name turn into one.
constexpr int kFileFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
constexpr mode_t kPrivateMode = 0700;

Error path_error(std::string_view verb, const RelativePath& path, int errno_value) {
  const std::string doing = std::string(verb) + " " + quoted(path.to_item());
  if (errno_value == ELOOP) return Error{Outcome::refused, doing + ": leads through a symbolic link"};
  return os_error(doing, errno_value);
}

// Opens directory `name`, making it when it is missing. -1 and errno, as openat().
int open_or_make(int parent_fd, const std::string& name, mode_t mode) {
  int fd = open_beneath(parent_fd, name, kDirectoryFlags);
  if (fd >= 0 || errno != ENOENT) return fd;
  if (::mkdirat(parent_fd, name.c_str(), mode) != 0 && errno != EEXIST) return -1;
  return open_beneath(parent_fd, name, kDirectoryFlags);
}

Result<Fd> open_private(int parent_fd, const std::string& name) {
  Fd fd(open_or_make(parent_fd, name, kPrivateMode));
  if (fd) return fd;
  const std::string doing = "open private folder " + quoted(name);
  if (errno == ELOOP) return Error{Outcome::refused, doing + ": is a symbolic link"};
  return os_error(doing, errno);
}

}  // namespace

Result<Root> Root::open(const std::string& folder) {
  Fd opened(::open(folder.c_str(), kDirectoryFlags | O_CLOEXEC));
  if (!opened) return os_error("open project folder " + quoted(folder), errno);
  return Root(std::move(opened), folder);
}

Result<Fd> Root::open_file(const RelativePath& path) const {
  Fd opened(open_beneath(fd(), path.bytes(), kFileFlags));
  if (!opened) return path_error("open", path, errno);
  auto status = status_of(opened.get());
  if (!status) return status.error();
  if (status->kind == FileKind::file) return opened;
  return Error{Outcome::refused,
               "open " + quoted(path.to_item()) + ": is " + std::string(to_text(status->kind)) + ", no file"};
}

Result<Fd> Root::open_directory(const RelativePath& path) const {
  Fd opened(open_beneath(fd(), path.bytes(), kDirectoryFlags));
  if (!opened) return path_error("open folder", path, errno);
  return opened;
}

Result<Fd> Root::open_parent(const RelativePath& path) const {
  ENSURE(!path.is_root());
  return open_directory(path.parent());
}

Result<FileStatus> Root::status(const RelativePath& path) const {
  if (path.is_root()) return status_of(fd());
  auto parent = open_parent(path);
  if (!parent) return parent.error();
  struct stat system {};
  if (::fstatat(parent->get(), std::string(path.name()).c_str(), &system, AT_SYMLINK_NOFOLLOW) != 0) {
    return path_error("look at", path, errno);
  }
  return from_system(system);
}

Result<std::string> Root::read_link(const RelativePath& path) const {
  if (path.is_root()) return path_error("read link", path, EINVAL);
  auto parent = open_parent(path);
  if (!parent) return parent.error();
  std::string target(kPathMaxBytes + 1, '\0');
  const auto size =
      ::readlinkat(parent->get(), std::string(path.name()).c_str(), target.data(), target.size());
  if (size < 0) return path_error("read link", path, errno);
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Result<Fd> Root::make_directories(const RelativePath& path, std::uint16_t mode) const {
  Fd held(open_beneath(fd(), path.bytes(), kDirectoryFlags));
  if (held) return held;
  if (errno != ENOENT) return path_error("make folder", path, errno);
  for (std::size_t begin = 0; begin < path.bytes().size();) {
    const std::size_t end = std::min(path.bytes().find('/', begin), path.bytes().size());
    Fd next(open_or_make(held ? held.get() : fd(), path.bytes().substr(begin, end - begin), mode));
    if (!next) return path_error("make folder", path, errno);
    held = std::move(next);
    begin = end + 1;
  }
  return held;
}

Result<Fd> Root::private_directory() const { return open_private(fd(), std::string(kPrivateFolder)); }

Result<Fd> Root::private_directory(std::string_view name) const {
  ENSURE(check_component(name).has_value());
  auto folder = private_directory();
  if (!folder) return folder;
  return open_private(folder->get(), std::string(name));
}

std::string Root::private_path(std::string_view name) const {
  return folder_ + "/" + std::string(kPrivateFolder) + "/" + std::string(name);
}

}  // namespace callboard::sync
