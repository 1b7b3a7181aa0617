#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "sync/fd.h"
#include "sync/file_status.h"
#include "sync/relative_path.h"

namespace callboard::sync {

class Root;

enum class FileCall : std::uint8_t {
  create,
  open,
  reserve,
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

// One name in an open directory; `name` is one component and is never followed when it is a link.
struct Place {
  int directory_fd = -1;
  std::string name;
};

// Every system call by which a pull changes the disk, so that a test can make each of them fail and stop the program
// between any two. Returns errno, 0 for success, and never retries but for EINTR. Thread: any; so must fault() be.
class FileOps {
 public:
  virtual ~FileOps() = default;

  Opened create(const Place& place);  // For writing; refused when the name is taken. 0600.
  Opened open_existing(
      const Place& place);  // For reading and writing; regular files only (ENXIO for others).
  int reserve(int fd,
              std::uint64_t size_bytes);  // Blocks for the whole file; its size stays. 0 where unsupported.
  Transferred write_some(int fd, ByteView bytes);
  Transferred read_some(int fd, std::span<std::byte> into);
  int set_mode(int fd, std::uint16_t mode);
  int set_mtime(int fd, std::int64_t mtime_ns);
  Inspected inspect(const Place& place);
  int link(const Place& from, const Place& to);
  int rename(const Place& from, const Place& to);      // Replaces what is there.
  int rename_new(const Place& from, const Place& to);  // EEXIST when something is there.
  int remove_file(const Place& place);
  int remove_directory(const Place& place);
  int make_directory(const Place& place, std::uint16_t mode);
  Opened make_directories(const Root& root, const RelativePath& path);
  int make_symlink(const std::string& target, const Place& place);
  int sync_file_system(int fd);
  int sync_directory(int fd);

 protected:
  // Asked before each call; an errno other than 0 is returned in its place and nothing is done.
  virtual int fault(FileCall, const std::string& /*name*/) { return 0; }
};

}  // namespace callboard::sync
