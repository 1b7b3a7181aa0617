// The program that docs/client.md shows, built and run.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::first_client_test {
namespace {

using Catch::Contains;

TEST_CASE("docs/client.md shows docs/first_client.cpp to the letter") {
  const std::string page = support::read_file(DOCS_FOLDER "/client.md");
  const std::string begin_mark = "```cpp\n";
  const auto begin = page.find(begin_mark);
  REQUIRE(begin != std::string::npos);
  const auto end = page.find("```\n", begin + begin_mark.size());
  REQUIRE(end != std::string::npos);
  CHECK(page.substr(begin + begin_mark.size(), end - begin - begin_mark.size()) ==
        support::read_file(DOCS_FOLDER "/first_client.cpp"));
}

TEST_CASE("the first client joins, listens, speaks and pulls") {
  Studio studio;
  studio.serve();
  const auto rigging = studio.add_user("rigging");
  support::make_tree(rigging / "dev/chr/Moria",
                     {.seed = 3, .files = 12, .files_per_directory = 4, .size_max_bytes = 9000});
  const auto joined = studio.join("rigging");
  const auto folder = studio.home() / "prompter";
  std::filesystem::create_directory(folder);
  Process prompter({.words = {FIRST_CLIENT_PROGRAM, studio.project(), "prompter", folder.string(),
                              studio.server_address(), "/dev/chr/Moria", "rigging"},
                    .directory = folder,
                    .environment = {}});
  CHECK(wait_for_event(*joined, "user", [](const Json& each) {
          return each.at("name") == "prompter";
        }).at("shares") == true);
  CHECK(wait_for_event(*joined, "at").at("item") == "/dev/chr/Moria");
  CHECK(wait_for_event(*joined, "message").at("text") == "pulling /dev/chr/Moria");
  CHECK(exit_code(prompter) == 0);
  CHECK_THAT(prompter.printed(Stream::out), Contains("rigging is here\n") && Contains("12 files, done\n"));
  CHECK(prompter.printed(Stream::err).empty());
  CHECK(wait_for_event(*joined, "user_left").at("name") == "prompter");
  CHECK(support::differences(rigging, folder) == support::kNoDifference);
}

TEST_CASE("the first client says what it needs, and why it cannot") {
  Studio studio;
  studio.serve();
  CHECK(
      support::run({.words = {FIRST_CLIENT_PROGRAM}, .directory = {}, .environment = {}}).ending.exit_code ==
      2);
  const auto refused =
      support::run({.words = {FIRST_CLIENT_PROGRAM, "Another", "prompter", studio.home().string(),
                              studio.server_address(), "/", "rigging"},
                    .directory = {},
                    .environment = {}});
  CHECK(refused.ending.exit_code == 1);
  CHECK_THAT(refused.err, Contains("Another"));
  const auto rigging = studio.add_user("rigging");
  const auto joined = studio.join("rigging");
  const auto folder = studio.home() / "prompter";
  std::filesystem::create_directory(folder);
  const auto missing =
      support::run({.words = {FIRST_CLIENT_PROGRAM, studio.project(), "prompter", folder.string(),
                              studio.server_address(), "/dev/chr/Balin", "rigging"},
                    .directory = {},
                    .environment = {}});
  CHECK(missing.ending.exit_code == 1);
  CHECK(missing.err == "\"/dev/chr/Balin\": \"rigging\" has no such file or folder\n");
}

}  // namespace
}  // namespace callboard::e2e::first_client_test
