#include "client/finder.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "client/searcher.h"
#include "protocol/datagram_signature.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client::finder_test {
namespace {

struct Search {
  net::Loop loop;
  std::vector<net::Endpoint> found;
  std::vector<Error> said;

  std::optional<AccessKey> key;

  std::unique_ptr<Finder> start(std::uint16_t port, Duration wait) {
    SearchOptions options;
    options.key = key;
    options.project = "Moria's Race";
    options.ask_addresses = {"127.255.255.255"};
    options.discovery_port = port;
    options.wait = wait;
    Finder::Handlers handlers;
    handlers.on_found = [this](const net::Endpoint& server) { found.push_back(server); };
    handlers.on_nothing_yet = [this](const Error& why) { said.push_back(why); };
    return std::make_unique<Finder>(loop, options, std::move(handlers));
  }
};

TEST_CASE("the one server of the project is found") {
  Search search;
  auto other = announcement({"127.0.0.9", 9}, 9);
  other.project = "Other";
  FakeAnnouncer announcer(search.loop, {other, announcement({"127.0.0.1", 4100})});
  const auto finder = search.start(announcer.port(), 5s);
  REQUIRE(search.loop.run_until([&] { return !search.found.empty(); }, kTestLimit));
  CHECK(search.found[0] == net::Endpoint{"127.0.0.1", 4100});
  CHECK(search.said.empty());
}

TEST_CASE("two servers of one project are both named and none is chosen") {
  Search search;
  FakeAnnouncer announcer(search.loop,
                          {announcement({"127.0.0.1", 4100}, 1), announcement({"127.0.0.1", 4200}, 2)});
  const auto finder = search.start(announcer.port(), 5s);
  REQUIRE(search.loop.run_until([&] { return !search.said.empty(); }, kTestLimit));
  CHECK(search.found.empty());
  CHECK(search.said[0].outcome == Outcome::failed);
  CHECK(search.said[0].text.find("127.0.0.1:4100") != std::string::npos);
  CHECK(search.said[0].text.find("127.0.0.1:4200") != std::string::npos);
}

TEST_CASE("a server with keys is not chosen without one, and it is said where a key is to be had") {
  Search search;
  auto keyed = announcement({"127.0.0.1", 4100});
  keyed.access = "key";
  FakeAnnouncer announcer(search.loop, {keyed});
  const auto finder = search.start(announcer.port(), 5s);
  REQUIRE(search.loop.run_until([&] { return !search.said.empty(); }, kTestLimit));
  CHECK(search.found.empty());
  CHECK(search.said[0].outcome == Outcome::refused);
  CHECK(search.said[0].text.find("127.0.0.1:4100: the server asks for a key") == 0);
}

TEST_CASE("with a key the server that has it, too, is chosen, whoever else poses as it") {
  Search search;
  search.key = make_access_key(system_random());
  auto keyed = announcement({"127.0.0.1", 4100}, 1);
  keyed.access = "key";
  // Even with its number, at an address of its own.
  auto impostor = keyed;
  impostor.port = 4300;
  FakeAnnouncer announcer(search.loop, {announcement({"127.0.0.1", 4200}, 2), impostor, keyed});
  announcer.key = search.key;
  const auto finder = search.start(announcer.port(), 5s);
  REQUIRE(search.loop.run_until([&] { return !search.found.empty(); }, kTestLimit));
  CHECK(search.found[0] == net::Endpoint{"127.0.0.1", 4100});
  CHECK(search.said.empty());
}

TEST_CASE(
    "with a key it is the run that announced itself last, though others say again what those before it did") {
  Search search;
  search.key = make_access_key(system_random());
  std::vector<protocol::Announcement> runs;
  for (std::uint16_t run = 1; run <= 3; ++run) {
    runs.push_back(announcement({"127.0.0.1", static_cast<std::uint16_t>(4100 + run)}, run));
    runs.back().access = "key";
    runs.back().marks = {Timestamp{system_clock().wall().ms - 1000 * (run == 2 ? 1 : 10 + run)}};
  }
  const bool is_answered = GENERATE(false, true);
  INFO(is_answered);
  auto answering = announcement({"127.0.0.1", 4104}, 4);
  answering.access = "key";
  FakeAnnouncer announcer(search.loop,
                          is_answered ? std::vector{answering} : std::vector<protocol::Announcement>());
  announcer.key = search.key;
  const std::vector<protocol::DatagramKey> keys{search.key->secret};
  for (const auto& each : runs) announcer.lines.push_back(format_marked(each, keys));
  const auto finder = search.start(announcer.port(), 5s);
  REQUIRE(search.loop.run_until([&] { return !search.found.empty(); }, kTestLimit));
  CHECK(search.found[0] == net::Endpoint{"127.0.0.1", static_cast<std::uint16_t>(is_answered ? 4104 : 4102)});
  CHECK(search.said.empty());
}

TEST_CASE("with a key a server that was only heard is asked where it is, once, and proves itself") {
  net::Loop loop;
  const AccessKey key = make_access_key(system_random());
  auto says = announcement({"127.0.0.1", 4100});
  says.access = "key";
  int asked = 0;
  std::unique_ptr<net::UdpSocket> server;
  const auto answer = [&](ByteView bytes, const net::Endpoint& from) {
    const auto datagram = protocol::parse_datagram(bytes);
    const auto* search = datagram ? std::get_if<protocol::Search>(&*datagram) : nullptr;
    if (search == nullptr || !search->challenge) return;
    ++asked;
    says.signature = {system_clock().wall(), search->challenge->by, search->challenge->nonce};
    (void)server->send(from, as_bytes(format_signed(says, key.secret)));
  };
  server = *net::UdpSocket::open(loop, {.at = {"127.0.0.1", 0}, .shares_port = true},
                                 {.on_datagram = answer, .on_trouble = {}});
  SearchOptions options;
  options.key = key;
  options.project = "Moria's Race";
  options.discovery_port = server->local().port;
  std::vector<bool> told;
  Searcher searcher(
      loop, options,
      {.on_server = [&](const FoundServer& each) { told.push_back(each.is_proven); }, .on_aborted = {}});
  // Twice, and it never heard a question of ours.
  const std::string line = format(says);
  for (int i = 0; i < 2; ++i) (void)server->send({"127.255.255.255", options.discovery_port}, as_bytes(line));
  REQUIRE(loop.run_until([&] { return told.size() == 2; }, kTestLimit));
  CHECK(told == std::vector<bool>{false, true});
  CHECK(searcher.report().servers.size() == 1);
  CHECK(asked == 1);
}

TEST_CASE("whoever announces a thousand servers does not keep the one with the key from being found") {
  net::Loop loop;
  const AccessKey key = make_access_key(system_random());
  auto keyed = announcement({"127.0.0.1", 4200}, 1000);
  keyed.access = "key";
  FakeAnnouncer announcer(loop, {keyed});
  announcer.key = key;
  SearchOptions options;
  options.key = key;
  options.project = "Moria's Race";
  options.ask_addresses = {"127.255.255.255"};
  options.discovery_port = announcer.port();
  std::size_t told = 0;
  Searcher searcher(loop, options, {.on_server = [&](const FoundServer&) { ++told; }, .on_aborted = {}});
  auto voice = *net::UdpSocket::open(loop, {}, {});
  const net::Endpoint everybody{"127.255.255.255", announcer.port()};
  for (std::uint64_t id = 1; id <= 300; ++id) {
    static_cast<void>(voice->send(
        everybody,
        as_bytes(protocol::format(announcement({"127.0.0.1", static_cast<std::uint16_t>(4200 + id)}, id)))));
    loop.run_until([] { return false; }, 10us);
  }
  REQUIRE(loop.run_until([&] { return searcher.report().ignored_datagrams >= 100; }, kTestLimit));
  CHECK(searcher.report().servers.size() == Searcher::kServersMax);
  CHECK(told == Searcher::kServersMax);
  searcher.ask();
  const auto is_found = [&] {
    return std::ranges::any_of(searcher.report().servers, &FoundServer::is_proven);
  };
  CHECK(loop.run_until(is_found, kTestLimit));
  CHECK(searcher.report().servers.size() == Searcher::kServersMax);
}

TEST_CASE("a server that was started anew at the same place is one server, and it is the newer one") {
  net::Loop loop;
  // That run of it which answers the question, and those before it that were heard of.
  auto answering = announcement({"127.0.0.1", 4200}, 3);
  const bool has_key = GENERATE(false, true);
  FakeAnnouncer announcer(loop, {announcement({"127.0.0.1", 4200}, 1), announcement({"127.0.0.1", 4300}, 9),
                                 announcement({"127.0.0.1", 4200}, 2), answering});
  SearchOptions options;
  options.project = "Moria's Race";
  options.ask_addresses = {"127.255.255.255"};
  options.discovery_port = announcer.port();
  if (has_key) announcer.key = options.key = make_access_key(system_random());
  std::vector<std::uint16_t> told;
  Searcher searcher(
      loop, options,
      {.on_server = [&](const FoundServer& each) { told.push_back(each.port); }, .on_aborted = {}});
  const auto knows = [&](std::uint64_t id) {
    return std::ranges::any_of(searcher.report().servers, [id](const FoundServer& each) {
      return each.id == UniqueId{id, id};
    });
  };
  searcher.ask();
  REQUIRE(loop.run_until([&] { return knows(3); }, kTestLimit));
  CHECK(searcher.report().servers.size() == 2);
  CHECK(std::ranges::count(told, 4300) == 1);
  CHECK(std::ranges::count(told, 4200) == (has_key ? 2 : 1));
  // It is started anew once more, or somebody without the key says so; the other one is heard behind that.
  auto voice = *net::UdpSocket::open(loop, {}, {});
  for (const auto& each : {announcement({"127.0.0.1", 4200}, 4), announcement({"127.0.0.1", 4400}, 5)})
    static_cast<void>(voice->send({"127.255.255.255", announcer.port()}, as_bytes(protocol::format(each))));
  REQUIRE(loop.run_until([&] { return knows(5); }, kTestLimit));
  CHECK(knows(4) == !has_key);
  CHECK(knows(3) == has_key);
  CHECK(searcher.report().servers.size() == 3);
}

TEST_CASE("with a key a server that does not show that it has it is not joined") {
  Search search;
  search.key = make_access_key(system_random());
  auto keyed = announcement({"127.0.0.1", 4100}, 1);
  keyed.access = "key";
  FakeAnnouncer announcer(search.loop, {keyed});
  const std::string shows = GENERATE("nothing", "another secret", "an answer to somebody else's question");
  INFO(shows);
  if (shows != "nothing") announcer.key = search.key;
  if (shows == "another secret") announcer.key->secret[0] ^= 1;
  if (shows == "an answer to somebody else's question") announcer.nonce = make_unique_id(system_random());
  const auto finder = search.start(announcer.port(), 5s);
  REQUIRE(search.loop.run_until([&] { return !search.said.empty(); }, kTestLimit));
  CHECK(search.found.empty());
  CHECK(search.said[0].outcome == Outcome::refused);
  CHECK(search.said[0].text.find("127.0.0.1:4100 does not take this key") != std::string::npos);
}

TEST_CASE("with a key an open server alone is not joined") {
  Search search;
  search.key = make_access_key(system_random());
  FakeAnnouncer announcer(search.loop, {announcement({"127.0.0.1", 4200})});
  const auto finder = search.start(announcer.port(), 5s);
  REQUIRE(search.loop.run_until([&] { return !search.said.empty(); }, kTestLimit));
  CHECK(search.found.empty());
  CHECK(search.said[0].outcome == Outcome::refused);
  CHECK(search.said[0].text.find("127.0.0.1:4200 is open") != std::string::npos);
}

TEST_CASE(
    "that a server with keys was stopped is believed when it signs so, about this abort, and not otherwise") {
  net::Loop loop;
  const AccessKey key = make_access_key(system_random());
  const AccessKey other = make_access_key(system_random());
  FakeAnnouncer announcer(loop, {announcement({"127.0.0.1", 4100})});
  announcer.key = key;
  announcer.on_abort = [&](const protocol::Abort& abort) {
    REQUIRE(abort.signature);
    std::vector<std::string> lines;
    const auto say = [&](const char* address, const std::function<void(protocol::AbortAcknowledged&)>& change,
                         const AccessKey& by) {
      protocol::AbortAcknowledged said{
          address, "Moria's Race", abort.id,
          protocol::Signature{abort.signature->at, key.identity, abort.signature->nonce}};
      change(said);
      lines.push_back(said.signature ? format_signed(said, by.secret) : format(said));
    };
    say(
        "127.0.0.2", [](auto& said) { said.signature.reset(); }, key);
    say(
        "127.0.0.3",
        [](auto& said) {
          said.signature->nonce = UniqueId{1, 2};
        },
        key);
    say(
        "127.0.0.4",
        [](auto& said) {
          said.id = UniqueId{9, 9};
        },
        key);
    say(
        "127.0.0.5", [](auto&) {}, other);
    say(
        "127.0.0.6", [&](auto& said) { said.signature->by = other.identity; }, other);
    say(
        "127.0.0.1", [](auto&) {}, key);
    return lines;
  };
  SearchOptions options;
  options.key = key;
  options.project = "Moria's Race";
  options.ask_addresses = {"127.255.255.255"};
  options.discovery_port = announcer.port();
  std::vector<std::string> stopped;
  Searcher searcher(loop, options,
                    {.on_server = [](const FoundServer&) {},
                     .on_aborted = [&](const auto& aborted) { stopped.push_back(aborted.address); }},
                    Searcher::Hears::answers);
  searcher.ask();
  const auto is_proven = [&] {
    return std::ranges::any_of(searcher.report().servers, &FoundServer::is_proven);
  };
  REQUIRE(loop.run_until(is_proven, kTestLimit));
  searcher.send_abort();
  REQUIRE(loop.run_until([&] { return !stopped.empty(); }, kTestLimit));
  CHECK(stopped == std::vector<std::string>{"127.0.0.1"});
}

TEST_CASE("silence is said once, and other projects' servers are mentioned") {
  Search search;
  auto other = announcement({"127.0.0.9", 9}, 9);
  other.project = "Other";
  FakeAnnouncer announcer(search.loop, {other});
  const auto finder = search.start(announcer.port(), 1ms);
  const std::string silence = "no server of project \"Moria's Race\" answers";
  const std::string others = silence + " (servers of other projects do)";
  const auto is_mentioned = [&] { return !search.said.empty() && search.said.back().text == others; };
  REQUIRE(search.loop.run_until(is_mentioned, kTestLimit));
  CHECK(search.found.empty());
  // Before the other's answer it may have been silence alone.
  CHECK(search.said.size() <= 2);
  CHECK(search.said[0].outcome == Outcome::not_found);
  CHECK(search.said[0].text.starts_with(silence));
}

}  // namespace
}  // namespace callboard::client::finder_test
