#include "tools/cli/show_listening.h"

#include <catch2/catch.hpp>

#include "tests/unit/tools/captured.h"

namespace callboard::cli::show_listening_test {
namespace {

std::string shown(const RunningNote& note, std::optional<pid_t> process) {
  Captured captured;
  {
    Output output(captured.streams);
    show_listening(output, "p", note, process);
  }
  return captured.out() + captured.err();
}

TEST_CASE(
    "where a server listens is told with the port for transfers, and of one without a terminal its log") {
  const RunningNote note{.address = "127.0.0.1:64646", .log = "/a log", .data_port = 64700};
  const std::string listening = "listening on 127.0.0.1:64646\ntransfers and channels come to port 64700\n";
  CHECK(shown(note, std::nullopt) == listening);
  CHECK(shown(note, 12) == listening + "runs as process 12, logs to \"/a log\"\n");
  CHECK(shown({.address = "[::1]:64646", .log = {}}, std::nullopt) == "listening on [::1]:64646\n");
}

}  // namespace
}  // namespace callboard::cli::show_listening_test
