// What somebody may do to others and to the server, as people type it.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/keyed_studio.h"

namespace callboard::e2e::people_test {
namespace {

using Catch::Contains;

// A keyed server with somebody who runs it, and somebody else, joined.
struct Company : KeyedStudio {
  Company() {
    add_user("boss");
    keep("boss", add("boss", {"--role", "admin"}));
    keep("rigging", add("rigging"));
  }
};

std::string limits_of(pid_t process) {
  return support::read_file("/proc/" + std::to_string(process) + "/limits");
}

TEST_CASE("who is kicked is told by whom and why, its join ends with 4, and the audit knows") {
  Company studio;
  studio.serve();
  const auto rigging = studio.join("rigging");
  CHECK(studio.run("rigging", {"kick", "boss"}).ending.exit_code == 4);
  const auto kicked = studio.run("boss", {"kick", "rigging", "--reason", "gone wild"});
  CHECK(kicked.err == "");
  CHECK(kicked.ending.exit_code == 0);
  CHECK(exit_code(*rigging) == 4);
  CHECK_THAT(rigging->printed(Stream::err), Contains("\"boss\" sent you off: gone wild"));
  CHECK(studio.run("boss", {"kick", "rigging"}).ending.exit_code == 3);
  const auto audit = objects(studio.run("boss", {"audit", "--json"}).out);
  REQUIRE_FALSE(audit.empty());
  const auto kick =
      std::find_if(audit.begin(), audit.end(), [](const Json& each) { return each.at("what") == "kick"; });
  REQUIRE(kick != audit.end());
  CHECK((kick->at("user") == "boss" && kick->at("about") == "rigging" && kick->at("text") == "gone wild"));
  const auto later = studio.run("boss", {"audit", "--since", std::to_string(kick->at("number").get<int>())});
  CHECK(later.out.find("gone wild") == std::string::npos);
  CHECK(studio.run("rigging", {"audit"}).ending.exit_code == 4);
}

// The keys of a server, for the one that people are sent to.
void copy_keys(const Studio& from, const Studio& to) {
  const auto copy = to.home() / std::filesystem::relative(from.keys(), from.home());
  std::filesystem::create_directories(copy.parent_path());
  std::filesystem::copy_file(from.keys(), copy);
}

TEST_CASE("who is redirected joins the other server by themselves, and the audit knows") {
  Company here;
  here.serve();
  Studio there;
  copy_keys(here, there);
  there.serve();
  const auto rigging = here.join("rigging");
  CHECK(here.run("rigging", {"redirect", "boss", there.server_address()}).ending.exit_code == 4);
  CHECK(here.run("boss", {"redirect", there.server_address()}).ending.exit_code == 2);
  const auto sent = here.run(
      "boss", {"redirect", "rigging", there.server_address(), "--reason", "this machine gets a new disk"});
  CHECK(sent.err == "");
  CHECK(sent.out == "sent rigging to " + there.server_address() + "\n");
  const Json left = wait_for_event(*rigging, "left");
  CHECK(left.at("why") ==
        "\"boss\" sent you to " + there.server_address() + ": this machine gets a new disk");
  CHECK(left.at("rejoins") == true);
  const Json joined = wait_for_event(*rigging, "joined");
  CHECK(joined.at("address") == there.server_address());
  CHECK_THAT(here.run("boss", {"audit"}).out, Contains("redirect") && Contains("rigging"));
  // Nobody else is here; of all that there are everybody is sent.
  CHECK(here.run("boss", {"redirect", "rigging", there.server_address()}).ending.exit_code == 3);
  CHECK(here.run("boss", {"redirect", "--all", there.server_address()}).ending.exit_code == 0);
  rigging->send_signal(SIGTERM);
  CHECK(rigging->wait());
}

TEST_CASE("with a key nobody joins where they are sent to when that server does not have it") {
  Company here;
  here.serve();
  Studio open;
  KeyedStudio other;
  const bool has_keys = GENERATE(true, false);
  if (has_keys) other.add("rigging");
  Studio& there = has_keys ? other : open;
  there.serve();
  const auto rigging = here.join("rigging");
  CHECK(here.run("boss", {"redirect", "--all", there.server_address()}).ending.exit_code == 0);
  CHECK(exit_code(*rigging) == 4);
  CHECK_THAT(rigging->printed(Stream::err), Contains("sent to " + there.server_address() + ": "));
}

TEST_CASE("who is muted may not say anything until unmuted, and what is granted may be done") {
  Company studio;
  studio.serve();
  const auto rigging = studio.join("rigging");
  CHECK(studio.run("boss", {"mute", "rigging", "--reason", "too loud"}).ending.exit_code == 0);
  const auto said = studio.run("rigging", {"say", "hello"});
  CHECK(said.ending.exit_code == 4);
  CHECK_THAT(said.err, Contains("you are muted by \"boss\": too loud"));
  CHECK(studio.run("boss", {"unmute", "rigging"}).ending.exit_code == 0);
  CHECK(studio.run("rigging", {"say", "hello"}).ending.exit_code == 0);
  CHECK(studio.run("rigging", {"audit"}).ending.exit_code == 4);
  CHECK(studio.run("boss", {"grant", "rigging", "audit", "kick"}).ending.exit_code == 0);
  CHECK(studio.run("rigging", {"audit"}).ending.exit_code == 0);
  CHECK(studio.run("boss", {"revoke", "rigging", "audit"}).ending.exit_code == 0);
  CHECK(studio.run("rigging", {"audit"}).ending.exit_code == 4);
}

TEST_CASE("who names themselves, or a permission that nothing asks for, is told so") {
  Company studio;
  studio.serve();
  const auto rigging = studio.join("rigging");
  const auto boss = studio.join("boss");
  const auto self = studio.run("boss", {"kick", "boss"});
  CHECK(self.ending.exit_code == 4);
  CHECK_THAT(self.err, Contains("\"boss\" is yourself, whom kick leaves alone"));
  CHECK_THAT(studio.run("boss", {"redirect", "boss", "10.0.0.9"}).err,
             Contains("\"boss\" is yourself, whom redirect leaves alone"));
  CHECK(studio.run("boss", {"users"}).ending.exit_code == 0);
  for (const std::string verb : {"grant", "revoke"}) {
    const auto misspelt = studio.run("boss", {verb, "rigging", "kick", "sotry.write"});
    CHECK(misspelt.ending.exit_code == 0);
    CHECK_THAT(misspelt.err, Contains("asks for a permission \"sotry.write\"") && !Contains("\"kick\""));
  }
  const auto nowhere = studio.run("boss", {"redirect", "rigging", "not:an:address"});
  CHECK(nowhere.ending.exit_code == 2);
  CHECK_THAT(nowhere.err, Contains("address \"not:an:address\": expected HOST, HOST:PORT"));
}

TEST_CASE("a server is stopped by who may, who means it") {
  Company studio;
  studio.serve();
  const auto unsure = studio.run("boss", {"stop"});
  CHECK(unsure.ending.exit_code == 4);
  CHECK_THAT(unsure.err, Contains("--yes"));
  CHECK(studio.run("rigging", {"stop", "--yes"}).ending.exit_code == 4);
  CHECK(studio.run("boss", {"users"}).ending.exit_code == 0);
  CHECK(studio.run("boss", {"stop", "--yes", "--reason", "new disks"}).ending.exit_code == 0);
  CHECK(exit_code(studio.server()) == 0);
  CHECK_THAT(studio.server().printed(Stream::err), Contains("stopped by \"boss\": new disks"));
}

TEST_CASE("a restart keeps the process, the port and the sessions, and turns nobody away meanwhile") {
  Company studio;
  studio.serve();
  const pid_t process = studio.server().id();
  const auto rigging = studio.join("rigging");
  const auto session = events(rigging->printed(Stream::out), "joined").at(0).at("session");
  const int port = std::stoi(studio.server_address().substr(studio.server_address().rfind(':') + 1));
  CHECK(studio.run("boss", {"restart", "--yes"}).ending.exit_code == 0);
  // Whoever connects now waits for it, whatever it is doing.
  const auto users = studio.run("boss", {"users", "--server", studio.server_address()});
  CHECK(users.err == "");
  CHECK(users.ending.exit_code == 0);
  CHECK(wait_for_event(studio.server(), "listening").at("port") == port);
  CHECK(studio.server().id() == process);
  CHECK_THAT(wait_for_event(*rigging, "left").at("why").get<std::string>(),
             Contains("restarted by \"boss\""));
  CHECK(wait_for_event(*rigging, "joined").at("session") == session);
  studio.server().send_signal(SIGTERM);
  CHECK(exit_code(studio.server()) == 0);
}

TEST_CASE(
    "a restart that could not read the keys is refused, and those who are in stay in with the old ones") {
  Company studio;
  studio.serve();
  const auto rigging = studio.join("rigging");
  support::write_file(studio.keys(), "no keys");
  const auto refused = studio.run("boss", {"restart", "--yes"});
  CHECK(refused.ending.exit_code != 0);
  CHECK_THAT(refused.err, Contains("the server goes on") && Contains("keys \"/"));
  CHECK(studio.run("boss", {"users"}).ending.exit_code == 0);
  CHECK(events(rigging->printed(Stream::out), "left").empty());
  CHECK(events(studio.server().printed(Stream::out), "restarting").empty());
}

TEST_CASE(
    "who follows the log waits while the server stops, says so once, and is told why they are sent off") {
  Company studio;
  studio.serve();
  const auto following = studio.start("boss", {"log", "--follow"});
  REQUIRE(following->wait_for(Stream::out, "session opened user=boss"));
  studio.server().send_signal(SIGTERM);
  CHECK(exit_code(studio.server()) == 0);
  studio.serve();
  REQUIRE(following->wait_for(Stream::err, "the server is there again"));
  REQUIRE(following->wait_for(Stream::out, "session opened user=boss"));
  CHECK(studio.run("boss", {"kick", "boss"}).ending.exit_code == 0);
  CHECK(exit_code(*following) == 4);
  const std::string& said = following->printed(Stream::err);
  CHECK(said.find("waiting for the server") == said.rfind("waiting for the server"));
  CHECK_THAT(said, Contains("error: ") && Contains("boss"));
}

TEST_CASE("the server's log is followed over the network by who may") {
  Company studio;
  studio.serve();
  CHECK(studio.run("rigging", {"log"}).ending.exit_code == 4);
  CHECK(studio.run("boss", {"log", "--level", "loud"}).ending.exit_code == 2);
  CHECK_THAT(studio.run("boss", {"log"}).out, Contains("listening address="));
  const auto following = studio.start("boss", {"log", "--follow", "--json"});
  const auto about = [](const std::string& user) {
    return [user](const Json& event) {
      return event.at("text") == "session opened" && event.at("user") == user;
    };
  };
  wait_for_event(*following, "log", about("boss"));
  const auto rigging = studio.join("rigging");
  const Json opened = wait_for_event(*following, "log", about("rigging"));
  CHECK((opened.at("kind") == "connection" && opened.at("level") == "info"));
  CHECK(opened.at("fields").at("visit") == false);
  // Of the next server, too, from its beginning.
  studio.kill_server();
  studio.serve();
  wait_for_event(*following, "log", [](const Json& event) { return event.at("text") == "board read"; });
  CHECK(following->wait_for(Stream::err, "the server is there again"));
  following->send_signal(SIGINT);
  CHECK(exit_code(*following) == 130);
}

TEST_CASE("who holds keys leaves no core dump: the server, who joins, and commands") {
  Company studio;
  studio.serve();
  const auto rigging = studio.join("rigging");
  const auto no_core = [](const std::string& limits) {
    const std::size_t at = limits.find("Max core file size");
    return at != std::string::npos && limits.substr(at, 60).find(" 0  ") != std::string::npos;
  };
  CHECK(no_core(limits_of(studio.server().id())));
  CHECK(no_core(limits_of(rigging->id())));
  const auto following = studio.start("boss", {"log", "--follow", "--json"});
  wait_for_event(*following, "log");
  CHECK(no_core(limits_of(following->id())));
  following->send_signal(SIGINT);
  CHECK(exit_code(*following) == 130);
}

}  // namespace
}  // namespace callboard::e2e::people_test
