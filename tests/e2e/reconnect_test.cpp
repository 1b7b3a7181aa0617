// Connections that are lost, servers that are started anew, and changes made while there is none.
#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"
#include "tests/support/skip.h"
#include "tests/support/tree.h"

namespace callboard::e2e::reconnect_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::Network;

struct Office : Studio {
  fs::path rigging = add_user("rigging");
  fs::path lighting = add_user("lighting");
  std::unique_ptr<Process> rigging_joined;
  std::unique_ptr<Process> lighting_joined;
  std::string port;

  Office() {
    support::write_file(rigging / "dev/chr/Moria/moria.blend", "BLENDER");
    serve();
    port = server_address().substr(server_address().rfind(':') + 1);
    rigging_joined = join("rigging");
    lighting_joined = join("lighting");
  }
  void serve_again() { serve({"--port", port}); }
  // What is said now has been heard by both: everything told before has been printed.
  void settle(const std::string& mark) const {
    REQUIRE(run("rigging", {"say", mark}).ending.exit_code == 0);
    wait_for_event(*lighting_joined, "message", [&](const Json& each) { return each.at("text") == mark; });
  }
  std::size_t heard(const std::string& text) const {
    std::size_t count = 0;
    for (const auto& each : events(lighting_joined->printed(Stream::out), "message")) {
      count += each.at("text") == text ? 1u : 0u;
    }
    return count;
  }
  Json workstation() const {
    const auto told = events(run("rigging", {"status", "--json"}).out, "workstation");
    REQUIRE(told.size() == 1);
    return told[0];
  }
};

std::vector<std::string> names(const std::string& out, std::string_view event) {
  std::vector<std::string> found;
  for (const auto& each : events(out, event)) found.push_back(each.at("name"));
  return found;
}

std::string session_of(Process& joined) {
  return events(joined.printed(Stream::out), "joined").at(0).at("session").get<std::string>();
}

bool is_joined_again(const Json& event, const std::string& session) { return event.at("session") == session; }

}  // namespace

TEST_CASE("a server that is killed and started anew is a pause, and nobody is told as gone or new") {
  Office office;
  REQUIRE(office.run("rigging", {"at", "/dev/chr/Moria"}).ending.exit_code == 0);
  wait_for_event(*office.lighting_joined, "at");
  office.settle("before");
  const auto users_before = names(office.lighting_joined->printed(Stream::out), "user");
  const auto assets_before = events(office.lighting_joined->printed(Stream::out), "asset");
  const std::string rigging = session_of(*office.rigging_joined);
  const std::string lighting = session_of(*office.lighting_joined);
  const auto sessions = [&] {
    std::map<std::string, Json> found;
    for (const auto& each : objects(office.run("rigging", {"users", "--json"}).out))
      found[each.at("name")] = each;
    return found;
  };
  const auto present = sessions();

  office.kill_server();
  wait_for_event(*office.rigging_joined, "left");
  wait_for_event(*office.lighting_joined, "left");
  office.serve_again();
  for (auto* each : {office.rigging_joined.get(), office.lighting_joined.get()}) {
    const std::string& own = each == office.rigging_joined.get() ? rigging : lighting;
    wait_for_event(*each, "joined", [&](const Json& event) { return is_joined_again(event, own); });
  }
  office.settle("after");
  office.settle("and after");
  CHECK(names(office.lighting_joined->printed(Stream::out), "user_left").empty());
  CHECK(names(office.lighting_joined->printed(Stream::out), "user") == users_before);
  CHECK(events(office.lighting_joined->printed(Stream::out), "asset") == assets_before);
  CHECK(office.heard("before") == 1);
  CHECK(office.heard("after") == 1);
  const auto after = sessions();
  REQUIRE(after.size() == 2);
  CHECK(after.at("rigging").at("at") == "/dev/chr/Moria");
  CHECK(after.at("rigging").at("session") == present.at("rigging").at("session"));
  CHECK(after.at("lighting").at("session") == present.at("lighting").at("session"));
}

TEST_CASE("what is said and written while there is no server is kept, and arrives once") {
  Office office;
  const auto story = office.home() / "story.json";
  support::write_file(story, R"({"acts":[{"name":"Das Tor"}]})");
  REQUIRE(office.run("lighting", {"story", "set", story}).ending.exit_code == 0);
  office.settle("before");
  office.kill_server();
  wait_for_event(*office.rigging_joined, "left");
  // Side by side: each waits for a server.
  const auto saying = office.start("rigging", {"say", "offline", "--json"});
  support::write_file(story, "{\"acts\":");
  const auto broken = office.start("rigging", {"story", "set", story});
  const auto written = office.run("rigging", {"story", "set", "--at", "/acts/Das Tor/note", "\"at dusk\""});
  CHECK(exit_code(*saying) == 0);
  CAPTURE(saying->printed(Stream::out), saying->printed(Stream::err));
  CHECK(events(saying->printed(Stream::out), "kept").size() == 1);
  CHECK(written.ending.exit_code == 0);
  CHECK(written.err ==
        "no server at the moment: the change is kept in this folder; the join here sends it once there is a "
        "server\n");
  CHECK(exit_code(*broken) == 2);
  CHECK_THAT(broken->printed(Stream::err), Contains("story.json"));
  CHECK_THAT(office.run("rigging", {"status"}).out, Contains("kept      2 changes wait for the server"));

  SECTION("by the join that kept it") {}
  SECTION("by the next one, after it was killed") {
    office.rigging_joined->send_signal(SIGKILL);
    REQUIRE(office.rigging_joined->wait());
    struct stat status {};
    REQUIRE(::stat((office.rigging / ".callboard/outbox").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    office.rigging_joined = office.start("rigging", {"join", "--json"});
    wait_for_event(*office.rigging_joined, "searching");
    CHECK(office.workstation().at("kept") == 2);
  }
  office.serve_again();
  wait_for_event(*office.lighting_joined, "message",
                 [](const Json& each) { return each.at("text") == "offline"; });
  wait_for_event(*office.rigging_joined, "story");
  office.settle("after");
  CHECK(office.heard("offline") == 1);
  CHECK(office.workstation().at("kept") == 0);
  const auto note = office.run("lighting", {"story", "get", "--at", "/acts/Das Tor/note"});
  CHECK(note.out == "\"at dusk\"\n");
  const auto history = objects(office.run("lighting", {"history", "story", "--json"}).out);
  std::size_t by_rigging = 0;
  for (const auto& each : history)
    by_rigging += each.value("by", each.value("user", "")) == "rigging" ? 1u : 0u;
  CHECK(by_rigging == 1);
}

TEST_CASE("what is changed without a server is made of what was changed so before, and all of it arrives") {
  Office office;
  const auto story = office.home() / "story.json";
  support::write_file(story, R"({"acts":[{"name":"Das Tor"}],"log":[]})");
  REQUIRE(office.run("lighting", {"story", "set", story}).ending.exit_code == 0);
  office.settle("before");
  office.kill_server();
  wait_for_event(*office.rigging_joined, "left");
  const auto keeps = [&](std::size_t count) {
    for (int i = 0; i < 1000; ++i) {
      if (office.workstation().at("kept") == count) return true;
    }
    return false;
  };
  std::vector<std::unique_ptr<Process>> changes;
  const auto change = [&](const std::string& at, const std::string& value) {
    changes.push_back(office.start("rigging", {"story", "set", "--at", at, value}));
    REQUIRE(keeps(changes.size()));
  };
  change("/acts/-", R"({"name":"Zwei"})");
  change("/acts/1/note", "\"dark\"");
  change("/acts/Zwei/length", "9");
  change("/log/-", "1");
  change("/log/-", "2");
  for (const auto& each : changes) CHECK(exit_code(*each) == 0);
  office.serve_again();
  REQUIRE(keeps(0));
  CHECK(office.run("lighting", {"story", "get"}).out ==
        R"({"acts":[{"name":"Das Tor"},{"name":"Zwei","note":"dark","length":9}],"log":[1,2]})"
        "\n");
}

TEST_CASE("one who is killed is told as gone when its time is over, and not before") {
  Studio studio;
  studio.add_user("rigging");
  studio.add_user("lighting");
  studio.serve({"--grace", "1"});
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  rigging->send_signal(SIGKILL);
  REQUIRE(rigging->wait());
  CHECK(wait_for_event(*lighting, "user_left").at("name") == "rigging");
  REQUIRE(studio.run("lighting", {"say", "mark"}).ending.exit_code == 0);
  CHECK(names(lighting->printed(Stream::out), "user_left").size() == 1);
}

TEST_CASE("a cable that is out for a while is nobody's news") {
  if (Network::why_not()) return support::skip_test(*Network::why_not());
  Network network(3);
  Studio studio("Moria's Race", network);
  studio.add_user("rigging", 1);
  studio.add_user("lighting", 2);
  studio.serve();
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  network.unplug(1);
  const auto said = studio.run("lighting", {"say", "meanwhile"});
  CHECK(said.ending.exit_code == 0);
  network.plug_in(1);
  CHECK(wait_for_event(*rigging, "message").at("text") == "meanwhile");
  CHECK(names(lighting->printed(Stream::out), "user_left").empty());
}

}  // namespace callboard::e2e::reconnect_test
