// What strangers, and people with a grudge, do to an open server while ten people work on it.
//   CALLBOARD_ABUSE_MS=5000      how long each kind of abuse goes on (default: 400)
//   CALLBOARD_ABUSE_ONLY=giant   only those whose names contain it
//   CALLBOARD_ABUSE_STRICT=1     also fails when the p99 of honest round trips is 50 ms or more; on a machine that is idle
#include <fmt/format.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "tests/e2e/abuse.h"
#include "tests/e2e/company.h"
#include "tests/e2e/stranger.h"
#include "tests/e2e/studio.h"

namespace callboard::e2e::abuse_test {
namespace {

using namespace std::chrono_literals;

// 500 of them: two addresses with as many as one may have waiting.
std::vector<std::unique_ptr<Stranger>> many(const std::string& server, int count, int receive_bytes = 0) {
  std::vector<std::unique_ptr<Stranger>> strangers;
  for (int i = 0; i < count; ++i)
    strangers.push_back(std::make_unique<Stranger>(server, 2 + i % 2, receive_bytes));
  return strangers;
}

bool has_been_let_in(Stranger& stranger) {
  const Bytes said = stranger.take();
  return as_text(said).find("welcome") != std::string_view::npos;
}

// --- Strangers --------------------------------------------------------------------------------------------------------

void say_nothing(const Abuse& abuse) {
  const auto strangers = many(abuse.server, 500);
  abuse.go_on();
  for (const auto& each : strangers) CHECK_FALSE(has_been_let_in(*each));
}

// One byte at a time of a greeting that never ends: a second of theirs is 20 ms here.
void say_a_byte_a_second(const Abuse& abuse) {
  const auto strangers = many(abuse.server, 200);
  const std::string name = std::string("\0\0\x0f\xff\1", 5) + R"({"verb":"username","name":")";
  std::size_t at = 0;
  while (abuse.goes_on()) {
    for (const auto& each : strangers) each->send(at < name.size() ? name.substr(at, 1) : "x");
    ++at;
    abuse.wait(20ms);
  }
  for (const auto& each : strangers) CHECK_FALSE(has_been_let_in(*each));
}

void come_and_go(const Abuse& abuse) {
  while (abuse.goes_on()) {
    for (int i = 0; i < 50; ++i) Stranger(abuse.server, 2);
    ++abuse.count;
  }
  abuse.count *= 50;
}

void say_garbage(const Abuse& abuse) {
  std::mt19937 random(1);
  while (abuse.goes_on()) {
    Stranger stranger(abuse.server, 2);
    Bytes garbage(1 + random() % 4096);
    for (std::byte& each : garbage) each = static_cast<std::byte>(random());
    // Half of it begins like a frame.
    if (random() % 2 == 0)
      garbage.insert(garbage.begin(), {std::byte{0}, std::byte{0}, std::byte{9}, std::byte{9}, std::byte{1}});
    stranger.send(garbage);
    CHECK_FALSE(has_been_let_in(stranger));
    ++abuse.count;
  }
}

// The length says 4 GiB, or as much as may be, and what follows comes as fast as it is taken.
void send_giant_frames(const Abuse& abuse) {
  const Bytes filler(256 * KiB, std::byte{'x'});
  std::vector<std::unique_ptr<Stranger>> senders;
  for (int i = 0; i < 16; ++i) {
    senders.push_back(std::make_unique<Stranger>(abuse.server, 2));
    const bool is_in = i % 2 == 0;
    if (is_in) senders.back()->visit("giant", abuse.project);
    senders.back()->send(is_in ? std::string("\1\0\0\0\1", 5) : std::string("\xff\xff\xff\xff\1", 5));
  }
  while (abuse.goes_on()) {
    for (const auto& each : senders) each->send(filler);
    ++abuse.count;
    abuse.wait(1ms);
  }
}

// --- People who are let in --------------------------------------------------------------------------------------------

void join_and_never_read(const Abuse& abuse) {
  constexpr int kDeaf = 40;
  std::vector<std::unique_ptr<Stranger>> deaf;
  for (int i = 0; i < kDeaf; ++i) {
    deaf.push_back(std::make_unique<Stranger>(abuse.server, 2, 4096));
    deaf.back()->visit("deaf", abuse.project);
  }
  std::uint32_t id = 0;
  while (abuse.goes_on()) {
    for (const auto& each : deaf) {
      each->say(protocol::TurnRequest{});
      for (int i = 0; i < 20; ++i) each->say(protocol::MessagesAsk{++id, 0});
      each->say(protocol::Yours{});
      ++abuse.count;
    }
    abuse.wait(5ms);
  }
}

// As fast as the answers are taken: long lists, and what costs little each.
void ask_for_everything(const Abuse& abuse) {
  const auto come = [&abuse] {
    auto asker = std::make_unique<Stranger>(abuse.server, 2);
    asker->visit("asker", abuse.project);
    REQUIRE(asker->wait_for<protocol::Yours>());
    return asker;
  };
  std::vector<std::unique_ptr<Stranger>> askers;
  for (int i = 0; i < 8; ++i) askers.push_back(come());
  protocol::CallAsk call;
  call.name = "server.info";
  std::uint32_t id = 0;
  while (abuse.goes_on()) {
    for (const auto& each : askers) {
      for (int i = 0; i < 10; ++i) {
        each->say(protocol::UsersAsk{++id});
        each->say(protocol::AssetsRead{++id});
        each->say(protocol::StatusAsk{++id});
        call.id = ++id;
        each->say(call);
      }
      each->say(protocol::Yours{});
      each->say(protocol::TurnRequest{});
      ++abuse.count;
    }
    for (auto& each : askers) {
      if (each->wait_for<protocol::Yours>()) continue;
      // Sent off for what it does, which is right; a server that says nothing is not.
      REQUIRE(each->is_ended());
      each = come();
    }
  }
  abuse.count *= 40;
}

// All places for transfers that somebody has, by one person with several sessions, who connects to none.
void take_places_and_never_connect(const Abuse& abuse) {
  std::vector<std::unique_ptr<Stranger>> takers;
  std::uint32_t id = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 4; ++i) {
    takers.push_back(std::make_unique<Stranger>(abuse.server, 2));
    Stranger& taker = *takers.back();
    taker.visit("taker", abuse.project);
    REQUIRE(taker.wait_for<protocol::Yours>());
    for (int ask = 0; ask < 21; ++ask)
      taker.say(protocol::GetAsk{++id, Company::name_of(0), false, "/dev/chr/Moria", false});
    taker.say(protocol::Yours{});
    abuse.count += 21;
    if (i == 3) refused = taker.wait_for<protocol::ErrorAnswer>() ? 1 : 0;
  }
  CHECK(refused == 1);
  abuse.go_on();
}

// A real ticket, shown a thousand times, and made-up ones.
void show_tickets_again(const Abuse& abuse) {
  Stranger taker(abuse.server, 2);
  taker.visit("taker", abuse.project);
  REQUIRE(taker.wait_for<protocol::Welcome>());
  REQUIRE(taker.wait_for<protocol::Yours>());
  taker.say(protocol::GetAsk{1, Company::name_of(0), false, "/dev/chr/Moria", false});
  taker.say(protocol::Yours{});
  const auto granted = taker.wait_for<protocol::TransferGranted>();
  REQUIRE(granted);
  Stranger first(abuse.server, 2);
  first.say(protocol::Ticket{granted->ticket});
  while (abuse.goes_on()) {
    Stranger again(abuse.server, 3);
    const bool is_real = abuse.count % 2 == 0;
    again.say(protocol::Ticket{is_real ? granted->ticket : UniqueId{7, abuse.count + 1}});
    const auto bye = again.wait_for<protocol::Bye>();
    REQUIRE(bye);
    CHECK(bye->outcome == Outcome::refused);
    CHECK(again.wait_for_end());
    ++abuse.count;
  }
}

// Numbers at the ends of what they are written in, beyond them, and in the place of something else.
void lie_about_every_number(const Abuse& abuse) {
  constexpr const char* kNumbers[] = {"-1",
                                      "0",
                                      "4294967295",
                                      "4294967296",
                                      "9223372036854775807",
                                      "18446744073709551615",
                                      "18446744073709551616",
                                      "1e308",
                                      "1.5",
                                      "\"1\"",
                                      "null",
                                      "[]"};
  constexpr const char* kAsks[] = {
      R"({"verb":"story","id":@})",
      R"({"verb":"story","id":1,"revision":@})",
      R"({"verb":"story","id":1,"revision":@,"from":@})",
      R"({"verb":"history","id":1,"document":"story","before":@,"since":@})",
      R"({"verb":"conflicts","id":1,"since":@})",
      R"({"verb":"messages","id":1,"since":@})",
      R"({"verb":"camera","id":1,"x":@,"y":@})",
      R"({"verb":"cancel","id":1,"transfer":@})",
      R"({"verb":"working","id":1,"transfers":[@,@]})",
      R"({"verb":"assets","id":1,"items":{"/dev/chr/Moria":@}})",
      R"({"verb":"story","id":1,"timestamp":@,"op":"5d41402abc4b2a76b9719d911017c592","restore":@})",
      R"({"verb":"story","id":1,"timestamp":1,"op":"5d41402abc4b2a76b9719d911017c593","settles":@,"take":true})",
      R"({"verb":"turn?","clock":@})",
      R"({"verb":"username","name":"liar","clock":@,"heard":@})",
  };
  std::size_t number = 0;
  while (abuse.goes_on() || abuse.count < std::size(kNumbers) * std::size(kAsks)) {
    std::string ask = kAsks[number / std::size(kNumbers) % std::size(kAsks)];
    const std::string lie = kNumbers[number % std::size(kNumbers)];
    for (auto at = ask.find('@'); at != std::string::npos; at = ask.find('@')) ask.replace(at, 1, lie);
    ++number;
    Stranger liar(abuse.server, 2);
    if (ask.find("username") == std::string::npos) {
      liar.visit("liar", abuse.project);
      REQUIRE(liar.wait_for<protocol::Yours>());
    }
    liar.say_json(ask);
    liar.say(protocol::Yours{});
    liar.say(protocol::Bye{});
    // An answer, a refusal or a goodbye; never silence.
    CHECK(liar.wait_for_end());
    ++abuse.count;
  }
}

void flood_with_datagrams(const Abuse& abuse) {
  const Datagrams datagrams(abuse.discovery_port);
  const std::string lines[] = {
      "VCStudio MULTIUSER WHERE",
      "VCStudio MULTIUSER WHERE | project=Another Film",
      "VCStudio ABORT MULTIUSER | project=Another Film",
      "VCStudio MULTIUSER SERVER | 127.0.0.1 | " + abuse.project + " | port=1 | id=x",
      std::string(1400, '|'),
      std::string(60'000, 'x'),
      std::string("VCStudio ABORT MULTIUSER\0", 25) + "x",
      "",
  };
  while (abuse.goes_on()) {
    for (int i = 0; i < 20; ++i) {
      for (const std::string& line : lines) datagrams.send(line);
    }
    abuse.count += 20 * std::size(lines);
  }
}

// --- Everything, one after the other ----------------------------------------------------------------------------------

TEST_CASE("ten people work on an open server and notice nothing of whatever strangers do to it") {
  Studio studio;
  const std::string log = (studio.home() / "log").string();
  studio.serve({"--log-file", log});
  Company company(studio);
  AbuseReport report(studio, company, log);
  report.run("nobody", [](const Abuse& abuse) { abuse.go_on(); });
  report.run("silent connections", say_nothing);
  report.run("a byte a second", say_a_byte_a_second);
  report.run("connects", come_and_go);
  report.run("garbage", say_garbage);
  report.run("giant frames", send_giant_frames);
  report.run("joins that never read", join_and_never_read);
  report.run("replayed tickets", show_tickets_again);
  report.run("asks for everything", ask_for_everything);
  report.run("places that nobody uses", take_places_and_never_connect);
  report.run("datagrams", flood_with_datagrams);
  report.run("lies about numbers", lie_about_every_number);
  report.check_end();
}

TEST_CASE(
    "who has no more descriptors refuses newcomers, keeps those who are in, and takes others when there are "
    "some") {
  Studio studio;
  studio.serve();
  Company company(studio);
  company.take();
  const rlimit few{120, 120};
  REQUIRE(::prlimit(studio.server().id(), RLIMIT_NOFILE, &few, nullptr) == 0);
  {
    std::vector<std::unique_ptr<Stranger>> strangers = many(studio.server_address(), 200);
    std::size_t turned_away = 0;
    // The last ones: where the first come is up to how many files the server has open by itself.
    for (std::size_t i = 120; i < strangers.size(); ++i)
      turned_away += strangers[i]->wait_for_end() ? 1U : 0U;
    CHECK(turned_away == 80);
    // Who is in goes on; a pull is a newcomer's connection.
    const auto meanwhile = company.take(10);
    for (const std::string& failure : meanwhile.failures) CHECK_THAT(failure, Catch::Contains(": pull: "));
  }
  company.take(10);
  Stranger late(studio.server_address(), 2);
  late.visit("late", studio.project());
  CHECK(late.wait_for<protocol::Welcome>());
  company.take();
  CHECK(company.take(10).failures.empty());
}

// A sanitizer sets aside address space of its own, terabytes of it.
#if !defined(CALLBOARD_ASAN) && !defined(__SANITIZE_THREAD__)
TEST_CASE("whose frame there is no memory for is sent off, and nobody else is") {
  Studio studio;
  studio.serve();
  Company company(studio);
  company.take();
  // Room for two frames of the largest size, and for what those who work need.
  const rlimit little{address_space_of(studio.server().id()) + 40 * MiB, RLIM_INFINITY};
  REQUIRE(::prlimit(studio.server().id(), RLIMIT_AS, &little, nullptr) == 0);
  {
    std::vector<std::unique_ptr<Stranger>> senders;
    for (int i = 0; i < 8; ++i) {
      senders.push_back(std::make_unique<Stranger>(studio.server_address(), 2));
      senders.back()->visit("giant", studio.project());
      REQUIRE(senders.back()->wait_for<protocol::Yours>());
      senders.back()->send(std::string("\1\0\0\0\1", 5));
    }
    for (std::size_t i = 2; i < senders.size(); ++i) {
      const auto bye = senders[i]->wait_for<protocol::Bye>();
      REQUIRE(bye);
      CHECK(bye->outcome == Outcome::failed);
      CHECK(bye->reason == "frame of 16.0 MiB: there is not enough memory for it");
    }
    CHECK(company.take(10).failures.empty());
  }
  Stranger late(studio.server_address(), 2);
  late.visit("late", studio.project());
  CHECK(late.wait_for<protocol::Welcome>());
  CHECK(company.take(10).failures.empty());
}

// Of a server that is at work, so much from now on.
void limit_memory(Studio& studio, std::uint64_t more_bytes) {
  const rlimit limit{address_space_of(studio.server().id()) + more_bytes, RLIM_INFINITY};
  REQUIRE(::prlimit(studio.server().id(), RLIMIT_AS, &limit, nullptr) == 0);
}

// Says long things, which the server keeps, each time as somebody who has just come; false once nobody is let in.
bool say_something_long(const Studio& studio) {
  Stranger talker(studio.server_address(), 2);
  talker.visit("talker", studio.project());
  for (protocol::AskId id = 1; id <= 8; ++id) {
    protocol::MessageAsk message;
    message.id = id;
    message.op = make_operation_id(system_clock().wall(), system_random());
    message.text = std::string(kMessageMaxBytes, 'x');
    talker.say(message);
  }
  talker.say(protocol::Yours{});
  return talker.wait_for<protocol::Ok>().has_value();
}

bool says_until_nobody_is_let_in(const Studio& studio) {
  constexpr int kTalkersMax = 4'000;
  for (int i = 0; i < kTalkersMax; ++i) {
    if (!say_something_long(studio)) return true;
  }
  return false;
}

TEST_CASE(
    "who has no more memory refuses newcomers, keeps those who are in, and takes others when there is some") {
  Studio studio;
  studio.serve({"--messages-per-second", "1000000"});
  Company company(studio);
  Stranger listener(studio.server_address(), 3);
  listener.visit("listener", studio.project());
  listener.say(protocol::Yours{});
  company.take();
  limit_memory(studio, 20 * MiB);
  // Takes most of that, and ends for it.
  Stranger giant(studio.server_address(), 4);
  giant.visit("giant", studio.project());
  REQUIRE(giant.wait_for<protocol::Yours>());
  giant.send(std::string("\1\0\0\0\1", 5));
  REQUIRE(says_until_nobody_is_let_in(studio));
  Stranger newcomer(studio.server_address(), 2);
  const auto refusal = newcomer.wait_for<protocol::Bye>();
  REQUIRE(refusal);
  CHECK(refusal->outcome == Outcome::failed);
  CHECK(refusal->reason == "the server lets nobody in now: it has no memory left");
  const auto farewell = giant.wait_for<protocol::Bye>();
  REQUIRE(farewell);
  CHECK(farewell->reason == "the server has no memory left, and your session takes most of it: 16.1 MiB");
  const auto shut = listener.wait_for<protocol::Admitting>();
  REQUIRE(shut);
  CHECK((!shut->admitting && shut->text == "it has no memory left"));
  // A pull is a newcomer's connection.
  const auto meanwhile = company.take(10);
  for (const std::string& failure : meanwhile.failures) CHECK_THAT(failure, Catch::Contains(": pull: "));
  limit_memory(studio, GiB);
  const auto open = listener.wait_for<protocol::Admitting>();
  REQUIRE(open);
  CHECK(open->admitting);
  Stranger late(studio.server_address(), 2);
  late.visit("late", studio.project());
  CHECK(late.wait_for<protocol::Welcome>());
  company.take();
  CHECK(company.take(10).failures.empty());
}
#endif

TEST_CASE("one address has so many connections and no more, whatever the operator says that is") {
  Studio studio;
  studio.serve({"--connections-per-address", "12"});
  std::vector<std::unique_ptr<Stranger>> strangers;
  for (int i = 0; i < 12; ++i) {
    strangers.push_back(std::make_unique<Stranger>(studio.server_address(), 2));
    strangers.back()->visit("one", studio.project());
    REQUIRE(strangers.back()->wait_for<protocol::Welcome>());
  }
  Stranger another(studio.server_address(), 2);
  const auto bye = another.wait_for<protocol::Bye>();
  REQUIRE(bye);
  CHECK(bye->outcome == Outcome::failed);
  CHECK(bye->reason ==
        "the server lets nobody in now: 127.0.0.2 has 12 connections, the limit for one address");
  Stranger elsewhere(studio.server_address(), 3);
  elsewhere.visit("two", studio.project());
  CHECK(elsewhere.wait_for<protocol::Welcome>());
}

}  // namespace
}  // namespace callboard::e2e::abuse_test
