#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "sync/file_status.h"
#include "sync/relative_path.h"

namespace callboard::sync {

class Root;

enum class FileCall : std::uint8_t {
  create,
  open,
  reserve,
  bypass_cache,
  read,
  write,
  set_mode,
  set_times,
  inspect,
  link,
  rename,
  remove,
  make_directory,
  make_symlink,
  sync_file_system,
  sync_directory,
  clone,
  copy,
};

// An open descriptor, or the errno that explains why there is none.
struct Opened {
  Fd fd;
  int error = 0;
};

struct Inspected {
  FileStatus status;
  int error = 0;  // ENOENT: nothing has this name.
};

struct Transferred {
  std::size_t size_bytes = 0;
  int error = 0;
};

// What is left on a file system; all ones where it does not say.
struct Room {
  std::uint64_t bytes = ~std::uint64_t{0};
  std::uint64_t files = ~std::uint64_t{0};
};

// One name in an open directory; `name` is one component and is never followed when it is a link.
struct Place {
  int directory_fd = -1;
  std::string name;
};

// Every system call by which a pull changes the disk, so that a test can make each of them fail and stop the program
// between any two. Returns errno, 0 for success, and never retries but for EINTR, and for a full disk as long as
// wait_for_room() says so. Thread: any; so must the hooks be.
class FileOps {
 public:
  virtual ~FileOps() = default;

  // For writing; EEXIST when the name is taken. The process's umask takes from the mode.
  Opened create(const Place& place, std::uint16_t mode = 0600);
  // For reading and writing, or reading alone where that is all that is allowed; ENXIO for what is no regular file.
  Opened open_existing(const Place& place);
  Opened open_directory(const Place& place);
  Opened open_or_make_directory(const Place& place);  // 0700.
  // Blocks for the whole file, on tmpfs only a look whether there is room; its size stays what was written. 0 where the
  // file system cannot.
  int reserve(int fd, std::uint64_t size_bytes);
  // Whether writes go straight to disk, from aligned memory to aligned offsets; an error where they cannot.
  int bypass_cache(int fd, bool is_bypassing);
  // Whether the file system has no disk: it agrees to bypass a cache that is all it has, and copies once more.
  static bool is_in_memory(int fd);
  Transferred write_some(int fd, ByteView bytes);
  Transferred read_some(int fd, std::span<std::byte> into);
  // The position moves on over zeros that take no room, and the file ends there.
  int skip(int fd, std::uint64_t size_bytes);
  // All of `from_fd` shares its blocks with `to_fd`, which is empty; EOPNOTSUPP, EXDEV or EINVAL where the file system cannot.
  int clone(int from_fd, int to_fd);
  struct Range {
    int fd = -1;
    std::uint64_t offset = 0;
    std::uint64_t size_bytes = 0;
  };
  // The same for a part, which then stands at `to_offset`, over whatever stood there. EINVAL also where one of the three is
  // no multiple of the file system's block. Positions stay.
  int clone_range(const Range& from, int to_fd, std::uint64_t to_offset);
  // From the position of the one to that of the other, without passing through this program; the same errors. 0: the end.
  Transferred copy_some(int from_fd, int to_fd, std::size_t size_bytes);
  int set_mode(int fd, std::uint16_t mode);
  int set_mtime(int fd, std::int64_t mtime_ns);
  int set_mode_at(const Place& place, std::uint16_t mode);
  int set_mtime_at(const Place& place, std::int64_t mtime_ns);
  Inspected inspect(const Place& place);
  // Whether somebody has this file open for writing. False where that cannot be told: another user's, or no leases.
  bool is_open_for_writing(const Place& place);
  int link(const Place& from, const Place& to);
  int rename(const Place& from, const Place& to);      // Replaces what is there.
  int rename_new(const Place& from, const Place& to);  // EEXIST when something is there.
  int exchange(const Place& a, const Place& b);        // ENOSYS or EINVAL where the file system cannot.
  int remove_file(const Place& place);
  int remove_directory(const Place& place);
  int make_directory(const Place& place, std::uint16_t mode);
  int make_symlink(const std::string& target, const Place& place);
  int sync_file_system(int fd);
  int sync_directory(int fd);
  // Of the file system that `fd` lies on, for this user.
  virtual Room room(int fd);
  // What fault() says, for who stands before these calls.
  int ask_fault(FileCall call, const std::string& name) { return fault(call, name); }
  // Root's methods, which name what went wrong themselves.
  Result<Fd> make_directories(const Root& root, const RelativePath& path);
  Result<Fd> private_directory(const Root& root, std::string_view name);
  // What writes by other means (a database), with the same patience: `call` is made again when `is_full` says so.
  Result<void> until_room(const std::function<Result<void>()>& call, bool (*is_full)(const Error&));

 protected:
  // Asked before each call; an errno other than 0 is returned in its place and nothing is done.
  virtual int fault(FileCall, const std::string& /*name*/) { return 0; }
  // A call found the disk or the quota full. True after a while: it is tried again. False: it fails.
  virtual bool wait_for_room() { return false; }
  // A call that had to wait succeeded.
  virtual void on_room() {}

 private:
  template <class Call>
  auto patient(Call call);
};

// The names in an open directory but "." and "..", in no order; none when it cannot be read.
std::vector<std::string> names_in(int directory_fd);

}  // namespace callboard::sync
