#include "tools/cli/output.h"

#include <pty.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "tests/unit/tools/captured.h"

namespace callboard::cli::output_test {
namespace {

TEST_CASE("as text, results are lines on stdout and messages are on stderr") {
  Captured captured;
  Output output(captured.streams);
  output.line("result");
  output.object({{"event", "result"}});
  output.message("hello");
  output.warning("careful");
  output.error("bad");
  CHECK(captured.out() == "result\n");
  CHECK(captured.err() == "hello\nwarning: careful\nerror: bad\n");
}

TEST_CASE("with --json stdout has one object a line, with its keys in order, and nothing else") {
  Captured captured;
  Output output(captured.streams);
  output.set_json(true);
  output.line("result");
  output.table({{"A"}, {"b"}});
  output.object({{"z", 1}, {"a", "line\nbreak"}});
  output.object({{"event", "next"}});
  output.error("bad");
  CHECK(captured.out() == "{\"z\":1,\"a\":\"line\\nbreak\"}\n{\"event\":\"next\"}\n");
  CHECK(captured.err() == "error: bad\n");
}

TEST_CASE("bytes that are not UTF-8 keep their hexadecimal form beside the readable one") {
  JsonObject object;
  object.add_bytes("path", "a\xff");
  object.add_bytes("good", "ü");
  Captured captured;
  Output output(captured.streams);
  output.set_json(true);
  output.object(object);
  CHECK(captured.out() == "{\"path\":\"a\xEF\xBF\xBD\",\"path_hex\":\"61ff\",\"good\":\"ü\"}\n");
}

TEST_CASE("a table's columns are aligned by what is seen, and control characters cannot move the cursor") {
  Captured captured;
  Output output(captured.streams);
  output.table({{"NAME", "AT"}, {"Jürgen", "x"}, {"映画", "y"}, {"a\x1b[2J", "z"}});
  CHECK(captured.out() ==
        "NAME      AT\n"
        "Jürgen    x\n"
        "映画      y\n"
        "a\\x1b[2J  z\n");
}

TEST_CASE("what is no terminal gets no colours and no bar") {
  Captured captured;
  Output output(captured.streams);
  CHECK_FALSE(output.has_bar());
  CHECK(output.styled(Style::bad, "x") == "x");
  output.bar("50 %");
  CHECK(captured.err().empty());
}

// The two ends of a terminal, with the environment that it is looked at in.
struct Terminal {
  int master = -1;
  std::FILE* slave = nullptr;

  Terminal(const char* term, const char* no_color) {
    int end = -1;
    REQUIRE(openpty(&master, &end, nullptr, nullptr, nullptr) == 0);
    slave = fdopen(end, "w");
    REQUIRE(slave != nullptr);
    ::setenv("TERM", term, 1);
    ::unsetenv("NO_COLOR");
    if (no_color != nullptr) ::setenv("NO_COLOR", no_color, 1);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() {
    fclose(slave);
    close(master);
    ::unsetenv("NO_COLOR");
  }
  // A line of the result and an error, as they arrive on it.
  std::string shown() const {
    Output output({.out = slave, .err = slave});
    output.line(output.styled(Style::bold, "x"));
    output.error("bad");
    std::array<char, 256> bytes{};
    std::string all;
    while (all.find("bad") == std::string::npos) {
      const auto got = read(master, bytes.data(), bytes.size());
      REQUIRE(got > 0);
      all.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return all;
  }
};

TEST_CASE("a terminal shows colours, unless NO_COLOR is set and not empty, or it can show none") {
  const std::string coloured = "\x1b[1mx\x1b[0m\r\n\x1b[31merror: \x1b[0mbad";
  const std::string plain = "x\r\nerror: bad";
  const auto shown = [](const char* term, const char* no_color) {
    const std::string all = Terminal(term, no_color).shown();
    return all.substr(0, all.find("bad") + 3);
  };
  CHECK(shown("xterm", nullptr) == coloured);
  CHECK(shown("xterm", "") == coloured);
  CHECK(shown("xterm", "1") == plain);
  CHECK(shown("xterm", "0") == plain);
  CHECK(shown("dumb", nullptr) == plain);
}

TEST_CASE("a result that cannot be written is noticed") {
  std::FILE* full = fopen("/dev/full", "w");
  REQUIRE(full != nullptr);
  Output output({.out = full, .err = stderr});
  CHECK(output.is_complete());
  output.line("result");
  CHECK_FALSE(output.is_complete());
  fclose(full);
}

TEST_CASE("one of a thing is no plural") {
  CHECK(count_text(0, "visit") == "0 visits");
  CHECK(count_text(1, "visit") == "1 visit");
  CHECK(count_text(2, "connection") == "2 connections");
  CHECK(files_text(1) == "1 file");
}

TEST_CASE("wide characters take two columns and combining ones none") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("ü") == 1);
  CHECK(display_width("u\xCC\x88") == 1);
  CHECK(display_width("映画") == 4);
  CHECK(display_width("\xF0\x9F\x8E\xAC") == 2);
  CHECK(display_width("") == 0);
}

}  // namespace
}  // namespace callboard::cli::output_test
