#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

namespace callboard::bench {

// What a process has run so far, user and system, all threads that it still has. Nanoseconds as the scheduler counts them:
// nothing of what others on the machine took. 0: there is no such process.
inline double cpu_seconds(int pid) {
  double seconds = 0;
  std::error_code error;
  for (const auto& thread :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    unsigned long long nanoseconds = 0;
    if (std::FILE* file = std::fopen((thread.path() / "schedstat").c_str(), "r")) {
      if (std::fscanf(file, "%llu", &nanoseconds) == 1) seconds += static_cast<double>(nanoseconds) / 1e9;
      std::fclose(file);
    }
  }
  return seconds;
}

}  // namespace callboard::bench
