#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "net/port_holder.h"

namespace callboard::net {
namespace {

namespace fs = std::filesystem;

// "0100007F:FC86": the port is in hexadecimal.
std::uint16_t port_in(std::string_view address) {
  const std::string_view text = address.substr(address.rfind(':') + 1);
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port, 16);
  return port;
}

// proc(5), /proc/net/tcp: a line for each socket, after a heading; empty: none of them.
std::string inode_listening_on(std::uint16_t port, const char* table) {
  constexpr std::string_view kListens = "0A";
  std::ifstream lines(table);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    enum Field { number, local, remote, state, queues, timer, retransmits, user, timeout, inode, count };
    std::array<std::string, count> fields;
    std::istringstream words(line);
    for (std::string& each : fields) words >> each;
    if (fields[state] == kListens && port_in(fields[local]) == port) return fields[inode];
  }
  return "";
}

bool has_open(const fs::path& process, const std::string& target) {
  std::error_code denied;
  for (fs::directory_iterator each(process / "fd", denied), end; !denied && each != end;
       each.increment(denied)) {
    std::error_code gone;
    if (fs::read_symlink(each->path(), gone).native() == target) return true;
  }
  return false;
}

}  // namespace

std::optional<std::int64_t> process_listening_on(std::uint16_t port) {
  std::string inode = inode_listening_on(port, "/proc/net/tcp");
  if (inode.empty()) inode = inode_listening_on(port, "/proc/net/tcp6");
  if (inode.empty()) return std::nullopt;
  const std::string target = "socket:[" + inode + "]";
  std::error_code problem;
  for (fs::directory_iterator each("/proc", problem), end; !problem && each != end; each.increment(problem)) {
    const std::string name = each->path().filename().native();
    std::int64_t process = 0;
    const char* last = name.data() + name.size();
    if (std::from_chars(name.data(), last, process).ptr != last) continue;
    if (has_open(each->path(), target)) return process;
  }
  return std::nullopt;
}

}  // namespace callboard::net
