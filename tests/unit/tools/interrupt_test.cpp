#include "tools/cli/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <optional>
#include <string>

namespace callboard::cli::interrupt_test {
namespace {

TEST_CASE("the first signal is noted and calls whoever listens, once") {
  Interrupt interrupt;
  CHECK_FALSE(interrupt.is_requested());
  std::promise<void> called;
  std::atomic<int> calls = 0;
  const auto listener = interrupt.listen([&] {
    ++calls;
    called.set_value();
  });
  kill(getpid(), SIGTERM);
  called.get_future().wait();
  CHECK(interrupt.signal_number() == SIGTERM);
  CHECK(calls == 1);
}

TEST_CASE("who listens after the first signal is called at once") {
  Interrupt interrupt;
  std::promise<void> called;
  const auto first = interrupt.listen([&] { called.set_value(); });
  kill(getpid(), SIGINT);
  called.get_future().wait();
  bool is_called = false;
  const auto second = interrupt.listen([&] { is_called = true; });
  CHECK(is_called);
}

TEST_CASE("who stopped listening is not called") {
  Interrupt interrupt;
  bool is_called = false;
  {
    const auto gone = interrupt.listen([&] { is_called = true; });
  }
  std::promise<void> called;
  const auto listener = interrupt.listen([&] { called.set_value(); });
  kill(getpid(), SIGINT);
  called.get_future().wait();
  interrupt.wait();
  CHECK_FALSE(is_called);
}

TEST_CASE("a second signal ends the program with 130 even when the first one's clean-up hangs") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    Interrupt interrupt;
    const auto listener = interrupt.listen([] {
      kill(getpid(), SIGINT);
      while (true) pause();
    });
    kill(getpid(), SIGINT);
    while (true) pause();
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
}

TEST_CASE("while something can be broken off the first SIGINT does that, and the second one asks to end") {
  Interrupt interrupt;
  std::promise<void> called;
  const auto listener = interrupt.listen([&] { called.set_value(); });
  {
    std::promise<void> broken;
    const auto breaking = interrupt.on_break([&] { broken.set_value(); });
    kill(getpid(), SIGINT);
    broken.get_future().wait();
    CHECK_FALSE(interrupt.is_requested());
  }
  std::promise<void> again;
  const auto breaking = interrupt.on_break([&] { again.set_value(); });
  kill(getpid(), SIGINT);
  again.get_future().wait();
  CHECK_FALSE(interrupt.is_requested());
  kill(getpid(), SIGINT);
  called.get_future().wait();
  CHECK(interrupt.signal_number() == SIGINT);
}

TEST_CASE("who takes hangups is called at each, and goes on until another signal comes") {
  Interrupt interrupt;
  std::promise<void> ended;
  std::promise<void> first;
  std::promise<void> second;
  int calls = 0;
  const auto listener = interrupt.listen([&] { ended.set_value(); });
  {
    const auto hangup = interrupt.on_hangup([&] { (++calls == 1 ? first : second).set_value(); });
    kill(getpid(), SIGHUP);
    first.get_future().wait();
    kill(getpid(), SIGHUP);
    second.get_future().wait();
    CHECK_FALSE(interrupt.is_requested());
  }
  // Nobody takes it now: it asks to end, as ever.
  kill(getpid(), SIGHUP);
  ended.get_future().wait();
  CHECK(interrupt.signal_number() == SIGHUP);
  CHECK(calls == 2);
}

// The terminal is a pseudo-terminal of the child's own; closing its other side is what a closed window does.
TEST_CASE("a hangup because the terminal is gone ends the program, hangup listener or not") {
  const int window = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(window >= 0);
  REQUIRE(grantpt(window) == 0);
  REQUIRE(unlockpt(window) == 0);
  const std::string terminal = ptsname(window);
  int ready[2] = {-1, -1};
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    setsid();
    static_cast<void>(open(terminal.c_str(), O_RDWR | O_CLOEXEC));  // Becomes the controlling terminal.
    close(window);
    Interrupt interrupt;
    const auto hangup = interrupt.on_hangup([] { _exit(3); });
    static_cast<void>(!write(ready[1], "x", 1));
    interrupt.wait();
    _exit(interrupt.signal_number() == SIGHUP ? 0 : 4);
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  close(window);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE("a signal that the program was started to ignore stays ignored") {
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  sigset_t none;
  sigset_t mask_before;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, &mask_before);
  sigaction(SIGHUP, &ignore, &before);
  {
    Interrupt interrupt;
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGTERM);
    interrupt.wait();
    CHECK(interrupt.signal_number() == SIGTERM);
  }
  sigaction(SIGHUP, &before, nullptr);
  pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
}

}  // namespace
}  // namespace callboard::cli::interrupt_test
