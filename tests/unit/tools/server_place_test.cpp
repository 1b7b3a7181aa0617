#include "tools/cli/server_place.h"

#include <catch2/catch.hpp>

#include <filesystem>

#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"
#include "tests/unit/tools/captured.h"

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

TEST_CASE("where a server listens is told alike by itself and from its note, with the port for transfers") {
  const support::TempDir folder;
  const ServerPlace place{"p", folder.path(), folder.path()};
  const RunningNote note{
      .address = "127.0.0.1:64646", .log = folder / "a log", .run = "6f3a", .data_port = 64700};
  note.write(place);
  const auto read = RunningNote::read(place);
  REQUIRE(read);
  CHECK(read->run == "6f3a");
  CHECK(read->log == folder / "a log");
  for (const RunningNote& each : {note, *read}) {
    Captured captured;
    {
      Output output(captured.streams);
      show_listening(output, "p", each, std::nullopt);
    }
    CHECK(captured.out() == "listening on 127.0.0.1:64646\ntransfers and channels come to port 64700\n");
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
