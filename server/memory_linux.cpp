#include "server/memory.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>

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

void give_back_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace callboard::server
