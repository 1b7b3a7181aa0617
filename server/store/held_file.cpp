#include "server/store/held_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace callboard::server {
namespace {

std::optional<FileIdentity> identity_if_there(const std::filesystem::path& path) {
  const auto there = identity_of(path);
  return there ? std::optional(*there) : std::nullopt;
}

std::filesystem::path beside(const std::filesystem::path& file, const char* suffix) {
  return file.native() + suffix;
}

}  // namespace

Result<void> HeldFile::hold(std::filesystem::path file) {
  held_ = Fd(::open(file.c_str(), O_PATH | O_CLOEXEC));
  const auto identity = identity_of(file);
  if (!identity) return identity.error();
  file_ = *identity;
  path_ = std::move(file);
  std::error_code error;
  real_ = std::filesystem::canonical(path_, error);
  if (error) real_ = path_;
  note_log();
  return {};
}

void HeldFile::forget_log() {
  log_.reset();
  index_.reset();
}

void HeldFile::note_log() {
  log_ = identity_if_there(beside(real_, "-wal"));
  index_ = identity_if_there(beside(real_, "-shm"));
}

Result<bool> HeldFile::is_there() const {
  const auto there = identity_of(path_);
  if (!there && there.error().outcome != Outcome::not_found) return there.error();
  return there && *there == file_;
}

// SQLite makes it with the first that is read or written.
bool HeldFile::has_log() {
  if (!log_) note_log();
  return !log_ || identity_if_there(beside(real_, "-wal")) == log_;
}

Result<void> HeldFile::check(const std::function<void()>& write_back) {
  if (!is_gone_) {
    const auto there = is_there();
    if (!there) return there.error();
    if (*there && has_log()) return {};
    is_gone_ = true;
    write_back();
  }
  set_log_aside();
  return gone();
}

Result<void> HeldFile::look() const {
  const auto there = is_there();
  return is_gone_ || (there && !*there) ? Result<void>(gone()) : Result<void>();
}

// Whoever opens the other one would do to it what is written ahead of this one. The index is nothing without it. Where there is
// no other one this one may come back.
void HeldFile::set_log_aside() {
  const auto there = identity_if_there(real_);
  if (!there || *there == file_) return;
  std::error_code ignored;
  const std::filesystem::path log = beside(real_, "-wal");
  if (log_ && identity_if_there(log) == log_) {
    const std::string name = log.native() + ".left-" + std::to_string(::getpid());
    std::filesystem::path free = name;
    for (int i = 2; identity_if_there(free); ++i) free = name + "-" + std::to_string(i);
    std::filesystem::rename(log, free, ignored);
  }
  const std::filesystem::path index = beside(real_, "-shm");
  if (index_ && identity_if_there(index) == index_) std::filesystem::remove(index, ignored);
}

Error HeldFile::gone() const {
  return {Outcome::failed, "database " + quoted(path_.native()) +
                               " was removed, or another file took its place, while the server runs"};
}

}  // namespace callboard::server
