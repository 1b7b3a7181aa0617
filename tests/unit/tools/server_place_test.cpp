#include "tools/cli/server_place.h"

#include <catch2/catch.hpp>

#include <filesystem>

#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"

namespace callboard::cli::server_place_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

TEST_CASE("whether a log can be written is known without writing it") {
  const support::TempDir folder;
  const fs::path file = folder.path() / "server.log";
  CHECK(check_log(file));
  CHECK(check_log(folder.path() / "not" / "yet" / "server.log"));
  CHECK(fs::is_empty(folder.path()));
  support::write_file(file, "a line");
  CHECK(check_log(file));
  CHECK(support::read_file(file) == "a line");
  CHECK_THAT(check_log(folder.path()).error().text, Contains("is a folder"));
  CHECK_THAT(check_log(file / "server.log").error().text, Contains("server.log"));
  CHECK_THAT(check_log("/proc/nope/x.log").error().text, Contains("\"/proc\""));
}

}  // namespace
}  // namespace callboard::cli::server_place_test
