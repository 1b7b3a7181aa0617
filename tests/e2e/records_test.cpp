// Records and zones, from the command line to the disk.
#include <catch2/catch.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::records_test {
namespace {

using Catch::Contains;

constexpr const char* kSchema = R"({"classes":[
  {"name":"review","fields":[{"name":"status","type":"text","required":true},{"name":"takes","type":"int","default":1}]},
  {"name":"slot","life":"session","fields":[{"name":"n","type":"int"}]}
]})";

struct Board : Studio {
  Board() {
    add_user("rigging");
    add_user("lighting");
    schema = (home() / "schema.json").native();
    support::write_file(schema, kSchema);
    serve({"--schema", schema});
  }

  std::vector<Json> records(const std::string& zone) const {
    const auto listed = run("rigging", {"records", zone, "--json"});
    REQUIRE(listed.ending.exit_code == 0);
    return objects(listed.out);
  }

  std::string schema;
};

}  // namespace

TEST_CASE("a record is made, set, listed and removed, and outlives a server that is killed") {
  Board board;
  const auto made = board.run("rigging", {"record", "make", "/reviews/sc01", "--class", "review",
                                          "status=open", "takes=3", "--json"});
  REQUIRE(made.ending.exit_code == 0);
  const auto revision = objects(made.out).at(0).at("revision").get<std::uint64_t>();
  CHECK(board.run("lighting", {"record", "set", "/reviews/sc01", "status=ok"}).ending.exit_code == 0);
  board.kill_server();
  board.serve({"--schema", board.schema});
  const auto listed = board.records("/reviews");
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].at("path") == "/reviews/sc01");
  CHECK(listed[0].at("fields") == Json({{"status", "ok"}, {"takes", 3}}));
  CHECK(listed[0].at("user") == "rigging");
  CHECK(listed[0].at("by") == "lighting");
  CHECK(listed[0].at("revision").get<std::uint64_t>() > revision);
  CHECK_THAT(board.run("rigging", {"records"}).out,
             Contains("/reviews/sc01  review, rigging's  status=ok takes=3"));
  CHECK(board.run("rigging", {"record", "remove", "/reviews/sc01"}).ending.exit_code == 0);
  CHECK(board.records("/reviews").empty());
}

TEST_CASE("what cannot be done to a record is said, with the exit code of it") {
  Board board;
  const auto make = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"record", "make", "/reviews/sc01"});
    return board.run("rigging", std::move(words));
  };
  const auto unknown = make({"--class", "shot"});
  CHECK(unknown.ending.exit_code == 2);
  CHECK_THAT(unknown.err, Contains("class \"shot\": the server's schema has none of that name"));
  const auto wrong = make({"--class", "review", "status=1"});
  CHECK(wrong.ending.exit_code == 2);
  CHECK_THAT(wrong.err, Contains("class \"review\": field \"status\": expected text, got 1"));
  CHECK(make({"--class", "review", "status"}).ending.exit_code == 2);
  const auto twice = make({"--class", "review", "status=a", "status=b"});
  CHECK(twice.ending.exit_code == 2);
  CHECK_THAT(twice.err, Contains("field \"status\": given twice"));
  CHECK(make({"--class", "review", "status=\"1\""}).ending.exit_code == 0);
  CHECK(make({"--class", "review", "status=2"}).ending.exit_code == 2);
  CHECK(make({"--class", "review", "status=two"}).ending.exit_code == 5);
  CHECK(board.run("rigging", {"record", "set", "/reviews/sc02", "status=a"}).ending.exit_code == 3);
  const auto base = [&](const std::string& revision) {
    return board.run("rigging", {"record", "set", "/reviews/sc01", "status=a", "--base", revision});
  };
  CHECK(base("0").ending.exit_code == 2);
  CHECK(base("9999").ending.exit_code == 5);
  CHECK_THAT(base("9999").err, Contains("\"/reviews/sc01\" has no revision 9999: the newest is "));
  CHECK(board.run("rigging", {"record", "make", "/slot", "--class", "slot"}).ending.exit_code == 4);
  CHECK(board.run("rigging", {"record", "give", "/reviews/sc01", "--to", "nobody"}).ending.exit_code == 3);
  CHECK(board.run("rigging", {"records", "reviews"}).ending.exit_code == 2);
  const auto in_lines = board.run("rigging", {"record", "make", "/x/a\nb", "--class", "review", "status=a"});
  CHECK(in_lines.ending.exit_code == 2);
  CHECK_THAT(in_lines.err, Contains(R"("/x/a\nb")"));
}

TEST_CASE("a record whose class lasts as long as a session by now is removed by whoever may write it") {
  Board board;
  REQUIRE(
      board.run("rigging", {"record", "make", "/a", "--class", "review", "status=open"}).ending.exit_code ==
      0);
  board.kill_server();
  support::write_file(board.schema, R"({"classes":[{"name":"review","life":"session","fields":[
    {"name":"status","type":"text"},{"name":"takes","type":"int"}]}]})");
  board.serve({"--schema", board.schema});
  CHECK(board.run("lighting", {"record", "remove", "/a"}).ending.exit_code == 0);
  CHECK(board.records("/").size() == board.records("/services").size());
}

TEST_CASE("who follows a zone is shown what is there, what changes, and what goes with its session") {
  Board board;
  const auto joined = board.join("lighting");
  REQUIRE(board.run("lighting", {"record", "make", "/slots/1", "--class", "slot", "n=1"}).ending.exit_code ==
          0);
  const auto follower = board.start("rigging", {"records", "/slots", "--follow", "--json"});
  const auto is = [](const std::string& path) {
    return [path](const Json& event) { return event.at("path") == path; };
  };
  CHECK(wait_for_event(*follower, "record", is("/slots/1")).at("fields") == Json({{"n", 1}}));
  REQUIRE(board.run("lighting", {"record", "make", "/elsewhere", "--class", "slot"}).ending.exit_code == 0);
  REQUIRE(board.run("lighting", {"record", "set", "/slots/1", "n=2"}).ending.exit_code == 0);
  CHECK(wait_for_event(*follower, "record").at("fields") == Json({{"n", 2}}));
  joined->send_signal(SIGINT);
  CHECK(exit_code(*joined) == 130);
  CHECK(wait_for_event(*follower, "gone").at("left") == true);
  follower->send_signal(SIGINT);
  CHECK(exit_code(*follower) == 130);
}

TEST_CASE("who follows a zone is told what is another after the server was killed, and nothing twice") {
  Board board;
  const auto joined = board.join("lighting");
  const auto change = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "record");
    REQUIRE(board.run("lighting", std::move(words)).ending.exit_code == 0);
  };
  change({"make", "/slots/1", "--class", "slot", "n=1"});
  change({"make", "/reviews/a", "--class", "review", "status=open"});
  const auto follower = board.start("rigging", {"records", "/", "--follow", "--json"});
  const auto is = [](const std::string& path) {
    return [path](const Json& event) { return event.at("path") == path; };
  };
  wait_for_event(*follower, "record", is("/slots/1"));
  board.kill_server();
  REQUIRE(follower->wait_for(Stream::err, "waiting for it"));
  board.serve({"--schema", board.schema});
  REQUIRE(follower->wait_for(Stream::err, "the server is there again"));
  CHECK(wait_for_event(*follower, "gone").at("path") == "/slots/1");
  wait_for_event(*joined, "joined");
  change({"set", "/reviews/a", "status=ok"});
  CHECK(wait_for_event(*follower, "record", is("/reviews/a")).at("fields").at("status") == "ok");
  std::size_t times = 0;
  for (const Json& event : events(follower->printed(Stream::out), "record")) times += is("/reviews/a")(event);
  CHECK(times == 2);
  CHECK(events(follower->printed(Stream::out), "gone").size() == 1);
  follower->send_signal(SIGINT);
  CHECK(exit_code(*follower) == 130);
}

TEST_CASE("what was done to a record is listed, shown and compared") {
  Board board;
  REQUIRE(board.run("rigging", {"record", "make", "/reviews/sc01", "--class", "review", "status=open"})
              .ending.exit_code == 0);
  REQUIRE(board.run("lighting", {"record", "set", "/reviews/sc01", "status=ok"}).ending.exit_code == 0);
  REQUIRE(board.run("rigging", {"record", "remove", "/reviews/sc01"}).ending.exit_code == 0);
  const auto listed = objects(board.run("rigging", {"history", "/reviews/sc01", "--json"}).out);
  REQUIRE(listed.size() == 3);
  CHECK(listed[0].at("do") == "remove");
  CHECK(listed[1].at("user") == "lighting");
  CHECK(listed[1].at("fields") == Json({{"status", "ok"}}));
  CHECK(listed[2].at("class") == "review");
  const auto version = [&](std::size_t at) {
    return "/reviews/sc01@" + std::to_string(listed[at].at("revision").get<std::uint64_t>());
  };
  CHECK(objects(board.run("rigging", {"history", "/reviews/sc01", "--count", "1", "--json"}).out).size() ==
        1);
  CHECK_THAT(
      board.run("rigging", {"history", "/reviews/sc01"}).out,
      Contains(version(1)) && Contains("lighting  set status=ok") && Contains("make status=open takes=1"));
  CHECK(board.run("rigging", {"show", version(2)}).out == "{\"status\":\"open\",\"takes\":1}\n");
  const auto shown = objects(board.run("rigging", {"show", version(1), "--json"}).out).at(0);
  CHECK(shown.at("fields") == Json({{"status", "ok"}, {"takes", 1}}));
  CHECK(shown.at("by") == "lighting");
  CHECK(board.run("rigging", {"diff", version(2), version(1)}).out == "~ /status: \"open\" -> \"ok\"\n");
  const auto patch = objects(board.run("rigging", {"diff", version(2), version(1), "--json"}).out).at(0);
  CHECK(patch.at("patch").dump() == R"([{"op":"replace","path":"/status","value":"ok"}])");
  CHECK(board.run("rigging", {"show", version(0)}).ending.exit_code == 3);
  CHECK(board.run("rigging", {"show", "/reviews/sc01@"}).ending.exit_code == 2);
  CHECK(board.run("rigging", {"history", "/reviews/sc02"}).ending.exit_code == 3);
  CHECK(board.run("rigging", {"history", "/reviews/sc01", "--item", "/status"}).ending.exit_code == 2);
}

TEST_CASE("a record is brought back as it was, by those who may write it so") {
  Board board;
  const auto make =
      board.run("rigging", {"record", "make", "/reviews/sc01", "--class", "review", "status=open", "--json"});
  const auto first = objects(make.out).at(0).at("revision").get<std::uint64_t>();
  REQUIRE(board.run("lighting", {"record", "set", "/reviews/sc01", "status=ok"}).ending.exit_code == 0);
  const std::string version = "/reviews/sc01@" + std::to_string(first);
  const auto restored = objects(board.run("lighting", {"restore", version, "--json"}).out).at(0);
  CHECK(restored.at("event") == "restored");
  CHECK(restored.at("record") == "/reviews/sc01");
  CHECK(restored.at("restored") == first);
  CHECK(restored.at("revision") == first + 2);
  CHECK(objects(board.run("rigging", {"history", "/reviews/sc01", "--json"}).out).size() == 3);
  CHECK_THAT(board.run("rigging", {"records", "/reviews"}).out, Contains("status=open"));
  REQUIRE(board.run("rigging", {"record", "remove", "/reviews/sc01"}).ending.exit_code == 0);
  CHECK_THAT(board.run("rigging", {"restore", version}).out,
             Contains("/reviews/sc01 is again what it was at revision " + std::to_string(first)));
  CHECK(board.run("rigging", {"restore", "/reviews/sc01@999"}).ending.exit_code == 3);
}

TEST_CASE("a schema may be TOML, and where it is none the line is said") {
  Board board;
  board.kill_server();
  const std::string toml = (board.home() / "schema.toml").native();
  support::write_file(toml,
                      "[[classes]]\nname = \"review\"\nfields = [{name = \"status\", type = \"text\"}]\n");
  board.serve({"--schema", toml});
  CHECK(board.run("rigging", {"record", "make", "/reviews/sc01", "--class", "review", "status=open"})
            .ending.exit_code == 0);
  CHECK(board.run("rigging", {"record", "make", "/slots/1", "--class", "slot"}).ending.exit_code == 2);
  support::write_file(toml, "[[classes]]\nname = review\n");
  auto command = board.command(
      0, {"serve", "--project", "p", "--data", (board.home() / "d").native(), "--schema", toml});
  const auto refused = support::run(std::move(command));
  CHECK(refused.ending.exit_code == 2);
  CHECK_THAT(refused.err, Contains("schema.toml\": line 2: "));
}

TEST_CASE("a schema that makes no sense keeps a server from starting, and says where") {
  Studio studio;
  support::write_file(studio.home() / "bad.json",
                      R"({"classes":[{"name":"review","fields":[{"name":"a","type":"string"}]}]})");
  auto command = studio.command(0, {"serve", "--project", "p", "--data", (studio.home() / "data").native(),
                                    "--schema", (studio.home() / "bad.json").native()});
  const auto refused = support::run(std::move(command));
  CHECK(refused.ending.exit_code == 2);
  CHECK_THAT(refused.err, Contains("class \"review\": field \"a\": type: expected one of bool"));
}

}  // namespace callboard::e2e::records_test
