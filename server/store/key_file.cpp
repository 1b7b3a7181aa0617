#include "server/store/key_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/fd.h"
#include "base/file_content.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/store/data_folder.h"

namespace callboard::server {
namespace {

constexpr std::uint64_t kKeyFileMax = 16 * MiB;  // Of 10,000 keys, each with the longest name.

}  // namespace

KeyFile::KeyFile(const std::filesystem::path& data, std::string_view project)
    : path_(data / folder_name(project) / "keys") {}

Result<std::optional<KeyRing>> KeyFile::read() const {
  const std::string doing = "keys " + callboard::quoted(path_.native());
  const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::optional<KeyRing>();
  if (!file) return os_error("open " + doing, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return os_error("look at " + doing, errno);
  if ((status.st_mode & 077) != 0) {
    return Error{Outcome::refused,
                 doing + ": others can read them; run: chmod 600 '" + escaped(path_.native()) + "'"};
  }
  const auto bytes = read_content(file.get(), kKeyFileMax);
  if (!bytes) return bytes.error().prefixed(doing);
  auto ring = key_ring_from(*bytes);
  if (!ring) return ring.error().prefixed(doing);
  return std::optional<KeyRing>(std::move(*ring));
}

Result<void> KeyFile::update(const std::function<Result<void>(KeyRing&)>& change) const {
  std::error_code problem;
  std::filesystem::create_directories(path_.parent_path(), problem);
  if (problem)
    return os_error("create data folder " + callboard::quoted(path_.parent_path().native()), problem.value());
  // Beside the file, which is replaced.
  const std::string lock_path = path_.native() + ".lock";
  const Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0)
    return os_error("lock " + callboard::quoted(lock_path), errno);
  auto ring = read();
  if (!ring) return ring.error();
  KeyRing changed = std::move(*ring).value_or(KeyRing{});
  if (auto done = change(changed); !done) return done;
  return write(changed);
}

Result<void> KeyFile::write(const KeyRing& ring) const {
  const std::string fresh = path_.native() + ".new";
  const std::string doing = "write " + callboard::quoted(path_.native());
  {
    // Never with the mode of one that was left there.
    static_cast<void>(::unlink(fresh.c_str()));
    const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return os_error(doing, errno);
    if (auto written = write_content(file.get(), encoded(ring)); !written)
      return written.error().prefixed(doing);
    if (::fsync(file.get()) != 0) return os_error(doing, errno);
  }
  if (std::rename(fresh.c_str(), path_.c_str()) != 0) return os_error(doing, errno);
  const Fd folder(::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return os_error(doing, errno);
  return {};
}

}  // namespace callboard::server
