#include "client/workstation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string_view>

#include "base/bytes.h"
#include "sync/hash.h"

namespace callboard::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIdLength = 32;

// What the file holds; a new number when that is none, kept if that can be written.
std::string number_in(int fd) {
  std::array<char, kIdLength> text{};
  const auto got = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view found(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  if (unique_id_from(found)) return std::string(found);
  const std::string made = to_text(make_unique_id(system_random()));
  const std::string line = made + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, line.data(), line.size(), 0) < 0) return "";
  return made;
}

}  // namespace

Workstation::Workstation(const std::string& folder, const std::string& host) {
  if (folder.empty()) return;
  std::error_code problem;
  const fs::path absolute = fs::canonical(folder, problem);
  if (problem) return;
  fs::create_directory(absolute / ".callboard", problem);
  const fs::path path = absolute / ".callboard" / "workstation";
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return;
  const std::string number = number_in(file.get());
  if (number.empty()) return;
  lock_ = std::move(file);
  const std::string all = number + '\0' + host + '\0' + absolute.native();
  id_ = unique_id_from(to_text(sync::digest_of(as_bytes(all))));
}

}  // namespace callboard::client
