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

}  // namespace

Result<HeldFile> HeldFile::hold(std::filesystem::path file) {
  HeldFile held;
  held.held_ = Fd(::open(file.c_str(), O_PATH | O_CLOEXEC));
  const auto identity = identity_of(file);
  if (!identity) return identity.error();
  held.file_ = *identity;
  held.path_ = std::move(file);
  held.note_log();
  return held;
}

void HeldFile::note_log() {
  log_ = identity_if_there(path_.native() + "-wal");
  index_ = identity_if_there(path_.native() + "-shm");
}

Result<void> HeldFile::check() {
  if (is_gone_) return gone();
  const auto there = identity_of(path_);
  is_gone_ = there ? *there != file_ : there.error().outcome == Outcome::not_found;
  if (!is_gone_) return there ? Result<void>() : Result<void>(there.error());
  set_log_aside();
  return gone();
}

Result<void> HeldFile::look() const {
  const auto there = identity_of(path_);
  const bool is_other = there ? *there != file_ : there.error().outcome == Outcome::not_found;
  return is_gone_ || is_other ? Result<void>(gone()) : Result<void>();
}

// Whoever opens the other one would do to it what is written ahead of this one. The index is nothing without it.
void HeldFile::set_log_aside() const {
  std::error_code ignored;
  const std::string log = path_.native() + "-wal";
  if (log_ && identity_if_there(log) == log_)
    std::filesystem::rename(log, log + ".left-" + std::to_string(::getpid()), ignored);
  const std::string index = path_.native() + "-shm";
  if (index_ && identity_if_there(index) == index_) std::filesystem::remove(index, ignored);
}

Error HeldFile::gone() const {
  return {Outcome::failed, "database " + quoted(path_.native()) +
                               " was removed, or another file took its place, while the server runs"};
}

}  // namespace callboard::server
