#include "net/process.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/limits.h"

namespace callboard::net::process_test {
namespace {

constexpr auto kLimit = 20s;

// A shell with this script, and all it says.
struct Child {
  Loop loop;
  std::string out;
  std::string err;
  std::optional<Process::Ending> ending;
  std::unique_ptr<Process> process;

  explicit Child(const std::string& script) {
    auto started = Process::start(loop, {.command = {"sh", "-c", script}},
                                  {.on_output = [this](ByteView bytes) { out += as_text(bytes); },
                                   .on_error_output = [this](ByteView bytes) { err += as_text(bytes); },
                                   .on_ended = [this](const Process::Ending& how) { ending = how; }});
    REQUIRE(started);
    process = std::move(*started);
  }
  void wait() {
    REQUIRE(loop.run_until([this] { return ending.has_value(); }, kLimit));
  }
  static Bytes bytes(std::string_view text) { return {as_bytes(text).begin(), as_bytes(text).end()}; }
};

}  // namespace

TEST_CASE("a child's words and its ending are told, all of the words first") {
  Child child("echo hello; echo oops >&2; exit 3");
  child.wait();
  CHECK(child.out == "hello\n");
  CHECK(child.err == "oops\n");
  CHECK(child.ending->exit_code == 3);
  CHECK(to_text(*child.ending) == "exit code 3");
}

TEST_CASE("a child reads what is written, to the end of its input") {
  Child child("cat; echo end");
  const std::string large(1 * MiB, 'x');
  child.process->write(Child::bytes(large));
  child.process->write(Child::bytes("\n"));
  child.process->close_input();
  child.wait();
  CHECK(child.out == large + "\nend\n");
}

TEST_CASE("who writes to a child that has ended is not ended by that, whether or not the loop runs") {
  Child child("exit 3");
  child.wait();
  child.process->write(Child::bytes("hello\n"));
  child.process->close_input();
  CHECK(child.ending->exit_code == 3);
}

TEST_CASE("Ctrl-C on our terminal does not reach a child: it has a session of its own") {
  Child child("read -r _ _ _ _ _ session _ < /proc/$$/stat; test $session = $$");
  child.wait();
  CHECK(child.ending->exit_code == 0);
}

TEST_CASE("a child has none of our descriptors, whoever opened them") {
  const Fd file(::open("/dev/null", O_RDONLY));
  Child child("test ! -e /proc/$$/fd/" + std::to_string(file.get()));
  child.wait();
  CHECK(child.ending->exit_code == 0);
}

TEST_CASE("a child that a signal ends says which") {
  Child child("read forever");
  CHECK(child.process->id() > 0);
  child.process->kill();
  child.wait();
  CHECK(to_text(*child.ending) == "signal 9");
  child.process->terminate();
  child.process->write(Child::bytes("nobody reads this"));
}

TEST_CASE("what is no program is an error, not a child") {
  Loop loop;
  const auto none = Process::start(loop, {.command = {"/nothing/here"}}, {});
  CHECK(none.error().outcome == Outcome::not_found);
  const auto folder = Process::start(loop, {.command = {"/"}}, {});
  CHECK(folder.error().outcome == Outcome::refused);
}

TEST_CASE("a child that is dropped is killed, and nobody hears of it") {
  Child child("read forever");
  child.process.reset();
  CHECK_FALSE(child.loop.run_until([&] { return child.ending.has_value(); }, 20ms));
}

}  // namespace callboard::net::process_test
