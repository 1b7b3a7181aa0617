// What the server can do, called by name from the command line.
#include <signal.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"

namespace callboard::e2e::calls_test {
namespace {

using Catch::Contains;

struct Office : Studio {
  Office() {
    add_user("rigging");
    serve();
  }
};

}  // namespace

TEST_CASE("a shell calls the next server, too") {
  Office office;
  const auto shell = office.start("rigging", {"shell", "--json"});
  shell->write_input("server.info\n");
  const Json first = wait_for_event(*shell, "result");
  office.kill_server();
  office.serve();
  REQUIRE(office.server().wait_for(Stream::err, "session opened user=rigging"));
  shell->write_input("server.info\n");
  CHECK(wait_for_event(*shell, "result").at("result").at("project") == first.at("result").at("project"));
  shell->close_input();
  CHECK(exit_code(*shell) == 0);
}

TEST_CASE("a shell goes on when the join that it went through has gone") {
  Office office;
  const auto joined = office.join("rigging");
  const auto shell = office.start("rigging", {"shell", "--json"});
  shell->write_input("server.info\n");
  wait_for_event(*shell, "result");
  joined->send_signal(SIGINT);
  CHECK(exit_code(*joined) == 130);
  shell->write_input("server.info\n");
  wait_for_event(*shell, "result");
  shell->close_input();
  CHECK(exit_code(*shell) == 0);
}

TEST_CASE("calls are listed with how they are called, and called by name, with a join and without") {
  Office office;
  for (const bool is_joined : {false, true}) {
    INFO(is_joined);
    std::unique_ptr<Process> joined;
    if (is_joined) joined = office.join("rigging");
    const auto listed = office.run("rigging", {"calls"});
    CHECK(listed.ending.exit_code == 0);
    CHECK_THAT(listed.out, Contains("server.info") && Contains("disk.free") && Contains("FOR server"));
    CHECK_THAT(office.run("rigging", {"calls", "ping"}).out, Contains("answers time"));

    const auto called = office.run("rigging", {"call", "server.info", "--json"});
    REQUIRE(called.ending.exit_code == 0);
    const Json result = events(called.out, "result").at(0);
    CHECK(result.at("result").at("project") == office.project());
    CHECK(result.at("result").at("users") == (is_joined ? 1 : 0));
    CHECK_THAT(office.run("rigging", {"call", "disk.free"}).out, Contains("free_bytes"));
  }
}

TEST_CASE("a call that cannot be made says why, with its exit code") {
  Office office;
  const auto unknown = office.run("rigging", {"call", "pong"});
  CHECK(unknown.ending.exit_code == 3);
  CHECK_THAT(unknown.err, Contains("there is no call named \"pong\"; did you mean ping?"));
  const auto many = office.run("rigging", {"call", "ping", "1"});
  CHECK(many.ending.exit_code == 2);
  CHECK_THAT(many.err, Contains("ping: \"1\": one argument too many; it is called as ping"));
  const auto elsewhere = office.run("rigging", {"call", "ping@node-9"});
  CHECK(elsewhere.ending.exit_code == 3);
  CHECK_THAT(elsewhere.err,
             Contains("nobody named \"node-9\" offers ping; `callboard calls ping` shows who does"));
  const auto with_json = office.run("rigging", {"call", "ping@node-9", "--arguments", "{}"});
  CHECK(with_json.ending.exit_code == 3);
  CHECK(with_json.err == elsewhere.err);
  const auto twice = office.run("rigging", {"call", "ping", "--arguments", R"({"a":1,"a":2})"});
  CHECK(twice.ending.exit_code == 2);
  CHECK_THAT(twice.err, Contains("--arguments: expected JSON, got the key \"a\" twice at byte 13"));
  CHECK(office.run("rigging", {"call", "ping", "--op", "7"}).ending.exit_code == 2);
  CHECK(office.run("rigging", {"call", "ping", "--arguments", "{"}).ending.exit_code == 2);
  CHECK(office.run("rigging", {"call"}).ending.exit_code == 2);
}

TEST_CASE("a call with the op of one that was made is not made again") {
  Office office;
  const std::string op = "000102030405060708090a0b0c0d0e0f";
  const auto first = office.run("rigging", {"call", "server.info", "--op", op});
  const auto joined = office.join("rigging");
  CHECK(office.run("rigging", {"call", "server.info", "--op", op}).out == first.out);
  CHECK(office.run("rigging", {"call", "server.info"}).out != first.out);
}

}  // namespace callboard::e2e::calls_test
