#include "client/replaced_file.h"

#include <system_error>
#include <thread>
#include <utility>

namespace callboard::client {

ReplacedFile::ReplacedFile(const sync::Root& root, const sync::RelativePath& path) {
  if (Result<Fd> opened = root.open_file(path)) fd_ = *std::move(opened);
}

ReplacedFile& ReplacedFile::operator=(ReplacedFile&& other) noexcept {
  if (this != &other) {
    close_aside();
    fd_ = std::move(other.fd_);
  }
  return *this;
}

void ReplacedFile::close_aside() noexcept {
  if (!fd_) return;
  try {
    std::thread([closed = std::move(fd_)]() mutable { closed.reset(); }).detach();
  } catch (const std::system_error&) {
    // No thread is to be had: it was closed here.
  }
}

}  // namespace callboard::client
