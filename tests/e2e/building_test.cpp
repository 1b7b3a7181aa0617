// The programs that docs/building-on-callboard.md shows, built and run.
#include <signal.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::building_test {
namespace {

using Catch::Contains;

constexpr std::size_t kExamples = 8;

struct Example {
  std::string file;  // Beside the document.
  std::string shown;
};

// Each block of code that stands below a line with a link to what is shown, and says "whole".
std::vector<Example> examples() {
  static const std::regex link(R"(\[[^\]]+\]\(([^)]+)\), whole)");
  std::istringstream page(support::read_file(DOCS_FOLDER "/building-on-callboard.md"));
  std::vector<Example> found;
  std::string file;
  std::smatch match;
  for (std::string line; std::getline(page, line);) {
    if (std::regex_search(line, match, link)) file = match[1];
    if (!line.starts_with("```") || file.empty()) continue;
    std::string shown;
    while (std::getline(page, line) && line != "```") shown += line + "\n";
    found.push_back({std::exchange(file, ""), shown});
  }
  return found;
}

TEST_CASE("docs/building-on-callboard.md shows its programs to the letter") {
  const auto all = examples();
  CHECK(all.size() == kExamples);
  for (const Example& each : all) {
    INFO(each.file);
    CHECK(each.shown == support::read_file(std::string(DOCS_FOLDER "/") + each.file));
  }
}

struct Pipeline : Studio {
  explicit Pipeline(const std::vector<std::string>& more = {}) { serve(more); }
  std::unique_ptr<Process> begin(const std::string& program, const std::string& user,
                                 const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{EXAMPLES_FOLDER "/example_" + program, project(), user, server_address()};
    words.insert(words.end(), more.begin(), more.end());
    auto begun =
        std::make_unique<Process>(support::Command{.words = words, .directory = home(), .environment = {}});
    REQUIRE(begun->wait_for(Stream::out, "joined as " + user));
    return begun;
  }
};

TEST_CASE("a playblast is streamed frame by frame, and both sides know that it was all") {
  Pipeline studio;
  const auto viewer = studio.begin("playblast", "lighting");
  REQUIRE(viewer->wait_for(Stream::out, "waiting"));
  const auto sender = studio.begin("playblast", "rigging", {"lighting", "24", "3000000"});
  CHECK(exit_code(*sender) == 0);
  CHECK(exit_code(*viewer) == 0);
  CHECK_THAT(viewer->printed(Stream::out), Contains("frame 23 from rigging: 3000000 bytes\n24 frames\n"));
  CHECK_THAT(sender->printed(Stream::out), Contains("sent to lighting\n"));
}

TEST_CASE("a playblast that breaks off says so on the side that is left") {
  Pipeline studio;
  const auto viewer = studio.begin("playblast", "lighting");
  REQUIRE(viewer->wait_for(Stream::out, "waiting"));
  const auto sender = studio.begin("playblast", "rigging", {"lighting", "100000", "1000000"});
  REQUIRE(viewer->wait_for(Stream::out, "frame 2 "));
  sender->send_signal(SIGKILL);
  CHECK(exit_code(*viewer) == 1);
  CHECK_THAT(viewer->printed(Stream::err), Contains("\"rigging\" left"));
}

TEST_CASE(
    "people in one room of the chat hear one another, those in another do not, and who comes late hears "
    "all") {
  Pipeline studio({"--schema", DOCS_FOLDER "/examples/schema.json"});
  const auto rigging = studio.begin("chat", "rigging", {"gate"});
  const auto lighting = studio.begin("chat", "lighting", {"gate"});
  const auto layout = studio.begin("chat", "layout", {"bridge"});
  rigging->write_input("is the rig ready?\n");
  REQUIRE(lighting->wait_for(Stream::out, "rigging: is the rig ready?"));
  lighting->write_input("in an hour\n");
  REQUIRE(rigging->wait_for(Stream::out, "lighting: in an hour"));
  const auto late = studio.begin("chat", "sound", {"gate"});
  REQUIRE(late->wait_for(Stream::out, "rigging: is the rig ready?"));
  CHECK(late->wait_for(Stream::out, "lighting: in an hour"));
  layout->write_input("anybody?\n");
  REQUIRE(layout->wait_for(Stream::out, "layout: anybody?"));
  CHECK_THAT(layout->printed(Stream::out), !Contains("rig"));
  layout->close_input();
  CHECK(exit_code(*layout) == 0);
}

TEST_CASE("a camera is followed until its owner leaves") {
  Pipeline studio({"--schema", DOCS_FOLDER "/examples/schema.json"});
  const auto moving = studio.begin("follow_camera", "rigging");
  const auto following = studio.begin("follow_camera", "lighting", {"rigging"});
  moving->write_input("1 2 3.5\n");
  REQUIRE(following->wait_for(Stream::out, "1 2 3.5"));
  moving->write_input("-4 0 9\n");
  REQUIRE(following->wait_for(Stream::out, "-4 0 9"));
  moving->close_input();
  CHECK(exit_code(*moving) == 0);
  CHECK(following->wait_for(Stream::out, "rigging has left"));
  CHECK(exit_code(*following) == 0);
}

TEST_CASE("a program that gives up leaves at once, and nobody waits for it to come back") {
  // Without a schema: there is no such record.
  Pipeline studio;
  studio.add_user("rigging");
  const auto chat = studio.begin("chat", "layout");
  chat->write_input("hello\n");
  CHECK(exit_code(*chat) == 1);
  CHECK_THAT(chat->printed(Stream::err), Contains("class \"line\""));
  const Json status = events(studio.run("rigging", {"status", "--json"}).out, "status").at(0);
  CHECK(status.at("away") == 0);
}

TEST_CASE("a node of the farm opens the shot that it is asked for, by name") {
  Pipeline studio;
  studio.add_user("rigging");
  const auto node = studio.begin("farm_node", "node-7");
  REQUIRE(node->wait_for(Stream::out, "waiting"));
  const auto opened = studio.run("rigging", {"call", "open_shot", "/rnd/scene-01/shot-03", "frame=12"});
  // How far it is may be told before the result, or with it.
  std::istringstream said(opened.err);
  for (std::string line; std::getline(said, line);) CHECK(line.starts_with("… {\"percent\":"));
  CHECK(opened.ending.exit_code == 0);
  CHECK(opened.out == "open\n");
  CHECK(node->wait_for(Stream::out, "rigging opens {\"shot\":\"/rnd/scene-01/shot-03\",\"frame\":12}"));
  CHECK_THAT(studio.run("rigging", {"calls"}).out, Contains("open_shot"));
  node->send_signal(SIGKILL);
  REQUIRE(node->wait());
}

}  // namespace
}  // namespace callboard::e2e::building_test
