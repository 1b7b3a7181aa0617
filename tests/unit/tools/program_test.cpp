// The command line as people mistype it: each answer names what was given, and what was expected.
#include "tools/cli/program.h"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <memory>

#include "tests/unit/tools/captured.h"

namespace callboard::cli::program_test {
namespace {

using Catch::Contains;

// One verb with an option of every kind, and what it was given.
struct Given {
  std::vector<std::string> words;
  std::vector<std::string> tags;
  std::string note;
  std::uint64_t lines = 50;
  std::uint64_t base = 0;
  std::optional<double> lease;
  std::optional<double> patience;
  bool force = false;
  bool broadcast_log = false;
  int runs = 0;
};

struct Line {
  Captured captured;
  Output output{captured.streams};
  Given given;

  int run(std::vector<const char*> words) {
    // Not the settings of whoever runs the test.
    ::setenv("CALLBOARD_FOLDER", "", 1);
    Interrupt interrupt;
    Program program(output, interrupt);
    program
        .add_verb(
            {.name = "send", .summary = "send it", .example = "callboard send a b", .note = "Nobody waits."})
        .takes({Key::server, Key::ask, Key::port, Key::broadcast_log})
        .texts(given.words, "USER HOST", "whom, and where to", Need::required)
        .texts(given.tags, "--tag TAG", "may be given several times")
        .text(given.note, "--note TEXT", "why")
        .number(given.lines, "--lines N", "how many")
        .revision(given.base, "--base N", "what it was made from")
        .seconds(given.lease, "--lease SECONDS", "how long")
        .seconds(given.patience, "--patience SECONDS", "how long at most", {.min = 0.5, .max = 31'536'000})
        .flag(given.force, "--force", "do it")
        .runs([this](Run& run) -> Result<void> {
          ++given.runs;
          given.broadcast_log = run.settings.flag(Key::broadcast_log);
          return {};
        });
    words.insert(words.begin(), {"callboard", "send"});
    return program.run(static_cast<int>(words.size()), words.data());
  }
  // What is said first; where to look comes after it.
  std::string complaint(std::vector<const char*> words) {
    CHECK(run(std::move(words)) == 2);
    CHECK(given.runs == 0);
    fflush(captured.streams.err);
    const std::string text = captured.err();
    return text.substr(0, text.find('\n'));
  }
};

std::string complaint(std::vector<const char*> words) { return Line().complaint(std::move(words)); }

TEST_CASE("an option takes one value, wherever it stands before arguments of any number") {
  for (const std::vector<const char*>& words : std::vector<std::vector<const char*>>{
           {"--server", "10.0.0.7", "rigging", "10.0.0.9"},
           {"rigging", "--server", "10.0.0.7", "10.0.0.9"},
           {"rigging", "10.0.0.9", "--server", "10.0.0.7"},
           {"--tag", "a", "rigging", "10.0.0.9"},
           {"--ask", "10.0.0.255", "rigging", "10.0.0.9"},
           {"--note", "why", "rigging", "10.0.0.9"},
           {"--lines", "3", "--lease", "1.5", "--force", "rigging", "10.0.0.9"}}) {
    Line line;
    CHECK(line.run(words) == 0);
    CHECK(line.given.words == std::vector<std::string>{"rigging", "10.0.0.9"});
  }
  Line twice;
  CHECK(twice.run({"--tag", "a", "--tag", "b", "x"}) == 0);
  CHECK(twice.given.tags == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a number that is none is refused with the option's name, what was given and what was expected") {
  CHECK(complaint({"x", "--lines", "many"}) == "error: --lines \"many\": expected a whole number from 0 on");
  CHECK(complaint({"x", "--lines=-1"}) == "error: --lines \"-1\": expected a whole number from 0 on");
  CHECK(complaint({"x", "--lines", "99999999999999999999"}) ==
        "error: --lines \"99999999999999999999\": expected a whole number from 0 on");
  CHECK(complaint({"x", "--lease", "soon"}) == "error: --lease \"soon\": expected 0-86400 seconds");
  CHECK(complaint({"x", "--lease", "86401"}) == "error: --lease \"86401\": expected 0-86400 seconds");
  CHECK(complaint({"x", "--lease", "nan"}) == "error: --lease \"nan\": expected 0-86400 seconds");
  CHECK(complaint({"x", "--patience", "0"}) == "error: --patience \"0\": expected 0.5-31536000 seconds");
  CHECK(complaint({"x", "--base", "0"}) == "error: --base 0: revisions begin with 1");
  CHECK(complaint({"x", "--base", "one"}) == "error: --base \"one\": expected a whole number from 0 on");
  CHECK(complaint({"x", "--port", "99999"}) == "error: --port \"99999\": expected 0-65535");
  Line line;
  CHECK(line.run({"x", "--lines", "7", "--lease", "0.5"}) == 0);
  CHECK((line.given.lines == 7 && line.given.lease == 0.5));
}

TEST_CASE("an option without its value, with one too many, or given twice, is named") {
  CHECK(complaint({"x", "--server"}) ==
        "error: --server: HOST[:PORT] is missing: the server's address, where it cannot be found by itself");
  CHECK(complaint({"x", "--note"}) == "error: --note: TEXT is missing: why");
  CHECK(complaint({"x", "--note", "a", "--note", "b"}) == "error: --note: expected once, got 2 values");
  CHECK(complaint({"x", "--server", "a", "--server", "b"}) == "error: --server: expected once, got 2 values");
  CHECK(complaint({"x", "--force=soon"}) == "error: --force: expected no value");
  CHECK(complaint({}) == "error: USER HOST is missing: whom, and where to");
  CHECK(complaint({"x", "--bogus"}) == "error: \"--bogus\": no such option");
}

TEST_CASE("every word reaches its verb as it was typed") {
  for (const std::string word : {"[wip]",
                                 "[a,b]",
                                 "[]",
                                 "[",
                                 "[\"a\",\"b\"]",
                                 "[[a],[b]]",
                                 "{}",
                                 "{\"a\":[1,2]}",
                                 "%%",
                                 "++",
                                 "",
                                 " ",
                                 "a,b",
                                 "\"quoted\"",
                                 "'quoted'",
                                 "back\\slash",
                                 "\x01",
                                 "\x01[a]",
                                 "send",
                                 "/w",
                                 "#1",
                                 "a=b",
                                 "=",
                                 "!x"}) {
    INFO(word);
    const std::string with_note = "--note=" + word;
    const std::string with_tag = "--tag=" + word;
    Line apart;
    CHECK(apart.run({"--note", word.c_str(), "--tag", word.c_str(), word.c_str(), "x", word.c_str()}) == 0);
    CHECK(apart.given.words == std::vector<std::string>{word, "x", word});
    CHECK(apart.given.note == word);
    CHECK(apart.given.tags == std::vector<std::string>{word});
    Line joined;
    CHECK(joined.run({with_note.c_str(), with_tag.c_str(), "x"}) == 0);
    CHECK(joined.given.words == std::vector<std::string>{"x"});
    CHECK(joined.given.note == word);
    CHECK(joined.given.tags == std::vector<std::string>{word});
  }
}

TEST_CASE("what an option is given may look like an option") {
  for (const std::string word : {"--x=[a]", "--x=", "--x=\x01", "--x=--y=", "-x", "--force"}) {
    INFO(word);
    Line apart;
    CHECK(apart.run({"--note", word.c_str(), "x"}) == 0);
    CHECK(apart.given.note == word);
    Line joined;
    CHECK(joined.run({("--note=" + word).c_str(), "x"}) == 0);
    CHECK(joined.given.note == word);
  }
}

TEST_CASE("words behind two dashes are words, however they begin") {
  Line line;
  CHECK(line.run({"--tag", "a", "x", "--", "--force", "-5", "--", "[a]"}) == 0);
  CHECK(line.given.words == std::vector<std::string>{"x", "--force", "-5", "--", "[a]"});
  CHECK_FALSE(line.given.force);
  Line first;
  CHECK(first.run({"--", "-x", "++"}) == 0);
  CHECK(first.given.words == std::vector<std::string>{"-x", "++"});
}

TEST_CASE("a setting and a number are told as they were typed") {
  CHECK(complaint({"x", "--lines", "[1,2]"}) ==
        "error: --lines \"[1,2]\": expected a whole number from 0 on");
  CHECK(complaint({"x", "--lines="}) == "error: --lines \"\": expected a whole number from 0 on");
  CHECK(complaint({"x", "--broadcast-log=[no]"}) == "error: --broadcast-log \"[no]\": expected yes or no");
  CHECK(complaint({"x", "--bogus=[a]"}) == "error: \"--bogus=[a]\": no such option");
}

TEST_CASE("a setting that is yes or no may say which, and nothing else") {
  const std::vector<std::pair<const char*, bool>> given{
      {"--broadcast-log", true}, {"--broadcast-log=yes", true}, {"--broadcast-log=no", false}};
  for (const auto& [word, is_on] : given) {
    Line line;
    CHECK(line.run({"x", word}) == 0);
    CHECK(line.given.broadcast_log == is_on);
  }
  CHECK(complaint({"x", "--broadcast-log=x"}) == "error: --broadcast-log \"x\": expected yes or no");
}

TEST_CASE("the help shows an argument of several words as it is named") {
  Line line;
  CHECK(line.run({"--help"}) == 0);
  fflush(line.captured.streams.out);
  CHECK_THAT(line.captured.out(), Contains("Usage: callboard send [OPTIONS] USER HOST\n") &&
                                      Contains("  USER HOST ") && Contains("--lines N ") &&
                                      Contains("--lease SECONDS ") && !Contains("[USER"));
}

TEST_CASE("what it takes to understand a verb stands in its help below the example") {
  Line line;
  CHECK(line.run({"--help"}) == 0);
  fflush(line.captured.streams.out);
  CHECK_THAT(line.captured.out(), Contains("Example:\n  callboard send a b\n\nNobody waits."));
}

}  // namespace
}  // namespace callboard::cli::program_test
