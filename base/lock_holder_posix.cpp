#include <unistd.h>

#include <array>
#include <string_view>

#include "base/lock_holder.h"
#include "base/text.h"

namespace callboard {

std::string lock_holder_in(int fd) {
  std::array<char, 64> text{};
  const ssize_t size_bytes = ::pread(fd, text.data(), text.size(), 0);
  if (size_bytes <= 0) return "another process";
  const std::string_view line(text.data(), static_cast<std::size_t>(size_bytes));
  return "process " + escaped(line.substr(0, line.find('\n')), 64);
}

void write_lock_holder(int fd) {
  const std::string number = std::to_string(::getpid()) + "\n";
  static_cast<void>(::ftruncate(fd, 0) == 0 && ::pwrite(fd, number.data(), number.size(), 0) > 0);
}

}  // namespace callboard
