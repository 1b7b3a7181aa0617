#include "server/store/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/fd.h"
#include "base/lock_holder.h"
#include "base/text.h"

namespace callboard::server {
namespace {

// NAME_MAX is 255; a cut name and 17 characters of hash stay below it.
constexpr std::size_t kFolderNameMax = 200;
constexpr int kFolderTries = 10;

bool stays(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == ' ' || byte >= 0x80;
}

// FNV-1a: not against enemies, only to tell long names apart.
std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

// 0 when the file does not say.
pid_t process_in(int fd) {
  char text[16];
  const ssize_t size_bytes = ::pread(fd, text, sizeof text, 0);
  pid_t process = 0;
  if (size_bytes > 0) std::from_chars(text, text + size_bytes, process);
  return process;
}

Result<void> take_lock(int fd, const std::filesystem::path& file) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return os_error("lock " + callboard::quoted(file.native()), errno);
  return Error{Outcome::refused, "data folder " + callboard::quoted(file.parent_path().native()) +
                                     ": in use by " + lock_holder_in(fd) +
                                     "; stop that server or give another --data"};
}

// No name leads to it any more: it keeps nobody else out.
bool is_gone(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) == 0 && found.st_nlink == 0;
}

// Nobody asked for something that is not found.
Error cannot_be_made(const std::filesystem::path& folder, int error) {
  std::error_code unknown;
  std::filesystem::path above = folder.parent_path();
  while (above.has_relative_path() && !std::filesystem::exists(above, unknown)) above = above.parent_path();
  Error told =
      os_error("data folder " + callboard::quoted(folder.native()) + ": expected that it can be made in " +
                   callboard::quoted(above.native()) + ", got",
               error);
  if (told.outcome == Outcome::not_found) told.outcome = Outcome::failed;
  return told;
}

}  // namespace

std::string folder_name(std::string_view project) {
  std::string name;
  for (const char c : project) {
    if (stays(c)) {
      name += c;
      continue;
    }
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    name += hex;
  }
  if (name.size() <= kFolderNameMax) return name;
  char hash[24];
  std::snprintf(hash, sizeof hash, "%%%016llx", static_cast<unsigned long long>(fnv1a(project)));
  return name.substr(0, kFolderNameMax) + hash;
}

Result<void> make_data_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return cannot_be_made(folder, problem.value());
  return {};
}

Result<DataFolder> DataFolder::open(const std::filesystem::path& data, std::string_view project) {
  const std::filesystem::path path = data / folder_name(project);
  const std::filesystem::path file = path / "lock";
  // A start that failed may take it away at this moment, and the folder with it.
  for (int tries_left = kFolderTries; tries_left > 0; --tries_left) {
    if (auto made = make_data_folder(path); !made) return made.error();
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 && errno == ENOENT && tries_left > 1) continue;
    if (fd < 0) return os_error("open " + callboard::quoted(file.native()), errno);
    DataFolder folder(path, fd);
    if (auto taken = take_lock(fd, file); !taken) return taken.error();
    if (is_gone(fd)) continue;
    write_lock_holder(fd);
    return folder;
  }
  return Error{Outcome::failed, callboard::quoted(file.native()) + ": it is removed again and again"};
}

Result<void> DataFolder::while_free(const std::filesystem::path& data, std::string_view project,
                                    const std::function<void()>& act) {
  const std::filesystem::path file = data / folder_name(project) / "lock";
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  const bool is_new = static_cast<bool>(fd);
  if (!fd && errno == EEXIST) fd = Fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  if (!fd) return os_error("open " + callboard::quoted(file.native()), errno);
  if (auto taken = take_lock(fd.get(), file); !taken) return taken;
  act();
  // Whoever has opened it meanwhile finds it gone once they hold it.
  if (is_new) ::unlink(file.c_str());
  return {};
}

Result<std::optional<pid_t>> DataFolder::holder(const std::filesystem::path& data, std::string_view project) {
  const std::filesystem::path file = data / folder_name(project) / "lock";
  const Fd lock(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!lock && errno == ENOENT) return std::optional<pid_t>();
  if (!lock) return os_error("open " + callboard::quoted(file.native()), errno);
  const pid_t process = process_in(lock.get());
  // Of a process that is no more nobody has to try the lock, which would be in the way of a server that starts.
  if (process <= 0 || (::kill(process, 0) != 0 && errno == ESRCH)) return std::optional<pid_t>();
  if (::flock(lock.get(), LOCK_SH | LOCK_NB) == 0) return std::optional<pid_t>();
  if (errno != EWOULDBLOCK) return os_error("try the lock " + callboard::quoted(file.native()), errno);
  return std::optional(process);
}

Result<void> DataFolder::check(const std::filesystem::path& data, std::string_view project) {
  const std::filesystem::path file = data / folder_name(project) / "lock";
  const Fd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  if (!fd && errno == ENOTDIR) return cannot_be_made(file.parent_path(), errno);
  if (!fd) return os_error("open " + callboard::quoted(file.native()), errno);
  return take_lock(fd.get(), file);
}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

DataFolder& DataFolder::operator=(DataFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_fd_, other.lock_fd_);
  return *this;
}

DataFolder::~DataFolder() {
  // The file stays: a server that another version starts does not look whether the one that it locked is still there.
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

}  // namespace callboard::server
