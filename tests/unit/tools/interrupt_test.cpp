#include "tools/cli/interrupt.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <optional>

namespace callboard::cli {
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
}  // namespace callboard::cli
