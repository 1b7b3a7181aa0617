// A server that outlives its terminal, and one that systemd looks after.
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::daemon_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

// A server that is nobody's child; it ends with the test in any case.
struct Detached : Studio {
  fs::path rigging = add_user("rigging");

  ~Detached() {
    try {
      static_cast<void>(run("rigging", {"server", "stop"}));
    } catch (const std::exception&) {
      // Nothing runs, or the test has failed already.
    }
  }
  Finished detach() const { return run("rigging", {"serve", "--detach", "--json"}); }
  Json running() const {
    const auto told = run("rigging", {"server", "status", "--json"});
    INFO(told.err);
    REQUIRE(told.ending.exit_code == 0);
    return events(told.out, "running").at(0);
  }
};

TEST_CASE("a detached server listens once its starter returns, and is looked after by its project's name") {
  Detached studio;
  CHECK(studio.run("rigging", {"server", "status"}).ending.exit_code == 3);
  CHECK(studio.run("rigging", {"server", "stop"}).ending.exit_code == 3);
  const auto started = studio.detach();
  INFO(started.err);
  REQUIRE(started.ending.exit_code == 0);
  const Json listening = events(started.out, "listening").at(0);
  const Json running = studio.running();
  CHECK(running.at("address") == "127.0.0.1:" + std::to_string(listening.at("port").get<int>()));
  CHECK_THAT(started.err, Contains("runs as process " + std::to_string(running.at("process").get<pid_t>())));
  CHECK_THAT(studio.run("rigging", {"server", "logs"}).out, Contains("listening address="));

  const auto second = studio.detach();
  CHECK(second.ending.exit_code == 4);
  CHECK_THAT(second.err, Contains("in use by process " + std::to_string(running.at("process").get<pid_t>())));

  const auto joined = studio.join("rigging");
  CHECK(studio.run("rigging", {"server", "stop"}).ending.exit_code == 0);
  wait_for_event(*joined, "left");
  CHECK(studio.run("rigging", {"server", "status"}).ending.exit_code == 3);
}

TEST_CASE("a restart starts it as it was started, and those who are joined come back as themselves") {
  Detached studio;
  const std::string backup = (studio.home() / "backup.sqlite").string();
  REQUIRE(studio.detach().ending.exit_code == 0);
  REQUIRE(studio.run("rigging", {"backup", backup}).ending.exit_code == 0);
  REQUIRE(studio.run("rigging", {"server", "stop"}).ending.exit_code == 0);
  fs::remove_all(studio.home() / "data");
  REQUIRE(studio.run("rigging", {"serve", "--detach", "--restore", backup}).ending.exit_code == 0);
  const auto joined = studio.join("rigging");
  const auto session = events(joined->printed(Stream::out), "joined").at(0).at("session");
  const Json before = studio.running();
  const auto restarted = studio.run("rigging", {"server", "restart"});
  INFO(restarted.err);
  CHECK(restarted.ending.exit_code == 0);
  const Json after = studio.running();
  CHECK(after.at("process") != before.at("process"));
  CHECK(after.at("data") == before.at("data"));
  wait_for_event(*joined, "left");
  CHECK(wait_for_event(*joined, "joined").at("session") == session);
}

TEST_CASE("a restart leaves alone what somebody else would start, too") {
  Detached studio;
  Process& server = studio.serve();
  const auto refused = studio.run("rigging", {"server", "restart"});
  CHECK(refused.ending.exit_code == 4);
  CHECK_THAT(refused.err, Contains("was not started with --detach"));
  CHECK(studio.running().at("process") == server.id());
}

TEST_CASE("a detached server that cannot start says why, and its starter ends as it did") {
  Detached studio;
  support::write_file(studio.home() / "no folder", "");
  const std::string data = (studio.home() / "no folder").string();
  const auto failed = studio.run("rigging", {"serve", "--detach", "--data", data});
  CHECK(failed.ending == studio.run("rigging", {"serve", "--data", data}).ending);
  CHECK(failed.ending.exit_code != 0);
  CHECK_THAT(failed.err, Contains("not a directory"));
  CHECK(failed.out.empty());
  CHECK(studio.run("rigging", {"serve", "--detach", "--log-level", "loud"}).ending.exit_code == 2);
}

TEST_CASE("systemd is told when the server accepts and when it stops") {
  Studio studio;
  const fs::path path = studio.home() / "notify";
  const Fd systemd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(systemd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const timeval patience{30, 0};
  REQUIRE(::setsockopt(systemd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  const auto told = [&] {
    char text[256];
    const ssize_t size_bytes = ::recv(systemd.get(), text, sizeof text, 0);
    return std::string(text, size_bytes > 0 ? static_cast<std::size_t>(size_bytes) : 0);
  };
  auto command = studio.command(0, {"serve", "--project", studio.project(), "--json"});
  command.environment.push_back("NOTIFY_SOCKET=" + path.string());
  Process server(command);
  CHECK_THAT(told(), Catch::StartsWith("READY=1\nSTATUS=listening on 127.0.0.1:"));
  server.send_signal(SIGTERM);
  CHECK(told() == "STOPPING=1");
  CHECK(exit_code(server) == 0);
}

}  // namespace
}  // namespace callboard::e2e::daemon_test
