#include "client/searcher.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/unit/client/fake_server.h"

namespace callboard::client::searcher_test {
namespace {

// Somebody whom nobody asked says something to everybody, at the port where searches are asked, too.
struct Hearing {
  net::Loop loop;
  AccessKey key = make_access_key(system_random());
  int asked = 0;
  std::optional<protocol::Announcement> says;  // To whoever asks, signed.
  std::unique_ptr<net::UdpSocket> server;
  std::vector<bool> told;  // Of each server that was told: whether it is proven.
  std::unique_ptr<Searcher> searcher;

  Hearing() {
    const auto hear = [this](ByteView bytes, const net::Endpoint& from) {
      const auto datagram = protocol::parse_datagram(bytes);
      if (!datagram || !std::holds_alternative<protocol::Search>(*datagram)) return;
      ++asked;
      const auto& challenge = std::get<protocol::Search>(*datagram).challenge;
      if (!says || !challenge) return;
      says->signature = {system_clock().wall(), challenge->by, challenge->nonce};
      (void)server->send(from, as_bytes(format_signed(*says, key.secret)));
    };
    server = *net::UdpSocket::open(loop, {.at = {"127.0.0.1", 0}, .shares_port = true},
                                   {.on_datagram = hear, .on_trouble = {}});
    SearchOptions options;
    options.key = key;
    options.project = "Moria's Race";
    options.ask_addresses = {"127.0.0.1"};
    options.discovery_port = server->local().port;
    searcher = std::make_unique<Searcher>(
        loop, options,
        Searcher::Handlers{.on_server = [this](const FoundServer& each) { told.push_back(each.is_proven); },
                           .on_aborted = {}});
  }
  void say(const std::string& line) {
    REQUIRE(server->send({"127.255.255.255", server->local().port}, as_bytes(line)));
  }
  // And hears the answer.
  void ask() {
    searcher->ask();
    const auto has_answered = [this] {
      return std::ranges::any_of(searcher->report().servers, &FoundServer::has_answered);
    };
    REQUIRE(loop.run_until(has_answered, kTestLimit));
  }
  // Everything said before has been heard then: it is of a server that nobody need ask.
  void hear_all() {
    const std::size_t before = searcher->report().ignored_datagrams;
    say("that was all");
    REQUIRE(loop.run_until([&] { return searcher->report().ignored_datagrams > before; }, kTestLimit));
  }
  // And a question that was sent then has arrived: it has come before this one.
  void hear_questions() {
    const int before = asked;
    (void)server->send(server->local(), as_bytes(protocol::format(protocol::Search{})));
    REQUIRE(loop.run_until([&] { return asked > before; }, kTestLimit));
    --asked;
  }
};

protocol::Announcement keyed(std::uint64_t id = 1) {
  auto says = announcement({"127.0.0.1", 4100}, id);
  says.access = "key";
  says.marks = {system_clock().wall()};
  return says;
}

std::string marked(const protocol::Announcement& says, const AccessKey& key) {
  return format_marked(
      says, std::vector<protocol::DatagramKey>{make_access_key(system_random()).secret, key.secret});
}

TEST_CASE("what a server announces to everybody proves it to each whose mark is there, and nobody is asked") {
  Hearing here;
  here.say(marked(keyed(), here.key));
  here.hear_all();
  here.hear_questions();
  CHECK(here.told == std::vector{true});
  CHECK(here.asked == 0);
  REQUIRE(here.searcher->report().servers.size() == 1);
  const FoundServer& server = here.searcher->report().servers[0];
  CHECK((server.is_proven && server.address == "127.0.0.1" && server.port == 4100));
  CHECK((server.clock_ahead < 20s && server.clock_ahead > -20s));
}

TEST_CASE("what does not prove its server has it asked, and the server is not taken for proven") {
  Hearing here;
  const std::string good = marked(keyed(), here.key);
  const std::string what =
      GENERATE("another address", "another port", "marks of others", "an hour ago", "in an hour", "no marks");
  INFO(what);
  std::string line = good;
  const auto replace = [&](const std::string& old, const std::string& by) {
    line.replace(line.find(old), old.size(), by);
  };
  auto says = keyed();
  if (what == "another address") replace("| 127.0.0.1 |", "| 127.0.0.2 |");
  if (what == "another port") replace("port=4100", "port=4200");
  if (what == "marks of others") line = marked(says, make_access_key(system_random()));
  if (what == "an hour ago") says.marks->at.ms -= 3'600'000;
  if (what == "in an hour") says.marks->at.ms += 3'600'000;
  if (what.find("hour") != std::string::npos) line = marked(says, here.key);
  if (what == "no marks") line.resize(line.rfind(" | at="));
  here.say(line);
  here.hear_all();
  CHECK(here.told == std::vector{false});
  REQUIRE(here.loop.run_until([&] { return here.asked == 1; }, kTestLimit));
  // The true one proves itself all the same, and whoever posed as it gives way.
  here.say(good);
  here.hear_all();
  CHECK(here.told == std::vector{false, true});
  REQUIRE(here.searcher->report().servers.size() == 1);
  CHECK(here.searcher->report().servers[0].port == 4100);
}

TEST_CASE("what was said long ago and is said again does not put the server's clock back") {
  Hearing here;
  auto early = keyed();
  early.marks->at.ms -= 20'000;
  for (const auto& each : {marked(early, here.key), marked(keyed(), here.key), marked(early, here.key)})
    here.say(each);
  here.hear_all();
  REQUIRE(here.searcher->report().servers.size() == 1);
  CHECK(here.searcher->report().servers[0].clock_ahead > -15s);
}

TEST_CASE(
    "an answer to our own question tells where a server is, whatever others say again of what it announced") {
  Hearing here;
  auto elsewhere = keyed();
  elsewhere.address = "127.0.0.9";
  here.says = keyed();
  here.says->marks.reset();
  here.say(marked(elsewhere, here.key));
  here.hear_all();
  REQUIRE(here.searcher->report().servers.size() == 1);
  CHECK(here.searcher->report().servers[0].address == "127.0.0.9");
  here.ask();
  here.say(marked(elsewhere, here.key));
  here.hear_all();
  REQUIRE(here.searcher->report().servers.size() == 1);
  CHECK(here.searcher->report().servers[0].address == "127.0.0.1");
  CHECK(here.told == std::vector{true, true});
}

TEST_CASE("who announces a known server from another place is asked where it is") {
  Hearing here;
  auto elsewhere = keyed();
  elsewhere.address = "127.0.0.9";
  here.say(marked(elsewhere, here.key));
  here.hear_all();
  here.hear_questions();
  CHECK(here.asked == 0);
  here.says = keyed();
  here.says->marks.reset();
  here.say(marked(keyed(), here.key));
  const auto is_here = [&] { return here.searcher->report().servers.at(0).address == "127.0.0.1"; };
  REQUIRE(here.loop.run_until(is_here, kTestLimit));
  CHECK(here.asked == 1);
}

TEST_CASE("what the run before announced and is said again does not take the place of this one") {
  Hearing here;
  auto before = keyed(1);
  before.marks->at.ms -= 20'000;
  const bool is_answered = GENERATE(false, true);
  INFO(is_answered);
  here.say(marked(before, here.key));
  here.hear_all();
  here.says = keyed(2);
  if (is_answered) {
    here.says->marks.reset();
    here.ask();
    before.marks = {system_clock().wall()};
  } else {
    here.say(marked(*here.says, here.key));
  }
  here.say(marked(before, here.key));
  here.hear_all();
  REQUIRE(here.searcher->report().servers.size() == 1);
  CHECK(here.searcher->report().servers[0].id == UniqueId{2, 2});
}

TEST_CASE("without a key marks mean nothing") {
  net::Loop loop;
  FakeAnnouncer announcer(loop, {keyed()});
  SearchOptions options;
  options.ask_addresses = {"127.255.255.255"};
  options.discovery_port = announcer.port();
  std::vector<bool> told;
  Searcher searcher(
      loop, options,
      {.on_server = [&](const FoundServer& each) { told.push_back(each.is_proven); }, .on_aborted = {}});
  searcher.ask();
  REQUIRE(loop.run_until([&] { return !told.empty(); }, kTestLimit));
  CHECK(told == std::vector{false});
}

TEST_CASE("a server that says something else of its access is known by what it said last") {
  Hearing here;
  auto says = keyed();
  says.marks.reset();
  says.access = "open";
  here.say(format(says));
  says.access = "key";
  here.say(format(says));
  here.hear_all();
  CHECK(here.told.size() == 1);
  REQUIRE(here.searcher->report().servers.size() == 1);
  CHECK(here.searcher->report().servers[0].access == "key");
}

TEST_CASE("what an address that was given answers is counted as received there, and nowhere else") {
  net::Loop loop;
  FakeAnnouncer announcer(loop, {announcement({"127.0.0.1", 4100})});
  SearchOptions options;
  options.ask_addresses = {"127.0.0.1", "127.255.255.255", "127.0.0.9", "nonsense"};
  options.discovery_port = announcer.port();
  int told = 0;
  Searcher searcher(loop, options, {.on_server = [&](const FoundServer&) { ++told; }, .on_aborted = {}},
                    Searcher::Hears::answers);
  searcher.ask();
  REQUIRE(loop.run_until([&] { return told > 0; }, kTestLimit));
  const auto& asked = searcher.report().interfaces;
  REQUIRE(asked.size() == 4);
  CHECK((asked[0].received > 0 && asked[1].received > 0));
  CHECK((asked[2].received == 0 && asked[3].received == 0));
}

// A search that ends long before its limit, or the test fails.
SearchReport search_soon(net::Loop& loop, const FakeAnnouncer& announcer, SearchOptions options,
                         const std::function<void(const FoundServer&)>& on_server) {
  options.ask_addresses = {"127.255.255.255"};
  options.discovery_port = announcer.port();
  options.wait = 2 * kTestLimit;
  options.settle = 1ms;
  std::atomic<bool> is_over{false};
  SearchReport report;
  std::thread searching([&] {
    report = client::search(options, on_server);
    is_over = true;
    loop.post([] {});
  });
  CHECK(loop.run_until([&] { return is_over.load(); }, kTestLimit));
  searching.join();
  return report;
}

TEST_CASE("a search tells of each server and ends soon after the first, long before its limit") {
  net::Loop loop;
  FakeAnnouncer announcer(loop, {announcement({"127.0.0.1", 4100}, 1), announcement({"127.0.0.1", 4200}, 2)});
  std::vector<std::uint16_t> told;
  const auto report =
      search_soon(loop, announcer, {}, [&](const FoundServer& server) { told.push_back(server.port); });
  REQUIRE_FALSE(told.empty());
  CHECK(told[0] == 4100);
  CHECK(report.servers.size() == told.size());
}

TEST_CASE("with a key a search waits for the server that has it, and not for others that never prove it") {
  net::Loop loop;
  auto stranger = announcement({"127.0.0.1", 4100}, 1);
  auto ours = announcement({"127.0.0.1", 4200}, 2);
  stranger.access = ours.access = "key";
  FakeAnnouncer announcer(loop, {stranger, ours});
  SearchOptions options;
  announcer.key = options.key = make_access_key(system_random());
  const auto report = search_soon(loop, announcer, options, {});
  REQUIRE(report.servers.size() == 2);
  CHECK((report.servers[0].port == 4100 && !report.servers[0].is_proven));
  CHECK((report.servers[1].port == 4200 && report.servers[1].is_proven));
}

}  // namespace
}  // namespace callboard::client::searcher_test
