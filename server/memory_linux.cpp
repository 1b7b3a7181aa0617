#include "server/memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

namespace callboard::server {

std::uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long total_pages = 0;
  unsigned long long resident_pages = 0;
  const int read = std::fscanf(file, "%llu %llu", &total_pages, &resident_pages);
  std::fclose(file);
  return read == 2 ? resident_pages * static_cast<unsigned long long>(::sysconf(_SC_PAGESIZE)) : 0;
}

namespace {

// Of the process's group in the control groups of one kind, and of those around it; they say "max" where there is none.
std::uint64_t group_memory_bytes() {
  std::uint64_t least = UINT64_MAX;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::/")) continue;
    for (std::string group = line.substr(3); !group.empty(); group.resize(group.rfind('/'))) {
      std::ifstream file("/sys/fs/cgroup" + (group == "/" ? "" : group) + "/memory.max");
      std::uint64_t bytes = 0;
      if (file >> bytes) least = std::min(least, bytes);
    }
  }
  return least;
}

}  // namespace

std::uint64_t allowed_memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  if (pages <= 0) return 0;
  const auto machine =
      static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::min(machine, group_memory_bytes());
}

void give_back_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace callboard::server
