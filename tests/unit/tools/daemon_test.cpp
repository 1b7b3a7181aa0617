#include "tools/cli/daemon.h"

#include <catch2/catch.hpp>

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/loop.h"
#include "tools/cli/restart_check.h"

namespace callboard::cli::daemon_test {
namespace {

constexpr const char* kInsteadVariable = "UNIT_TOOLS_INSTEAD";

// What is started is this very program: what it does then, in place of all else.
[[maybe_unused]] const bool is_test = [] {
  const char* const instead = std::getenv(kInsteadVariable);
  if (instead == nullptr) return true;
  if (std::string_view(instead) == "end") ::_exit(0);
  if (std::string_view(instead) == "be killed") ::raise(SIGKILL);
  if (std::string_view(instead) == "say much") {
    for (int i = 0; i < 2000; ++i) std::fputs("a plugin says something\n", stderr);
    std::fputs("error: the last word\n", stderr);
    ::_exit(3);
  }
  // As with a library that does not come to an end while it is loaded: signals are events that nobody looks at.
  ::signal(SIGTERM, SIG_IGN);
  for (;;) ::pause();
}();

Start doing(const std::string& instead) {
  return {{"unit_tools"}, {std::string(kInsteadVariable) + "=" + instead}, "/"};
}

TEST_CASE("a detached server that ends well before it listens has not been started") {
  Interrupt interrupt;
  const auto started = start_detached(doing("end"), interrupt);
  REQUIRE_FALSE(started);
  CHECK(started.error().outcome == Outcome::failed);
  CHECK(started.error().text == "the server ended before it listened");
}

TEST_CASE("a detached server that is broken off before it listens has not been started") {
  Interrupt interrupt;
  kill(getpid(), SIGINT);
  interrupt.wait();
  const auto started = start_detached(doing("end"), interrupt);
  REQUIRE_FALSE(started);
  CHECK(started.error().outcome == Outcome::cancelled);
}

TEST_CASE("what ended by a signal is named") {
  Interrupt interrupt;
  CHECK(start_detached(doing("be killed"), interrupt).error().text == "the server was ended by signal 9");
  CHECK(check_start(doing("be killed"), interrupt).error().text ==
        "the check of what it would load was ended by signal 9");
  CHECK(check_start(doing("end"), interrupt));
}

TEST_CASE("the check before a start ends when its time is over, whatever hangs in it") {
  Interrupt interrupt;
  const auto checked = check_start(doing("stay"), interrupt, std::chrono::seconds(0));
  REQUIRE_FALSE(checked);
  CHECK(checked.error().outcome == Outcome::timed_out);
  CHECK(checked.error().text == "what it would load is not loaded after 0 s");
}

TEST_CASE("the check before a start ends at once when somebody breaks it off, whatever hangs in it") {
  Interrupt interrupt;
  kill(getpid(), SIGINT);
  interrupt.wait();
  const auto checked = check_start(doing("stay"), interrupt, std::chrono::hours(1));
  REQUIRE_FALSE(checked);
  CHECK(checked.error().outcome == Outcome::cancelled);
}

TEST_CASE(
    "a check before a server starts itself anew ends when its time is over, and no other begins before it is "
    "gone") {
  net::Loop loop;
  RestartCheck check(loop, std::chrono::seconds(0));
  ::setenv(kInsteadVariable, "stay", 1);
  std::optional<Result<void>> first;
  std::optional<Result<void>> second;
  check.begin([&](Result<void> how) {
    first = std::move(how);
    check.begin([&](Result<void> again) { second = std::move(again); });
  });
  ::unsetenv(kInsteadVariable);
  REQUIRE(loop.run_until([&] { return second.has_value(); }, std::chrono::seconds(60)));
  REQUIRE_FALSE(*first);
  CHECK(first->error().outcome == Outcome::timed_out);
  CHECK(first->error().text == "what it would load is not loaded after 0 s");
  REQUIRE_FALSE(*second);
  CHECK(second->error().outcome == Outcome::refused);
  CHECK(second->error().text == "the check before this one, which ran out of time, is still ending");
}

TEST_CASE("why a server would not start anew is told also when much else was said before") {
  net::Loop loop;
  RestartCheck check(loop);
  ::setenv(kInsteadVariable, "say much", 1);
  std::optional<Result<void>> checked;
  check.begin([&](Result<void> how) { checked = std::move(how); });
  ::unsetenv(kInsteadVariable);
  REQUIRE(loop.run_until([&] { return checked.has_value(); }, std::chrono::seconds(60)));
  REQUIRE_FALSE(*checked);
  CHECK(checked->error().text == "the last word");
}

}  // namespace
}  // namespace callboard::cli::daemon_test
