#include <dirent.h>
#include <fcntl.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif
#include <sys/stat.h>
#include <sys/statvfs.h>
#ifdef __linux__
#include <sys/vfs.h>

#include "sync/file_systems_linux.h"
#endif
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/text.h"
#include "sync/file_ops.h"
#include "sync/root.h"

namespace callboard::sync {
namespace {

// 0 or errno of a call that answers -1 on failure; tried again when a signal broke it off.
template <class Call>
int error_of(Call call) {
  while (call() < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

template <class Call>
Opened opened(Call call) {
  int fd = -1;
  const int error = error_of([&] { return fd = call(); });
  return {Fd(fd), error};
}

template <class Call>
Transferred transferred(Call call) {
  ssize_t count = 0;
  const int error = error_of([&] { return count = call(); });
  return {error == 0 ? static_cast<std::size_t>(count) : 0, error};
}

bool is_full(int error) { return error == ENOSPC || error == EDQUOT; }
bool is_full(const Opened& opened) { return is_full(opened.error); }
bool is_full(const Transferred& transferred) { return is_full(transferred.error); }
// Of an error that has its cause in words alone.
bool is_full(const Result<Fd>& opened) {
  return !opened && (opened.error().text.ends_with(os_error("", ENOSPC).text) ||
                     opened.error().text.ends_with(os_error("", EDQUOT).text));
}

#ifdef __linux__
// What tmpfs has left, which may be without limit; nullopt on other file systems.
std::optional<std::uint64_t> free_bytes_in_memory(int fd) {
  struct statfs system {};
  if (fstatfs(fd, &system) != 0 || static_cast<std::uint32_t>(system.f_type) != file_system::kTmpfs)
    return std::nullopt;
  if (system.f_blocks == 0) return UINT64_MAX;
  return static_cast<std::uint64_t>(system.f_bavail) * static_cast<std::uint64_t>(system.f_bsize);
}
#endif

timespec to_timespec(std::int64_t ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t seconds = ns / kSecond;
  std::int64_t rest = ns % kSecond;
  if (rest < 0) {  // Times before 1970: the nanoseconds still count forwards.
    rest += kSecond;
    --seconds;
  }
  return {static_cast<time_t>(seconds), static_cast<long>(rest)};
}

}  // namespace

template <class Call>
auto FileOps::patient(Call call) {
  auto result = call();
  bool waited = false;
  while (is_full(result) && wait_for_room()) {
    waited = true;
    result = call();
  }
  if (waited && !is_full(result)) on_room();
  return result;
}

Room FileOps::room(int fd) {
  struct statvfs system {};
  if (error_of([&] { return fstatvfs(fd, &system); }) != 0) return {};
  Room room;
  room.bytes = std::uint64_t{system.f_bavail} * system.f_frsize;
  // A file system that makes inodes as it needs them says that it has none.
  if (system.f_files != 0) room.files = system.f_favail;
  return room;
}

Opened FileOps::create(const Place& place, std::uint16_t mode) {
  return patient([&]() -> Opened {
    if (const int error = fault(FileCall::create, place.name)) return {Fd(), error};
    return opened([&] {
      return openat(place.directory_fd, place.name.c_str(),
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, static_cast<mode_t>(mode & 0777));
    });
  });
}

Opened FileOps::open_existing(const Place& place) {
  if (const int error = fault(FileCall::open, place.name)) return {Fd(), error};
  const auto open_for = [&](int access) {
    constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    return opened([&] { return openat(place.directory_fd, place.name.c_str(), access | kFlags); });
  };
  Opened file = open_for(O_RDWR);
  if (file.error == EACCES) file = open_for(O_RDONLY);
  if (file.error != 0) return file;
  struct stat status {};
  if (fstat(file.fd.get(), &status) != 0) return {Fd(), errno};
  if (!S_ISREG(status.st_mode)) return {Fd(), ENXIO};
  return file;
}

Opened FileOps::open_directory(const Place& place) {
  if (const int error = fault(FileCall::open, place.name)) return {Fd(), error};
  return opened([&] {
    return openat(place.directory_fd, place.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  });
}

Opened FileOps::open_or_make_directory(const Place& place) {
  const int error = make_directory(place, 0700);
  if (error != 0 && error != EEXIST) return {Fd(), error};
  return open_directory(place);
}

int FileOps::reserve(int fd, std::uint64_t size_bytes) {
  return patient([&]() -> int {
    if (const int error = fault(FileCall::reserve, "")) return error;
#ifdef __linux__
    // tmpfs would take all the pages in one call that lasts a tenth of the transfer, in which nothing is received.
    if (const auto free = free_bytes_in_memory(fd)) return size_bytes > *free ? ENOSPC : 0;
    // The size stays what was written: after a crash it tells how much there is to go on from.
    const int error =
        error_of([&] { return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size_bytes)); });
    return error == EOPNOTSUPP || error == ENOSYS ? 0 : error;
#else
    static_cast<void>(fd);
    static_cast<void>(size_bytes);
    return 0;
#endif
  });
}

int FileOps::bypass_cache(int fd, bool is_bypassing) {
  if (const int error = fault(FileCall::bypass_cache, "")) return error;
#if defined(__linux__) && defined(O_DIRECT)
  // tmpfs agrees to bypass the cache, which is all it is.
  if (is_bypassing && is_in_memory(fd)) return EINVAL;
  const int flags = fcntl(fd, F_GETFL);
  return error_of([&] { return fcntl(fd, F_SETFL, is_bypassing ? flags | O_DIRECT : flags & ~O_DIRECT); });
#else
  return is_bypassing ? ENOSYS : 0;
#endif
}

bool FileOps::is_in_memory(int fd) {
#ifdef __linux__
  return free_bytes_in_memory(fd).has_value();
#else
  static_cast<void>(fd);
  return false;
#endif
}

Transferred FileOps::write_some(int fd, ByteView bytes) {
  return patient([&]() -> Transferred {
    if (const int error = fault(FileCall::write, "")) return {0, error};
    return transferred([&] { return ::write(fd, bytes.data(), bytes.size()); });
  });
}

Transferred FileOps::read_some(int fd, std::span<std::byte> into) {
  if (const int error = fault(FileCall::read, "")) return {0, error};
  return transferred([&] { return ::read(fd, into.data(), into.size()); });
}

int FileOps::skip(int fd, std::uint64_t size_bytes) {
  if (const int error = fault(FileCall::write, "")) return error;
  const off_t end = lseek(fd, static_cast<off_t>(size_bytes), SEEK_CUR);
  if (end < 0) return errno;
  return error_of([&] { return ftruncate(fd, end); });
}

int FileOps::clone(int from_fd, int to_fd) {
  return patient([&]() -> int {
    if (const int error = fault(FileCall::clone, "")) return error;
#ifdef FICLONE
    return error_of([&] { return ioctl(to_fd, FICLONE, from_fd); });
#else
    static_cast<void>(from_fd);
    static_cast<void>(to_fd);
    return EOPNOTSUPP;
#endif
  });
}

int FileOps::clone_range(const Range& from, int to_fd, std::uint64_t to_offset) {
  return patient([&]() -> int {
    if (const int error = fault(FileCall::clone, "")) return error;
#ifdef FICLONERANGE
    file_clone_range range{};
    range.src_fd = from.fd;
    range.src_offset = from.offset;
    range.src_length = from.size_bytes;
    range.dest_offset = to_offset;
    return error_of([&] { return ioctl(to_fd, FICLONERANGE, &range); });
#else
    static_cast<void>(from);
    static_cast<void>(to_fd);
    static_cast<void>(to_offset);
    return EOPNOTSUPP;
#endif
  });
}

Transferred FileOps::copy_some(int from_fd, int to_fd, std::size_t size_bytes) {
  return patient([&]() -> Transferred {
    if (const int error = fault(FileCall::copy, "")) return {0, error};
#ifdef __linux__
    return transferred([&] { return copy_file_range(from_fd, nullptr, to_fd, nullptr, size_bytes, 0); });
#else
    static_cast<void>(from_fd);
    static_cast<void>(to_fd);
    static_cast<void>(size_bytes);
    return {0, EOPNOTSUPP};
#endif
  });
}

int FileOps::set_mode(int fd, std::uint16_t mode) {
  if (const int error = fault(FileCall::set_mode, "")) return error;
  return error_of([&] { return fchmod(fd, static_cast<mode_t>(mode & 0777)); });
}

// The time of the last access as well: by itself that of the last change is told to whoever watches the folder as a write.
int FileOps::set_mtime(int fd, std::int64_t mtime_ns) {
  if (const int error = fault(FileCall::set_times, "")) return error;
  const timespec times[2] = {{0, UTIME_NOW}, to_timespec(mtime_ns)};
  return error_of([&] { return futimens(fd, times); });
}

int FileOps::set_mode_at(const Place& place, std::uint16_t mode) {
  if (const int error = fault(FileCall::set_mode, place.name)) return error;
  return error_of([&] {
    return fchmodat(place.directory_fd, place.name.c_str(), static_cast<mode_t>(mode & 0777),
                    AT_SYMLINK_NOFOLLOW);
  });
}

int FileOps::set_mtime_at(const Place& place, std::int64_t mtime_ns) {
  if (const int error = fault(FileCall::set_times, place.name)) return error;
  const timespec times[2] = {{0, UTIME_NOW}, to_timespec(mtime_ns)};
  return error_of(
      [&] { return utimensat(place.directory_fd, place.name.c_str(), times, AT_SYMLINK_NOFOLLOW); });
}

Inspected FileOps::inspect(const Place& place) {
  if (const int error = fault(FileCall::inspect, place.name)) return {{}, error};
  struct stat status {};
  if (fstatat(place.directory_fd, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return {{}, errno};
  return {from_system(status), 0};
}

bool FileOps::is_open_for_writing(const Place& place) {
  if (fault(FileCall::open, place.name) != 0) return false;
#ifdef __linux__
  // To open a pipe lets somebody go who waits for its reader.
  struct stat status {};
  if (fstatat(place.directory_fd, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISREG(status.st_mode))
    return false;
  // The kernel leases a file for reading only as long as nobody can write to it.
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;
  const Fd file(openat(place.directory_fd, place.name.c_str(), kFlags));
  if (!file) return false;
  // Who opens it for writing by another of its names just now is told to wait, and we by a signal: one that ends nobody.
  if (fcntl(file.get(), F_SETSIG, SIGURG) != 0) return false;
  if (fcntl(file.get(), F_SETLEASE, F_RDLCK) == 0 || errno != EAGAIN)
    return false;  // It ends with the descriptor.
  // Servers of files refuse it whoever has the file open, or nobody: NFS, SMB2, CIFS.
  struct statfs system {};
  if (fstatfs(file.get(), &system) != 0) return true;
  const auto type = static_cast<std::uint32_t>(system.f_type);
  return type != file_system::kNfs && type != file_system::kSmb2 && type != file_system::kCifs;
#else
  static_cast<void>(place);
  return false;
#endif
}

int FileOps::link(const Place& from, const Place& to) {
  return patient([&]() -> int {
    if (const int error = fault(FileCall::link, from.name)) return error;
    return error_of(
        [&] { return linkat(from.directory_fd, from.name.c_str(), to.directory_fd, to.name.c_str(), 0); });
  });
}

int FileOps::rename(const Place& from, const Place& to) {
  return patient([&]() -> int {
    if (const int error = fault(FileCall::rename, to.name)) return error;
    return error_of(
        [&] { return renameat(from.directory_fd, from.name.c_str(), to.directory_fd, to.name.c_str()); });
  });
}

int FileOps::rename_new(const Place& from, const Place& to) {
  return patient([&]() -> int {
    if (const int error = fault(FileCall::rename, to.name)) return error;
#ifdef __linux__
    const int error = error_of([&] {
      return renameat2(from.directory_fd, from.name.c_str(), to.directory_fd, to.name.c_str(),
                       RENAME_NOREPLACE);
    });
    if (error != EINVAL && error != ENOSYS) return error;
#endif
    // A file system without the atomic form: what appears between the two calls would be replaced.
    struct stat status {};
    if (fstatat(to.directory_fd, to.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
    return error_of(
        [&] { return renameat(from.directory_fd, from.name.c_str(), to.directory_fd, to.name.c_str()); });
  });
}

int FileOps::exchange(const Place& a, const Place& b) {
  return patient([&]() -> int {
    if (const int error = fault(FileCall::rename, b.name)) return error;
#ifdef __linux__
    return error_of([&] {
      return renameat2(a.directory_fd, a.name.c_str(), b.directory_fd, b.name.c_str(), RENAME_EXCHANGE);
    });
#else
    return ENOSYS;
#endif
  });
}

int FileOps::remove_file(const Place& place) {
  if (const int error = fault(FileCall::remove, place.name)) return error;
  return error_of([&] { return unlinkat(place.directory_fd, place.name.c_str(), 0); });
}

int FileOps::remove_directory(const Place& place) {
  if (const int error = fault(FileCall::remove, place.name)) return error;
  return error_of([&] { return unlinkat(place.directory_fd, place.name.c_str(), AT_REMOVEDIR); });
}

int FileOps::make_directory(const Place& place, std::uint16_t mode) {
  return patient([&]() -> int {
    if (const int error = fault(FileCall::make_directory, place.name)) return error;
    return error_of(
        [&] { return mkdirat(place.directory_fd, place.name.c_str(), static_cast<mode_t>(mode & 0777)); });
  });
}

Result<Fd> FileOps::make_directories(const Root& root, const RelativePath& path) {
  return patient([&]() -> Result<Fd> {
    if (const int error = fault(FileCall::make_directory, path.bytes())) {
      return os_error("make folder " + quoted(path.to_item()), error);
    }
    return root.make_directories(path);
  });
}

Result<Fd> FileOps::private_directory(const Root& root, std::string_view name) {
  return patient([&]() -> Result<Fd> {
    if (const int error = fault(FileCall::make_directory, std::string(name))) {
      return os_error("open private folder " + quoted(name), error);
    }
    return root.private_directory(name);
  });
}

Result<void> FileOps::until_room(const std::function<Result<void>()>& call, bool (*is_full)(const Error&)) {
  Result<void> done = call();
  bool waited = false;
  while (!done && is_full(done.error()) && wait_for_room()) {
    waited = true;
    done = call();
  }
  if (waited && done) on_room();
  return done;
}

int FileOps::make_symlink(const std::string& target, const Place& place) {
  return patient([&]() -> int {
    if (const int error = fault(FileCall::make_symlink, place.name)) return error;
    return error_of([&] { return symlinkat(target.c_str(), place.directory_fd, place.name.c_str()); });
  });
}

int FileOps::sync_file_system(int fd) {
  if (const int error = fault(FileCall::sync_file_system, "")) return error;
#ifdef __linux__
  return error_of([&] { return syncfs(fd); });
#else
  static_cast<void>(fd);
  ::sync();
  return 0;
#endif
}

int FileOps::sync_directory(int fd) {
  if (const int error = fault(FileCall::sync_directory, "")) return error;
  return error_of([&] { return fsync(fd); });
}

std::vector<std::string> names_in(int directory_fd) {
  std::vector<std::string> names;
  // A descriptor of its own: reading moves the position that all duplicates share.
  const int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* opened_directory = fd < 0 ? nullptr : fdopendir(fd);
  if (opened_directory == nullptr) {
    if (fd >= 0) ::close(fd);
    return names;
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opened_directory, closedir);
  while (const dirent* entry = readdir(directory.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  return names;
}

}  // namespace callboard::sync
