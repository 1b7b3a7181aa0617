#include "tools/cli/config_file.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::cli::config_file_test {
namespace {

namespace fs = std::filesystem;

TEST_CASE("keys and values are read without the spaces around them") {
  const auto config =
      ConfigFile::parse("# a comment\n\n  project =  Moria's Race #2 \r\nname=rigging", "config");
  REQUIRE(config);
  REQUIRE(config->settings().size() == 2);
  CHECK(config->value("project") == "Moria's Race #2");
  CHECK(config->value("name") == "rigging");
  CHECK(config->settings()[1].line == 4);
  CHECK_FALSE(config->value("server"));
}

TEST_CASE("a value may hold an equals sign and may be empty") {
  const auto config = ConfigFile::parse("a = b = c\nd =\n", "config");
  REQUIRE(config);
  CHECK(config->value("a") == "b = c");
  CHECK(config->value("d") == "");
}

TEST_CASE("of a key that stands there twice the last line counts, and is the one that is set") {
  auto config = ConfigFile::parse("name = rigging\nname = lighting\n", "config");
  REQUIRE(config);
  config->set("name", "layout");
  CHECK(config->value("name") == "layout");
  CHECK(config->content() == "name = rigging\nname = layout\n");
}

TEST_CASE("a broken line is named by file and line") {
  const auto line = GENERATE(as<std::string>{}, "project", "= value", "two words = x", "Project = x",
                             "[section]", "a = \xff");
  const auto config = ConfigFile::parse("name = x\n" + line + "\n", "/p/.callboard/config");
  REQUIRE_FALSE(config);
  CHECK(config.error().outcome == Outcome::usage);
  CHECK_THAT(config.error().text,
             Catch::StartsWith("/p/.callboard/config:2: expected \"key = value\", got "));
}

TEST_CASE("setting a value changes its line and leaves the others as they were written") {
  auto config = ConfigFile::parse("# mine\nproject =   A\n\n#name = x\n", "config");
  REQUIRE(config);
  config->set("project", "B");
  config->set("name", "rigging");
  CHECK(config->content() == "# mine\nproject = B\n\n#name = x\nname = rigging\n");
  CHECK(config->value("name") == "rigging");
}

TEST_CASE("setting the value that is there changes nothing") {
  auto config = ConfigFile::parse("project =   A\n", "config");
  REQUIRE(config);
  config->set("project", "A");
  CHECK(config->content() == "project =   A\n");
}

TEST_CASE("the nearest config upward is found") {
  const support::TempDir folder;
  support::write_file(folder.path() / "outer/.callboard/config", "project = outer\n");
  support::write_file(folder.path() / "outer/inner/.callboard/config", "project = inner\n");
  fs::create_directories(folder.path() / "outer/inner/dev/chr");
  fs::create_directories(folder.path() / "outer/other/.callboard/tmp");
  CHECK(ConfigFile::find(folder.path() / "outer/inner/dev/chr") ==
        folder.path() / "outer/inner/.callboard/config");
  CHECK(ConfigFile::find(folder.path() / "outer/other") == folder.path() / "outer/.callboard/config");
}

TEST_CASE("a file that is far too large to be a config is refused") {
  const support::TempDir folder;
  support::write_file(folder.path() / "config", std::string(64 * 1024 + 1, '#'));
  const auto config = ConfigFile::read(folder.path() / "config");
  REQUIRE_FALSE(config);
  CHECK_THAT(config.error().text, Catch::Contains("expected at most 65536 bytes"));
}

TEST_CASE("a config that is written reads the same, and no draft stays") {
  const support::TempDir folder;
  ConfigFile config;
  config.add_line("# hello");
  config.set("project", "Übung");
  REQUIRE(config.write(folder.path() / "config"));
  const auto again = ConfigFile::read(folder.path() / "config");
  REQUIRE(again);
  CHECK(again->content() == "# hello\nproject = Übung\n");
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a config that cannot be written says so and leaves nothing") {
  const support::TempDir folder;
  const auto written = ConfigFile().write(folder.path() / "missing" / "config");
  REQUIRE_FALSE(written);
  CHECK(written.error().outcome == Outcome::not_found);
  CHECK_FALSE(fs::exists(folder.path() / "missing"));
}

}  // namespace
}  // namespace callboard::cli::config_file_test
