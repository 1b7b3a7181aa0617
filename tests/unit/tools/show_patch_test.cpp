#include "tools/cli/show_patch.h"

#include <catch2/catch.hpp>

#include <string>

#include "tests/unit/tools/captured.h"

namespace callboard::cli::show_patch_test {
namespace {

std::string shown(const std::string& old, const std::string& patch) {
  Captured captured;
  Output output(captured.streams);
  REQUIRE(show_patch(output, old, patch));
  return captured.out();
}

std::string replaced(const std::string& from, const std::string& to) {
  return shown("{\"note\":\"" + from + "\"}", R"([{"op":"replace","path":"/note","value":")" + to + "\"}]");
}

}  // namespace

TEST_CASE("of two long values what is shown begins where they differ, between two characters") {
  CHECK(replaced("dark", "dim") == "~ /note: \"dark\" -> \"dim\"\n");
  const std::string alike(300, 'a');
  const std::string before(40, 'a');
  CHECK(replaced(alike + "dark", alike + "dim") ==
        "~ /note: …" + before.substr(1) + "dark\" -> …" + before.substr(1) + "dim\"\n");
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += "ä";
  const std::string told = replaced("a" + umlauts + "x", "a" + umlauts + "y");
  CHECK(told.find("\\x") == std::string::npos);
  CHECK(told.find("äx\" -> …ä") != std::string::npos);
  // Where it is the end that is long.
  CHECK(replaced("x" + alike, "y" + alike).starts_with("~ /note: \"xa"));
}

}  // namespace callboard::cli::show_patch_test
