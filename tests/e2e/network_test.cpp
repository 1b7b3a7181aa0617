// Three machines of their own on one switch: discovery by real broadcast, nobody is told any address.
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"
#include "tests/support/skip.h"
#include "tests/support/tree.h"

namespace callboard::e2e::network_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::Network;

TEST_CASE("two workstations and a server, a machine each, find each other and share a folder") {
  if (Network::why_not()) return support::skip_test(*Network::why_not());
  Network network(3);
  Studio studio("Moria's Race", network);
  const auto giver = studio.add_user("rigging", 1);
  const auto taker = studio.add_user("lighting", 2);
  support::make_tree(giver / "dev/chr/Moria",
                     {.seed = 4, .files = 200, .files_per_directory = 20, .size_max_bytes = 50'000});
  studio.serve();
  CHECK(studio.server_address() == "0.0.0.0:64646");

  const auto found = objects(studio.run("lighting", {"discover", "--wait", "0.3", "--json"}).out);
  REQUIRE(found.size() == 1);
  CHECK(found[0].at("address") == network.address(0));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  CHECK(events(rigging->printed(Stream::out), "joined").at(0).at("address") == network.address(0) + ":64646");
  const auto pulled = studio.run("lighting", {"pull", "/dev/chr/Moria", "--from", "rigging"});
  CHECK(pulled.err.empty());
  CHECK(pulled.ending.exit_code == 0);
  CHECK(support::differences(giver, taker) == support::kNoDifference);

  const auto aborted = studio.run("lighting", {"abort"});
  CHECK(aborted.ending.exit_code == 0);
  CHECK_THAT(aborted.out, Contains(network.address(0)));
  CHECK(exit_code(studio.server()) == 0);
  CHECK(wait_for_event(*rigging, "left").at("why") == "stopped by an abort from " + network.address(2));
}

TEST_CASE("a workstation whose cable was out when it began joins and pulls once it is plugged in") {
  if (Network::why_not()) return support::skip_test(*Network::why_not());
  Network network(3);
  Studio studio("Moria's Race", network);
  const auto giver = studio.add_user("rigging", 1);
  const auto taker = studio.add_user("lighting", 2);
  support::write_file(giver / "dev/chr/Moria/moria.blend", "BLENDER");
  studio.serve();
  const auto rigging = studio.join("rigging");
  network.unplug(2);
  const auto joining = studio.start("lighting", {"join", "--json"});
  wait_for_event(*joining, "searching");
  const auto alone = studio.run("lighting", {"discover", "--wait", "0.2", "--diagnose"});
  CHECK(alone.ending.exit_code == 3);
  CHECK_THAT(alone.out, Contains("eth0") && Contains(network.address(2)));
  CHECK_THAT(alone.err, Contains("no server answered"));
  network.plug_in(2);
  wait_for_event(*joining, "joined");
  CHECK(studio.run("lighting", {"pull", "/dev/chr/Moria", "--from", "rigging"}).ending.exit_code == 0);
  CHECK(support::differences(giver, taker) == support::kNoDifference);
}

TEST_CASE("a pull outlives a cable that is out for a moment") {
  if (Network::why_not()) return support::skip_test(*Network::why_not());
  Network network(3);
  Studio studio("Moria's Race", network);
  const auto giver = studio.add_user("rigging", 1);
  const auto taker = studio.add_user("lighting", 2);
  support::make_large_file({.path = giver / "dev/large", .size_bytes = 200 << 20, .seed = 9});
  studio.serve();
  const auto rigging = studio.join("rigging");
  const auto pulling = studio.start("lighting", {"pull", "/dev", "--from", "rigging", "--json"});
  wait_for_event(*rigging, "giving");
  network.unplug(1);
  network.plug_in(1);
  CHECK(exit_code(*pulling) == 0);
  CHECK(support::differences(giver, taker) == support::kNoDifference);
  // And again after it was out while nothing moved.
  network.unplug(2);
  network.plug_in(2);
  support::write_file(giver / "dev/small", "small");
  CHECK(studio.run("lighting", {"pull", "/dev", "--from", "rigging"}).ending.exit_code == 0);
  CHECK(support::differences(giver, taker) == support::kNoDifference);
}

TEST_CASE("a server announces on an interface that comes while it runs, with that interface's address") {
  if (Network::why_not()) return support::skip_test(*Network::why_not());
  Network network(2);
  Studio studio("Moria's Race", network);
  studio.add_user("rigging", 1);
  const auto ip = [&](std::size_t machine, std::vector<std::string> words) {
    words.insert(words.begin(), "ip");
    const auto done = support::run(
        {.words = network.on_machine(machine, std::move(words)), .directory = {}, .environment = {}});
    REQUIRE(done.ending.exit_code == 0);
  };
  ip(0, {"link", "set", "eth0", "down"});
  studio.serve();
  ip(0, {"addr", "del", network.address(0) + "/24", "dev", "eth0"});
  ip(0, {"addr", "add", "10.78.0.1/24", "brd", "10.78.0.255", "dev", "eth0"});
  ip(0, {"link", "set", "eth0", "up"});
  ip(1, {"addr", "add", "10.78.0.2/24", "brd", "10.78.0.255", "dev", "eth0"});
  const auto joined = studio.join("rigging");
  CHECK(events(joined->printed(Stream::out), "joined").at(0).at("address") == "10.78.0.1:64646");
}

TEST_CASE("a server goes on where it can when one of its interfaces goes away, and comes back with it") {
  if (Network::why_not()) return support::skip_test(*Network::why_not());
  Network network(2);
  Studio studio("Moria's Race", network);
  studio.add_user("rigging", 1);
  const auto ip = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "ip");
    const auto done =
        support::run({.words = network.on_machine(0, std::move(words)), .directory = {}, .environment = {}});
    REQUIRE(done.ending.exit_code == 0);
  };
  ip({"link", "add", "spare", "type", "veth", "peer", "name", "spare-end"});
  ip({"link", "set", "spare-end", "up"});
  ip({"addr", "add", "10.79.0.1/24", "brd", "10.79.0.255", "dev", "spare"});
  ip({"link", "set", "spare", "up"});
  studio.serve();
  const auto joined = studio.join("rigging");
  const auto found = [&] {
    return objects(studio.run("rigging", {"discover", "--wait", "0.3", "--json"}).out);
  };
  REQUIRE(found().size() == 1);
  // One over which nobody speaks goes without a trace.
  ip({"link", "del", "spare"});
  REQUIRE(found().size() == 1);
  CHECK(found()[0].at("address") == network.address(0));
  CHECK(studio.run("rigging", {"say", "still here"}).ending.exit_code == 0);
  // The last one goes with its address: nobody is heard, the server stays, and is found where it comes back.
  ip({"addr", "flush", "dev", "eth0"});
  ip({"link", "set", "eth0", "down"});
  CHECK(found().empty());
  ip({"link", "set", "eth0", "up"});
  ip({"addr", "add", network.address(0) + "/24", "brd", "10.77.0.255", "dev", "eth0"});
  studio.add_user("lighting", 1);
  CHECK(events(studio.join("lighting")->printed(Stream::out), "joined").at(0).at("address") ==
        network.address(0) + ":64646");
}

}  // namespace
}  // namespace callboard::e2e::network_test
