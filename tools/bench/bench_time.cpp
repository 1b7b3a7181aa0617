// Runs a program and writes what it took: wall seconds, CPU seconds, peak memory in KiB. Children it waited for count.
// SIGTERM is passed on, so that a daemon can be measured from its start to its stop.
//   bench_time OUTPUT_FILE PROGRAM ARGUMENTS…

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

volatile std::sig_atomic_t child = 0;

void pass_on(int signal_number) {
  if (child > 0) ::kill(static_cast<pid_t>(child), signal_number);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fputs("usage: bench_time OUTPUT_FILE PROGRAM ARGUMENTS…\n", stderr);
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  child = ::fork();
  if (child == 0) {
    ::execvp(words[2], words + 2);
    std::perror(words[2]);
    std::_Exit(127);
  }
  std::signal(SIGTERM, pass_on);
  int status = 0;
  rusage usage{};
  while (::wait4(static_cast<pid_t>(child), &status, 0, &usage) < 0 && errno == EINTR) {
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  std::FILE* output = std::fopen(words[1], "w");
  if (output == nullptr) {
    std::perror(words[1]);
    return 2;
  }
  std::fprintf(output, "%.4f %.3f %ld\n", wall.count(), seconds(usage.ru_utime) + seconds(usage.ru_stime),
               usage.ru_maxrss);
  std::fclose(output);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
