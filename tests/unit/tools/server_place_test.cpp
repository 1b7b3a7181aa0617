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

TEST_CASE("a note of where a server runs is read as it was written, also one of which little is known") {
  const support::TempDir folder;
  const ServerPlace place{"p", folder.path(), folder.path()};
  const RunningNote whole{
      .address = "127.0.0.1:64646", .log = folder / "a log", .run = "6f3a", .data_port = 64700};
  const RunningNote of_no_run{.address = "[::1]:64646", .log = {}, .data_port = 64700};
  const RunningNote of_little{.address = "127.0.0.1:64646", .log = folder / "log"};
  for (const RunningNote& note : {whole, of_no_run, of_little}) {
    CAPTURE(note.address, note.run, note.data_port);
    note.write(place);
    const auto read = RunningNote::read(place);
    REQUIRE(read);
    CHECK(read->address == note.address);
    CHECK(read->log == note.log);
    CHECK(read->run == note.run);
    CHECK(read->data_port == note.data_port);
  }
}

TEST_CASE("a note without a port for transfers, as another version writes it, is read") {
  const support::TempDir folder;
  support::write_file(folder / "running", "127.0.0.1:64646 6f3a\nserver.log");
  const auto read = RunningNote::read({"p", folder.path(), folder.path()});
  REQUIRE(read);
  CHECK(read->run == "6f3a");
  CHECK(read->data_port == 0);
  CHECK(read->log == "server.log");
}

}  // namespace
}  // namespace callboard::cli::server_place_test
