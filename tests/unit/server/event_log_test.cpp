// The one stream of what happens in a server, and what is never in it.
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "base/access_key.h"
#include "base/document/parse.h"
#include "server/event_log.h"

namespace callboard::event_log_test {
using namespace callboard::server;
using Catch::Contains;

namespace {

struct Written {
  std::ostringstream text;
  std::shared_ptr<spdlog::logger> logger =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  EventLog log{logger};

  Written() {
    logger->set_pattern("[%l] %v");
    logger->set_level(spdlog::level::info);
  }
};

}  // namespace

TEST_CASE("an event is a line of fixed words, then keys and values, quoted where they are no plain words") {
  Written here;
  here.log.info("listening",
                {{"address", "127.0.0.1:64646"}, {"count", std::size_t{3}}, {"left", -1}, {"open", true}});
  here.log.note({.kind = Event::Kind::connection,
                 .user = "Moria's \"rig\"",
                 .text = "session opened",
                 .fields = {{"reason", "line\nbreak"}, {"none", ""}}});
  CHECK(here.text.str() ==
        "[info] listening address=127.0.0.1:64646 count=3 left=-1 open=true\n"
        "[info] session opened user=\"Moria's \\\"rig\\\"\" reason=\"line\\nbreak\" none=\"\"\n");
}

TEST_CASE("an event as JSON has its values as they are") {
  Written here;
  here.log.warn("snapshot failed", {{"cause", "no \"room\""}, {"count", std::uint64_t{7}}, {"again", false}});
  const auto kept = here.log.after(0, Event::Level::debug, 10);
  REQUIRE(kept.size() == 1);
  const auto json = document::parse(json_of(*kept[0]));
  REQUIRE(json);
  CHECK(*(*json)->member("level")->string() == "warn");
  CHECK(*(*json)->member("kind")->string() == "warning");
  CHECK(*(*json)->member("text")->string() == "snapshot failed");
  CHECK((*json)->member("user") == nullptr);
  CHECK(document::print(*(*json)->member("fields")) == R"({"cause":"no \"room\"","count":7,"again":false})");
}

TEST_CASE("who comes later is told the newest, from where they were, at the level they want") {
  Written here;
  here.log.debug("one");
  here.log.info("two");
  here.log.error("three");
  const auto texts = [&](std::uint64_t since, Event::Level level, std::size_t count = 10) {
    std::string all;
    for (const auto& each : here.log.after(since, level, count)) all += each->text + " ";
    return all;
  };
  CHECK(texts(0, Event::Level::debug) == "one two three ");
  CHECK(texts(0, Event::Level::info) == "two three ");
  CHECK(texts(2, Event::Level::debug) == "three ");
  CHECK(texts(3, Event::Level::debug).empty());
  CHECK(texts(900, Event::Level::debug).empty());
  CHECK(texts(0, Event::Level::debug, 2) == "one two ");
  for (int i = 0; i < 5000; ++i) here.log.debug("more");
  // What anybody can bring about costs nobody what matters.
  CHECK(texts(0, Event::Level::info) == "two three ");
  const auto all = here.log.after(0, Event::Level::debug, SIZE_MAX);
  REQUIRE(all.size() == 2002);
  CHECK((all[1]->number == 3 && all[2]->number == 3004));
  CHECK(here.log.last() == 5003);
  for (int i = 0; i < 5000; ++i) here.log.info("much");
  CHECK(here.log.after(0, Event::Level::info, SIZE_MAX).size() == 2000);
}

TEST_CASE("listeners hear each event once, in order, until they go, also when one goes meanwhile") {
  Written here;
  std::vector<std::uint64_t> first;
  std::vector<std::uint64_t> second;
  EventLog::Subscription listening;
  auto other = here.log.subscribe([&](const std::shared_ptr<const Event>& event) {
    first.push_back(event->number);
    if (first.size() == 2) listening.reset();
  });
  listening =
      here.log.subscribe([&](const std::shared_ptr<const Event>& event) { second.push_back(event->number); });
  here.log.info("one");
  here.log.debug("two");
  here.log.info("three");
  CHECK(first == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(second == std::vector<std::uint64_t>{1});
  other.reset();
  here.log.info("four");
  CHECK(first.size() == 3);
}

TEST_CASE(
    "what users say is told to those who watch the terminals, and is in the log at its most talkative "
    "alone") {
  Written here;
  here.log.tell("rigging", "hello");
  CHECK(here.text.str().empty());
  const auto kept = here.log.after(0, Event::Level::debug, 10);
  REQUIRE(kept.size() == 1);
  CHECK((kept[0]->told == "hello" && kept[0]->user == "rigging"));
}

TEST_CASE("no secret comes out of the stream, in whatever part of an event it was planted") {
  Written here;
  here.logger->set_level(spdlog::level::trace);
  const AccessKey key = make_access_key(system_random());
  const std::string line = to_line(key);
  const std::string secret = line.substr(line.rfind('_') + 1);
  std::string told;
  const auto listening = here.log.subscribe([&](const std::shared_ptr<const Event>& event) {
    told += event->told + event->user + json_of(*event) + line_of(*event);
  });
  here.log.info("the key is " + line);
  here.log.error("keys not read", {{"cause", "got \"" + line.substr(0, 50) + "\""}, {"line", secret}});
  here.log.tell("cb1_" + key.identity + "_" + secret, "my key is " + line);
  here.log.note({.user = secret, .text = secret, .fields = {{"a", line}}, .told = secret});
  const std::string all = here.text.str() + told;
  CHECK_THAT(all, Contains("***") && Contains(key.identity));
  for (std::size_t at = 0; at + 16 <= secret.size(); at += 8)
    CHECK(all.find(secret.substr(at, 16)) == std::string::npos);
}

TEST_CASE("a text that is long, or no text, becomes one that can be told") {
  Written here;
  here.log.info("x", {{"long", std::string(100'000, 'a') + "z"}, {"bytes", std::string("\xff\x00 ok", 5)}});
  const auto kept = here.log.after(0, Event::Level::debug, 1);
  CHECK(json_of(*kept[0]).size() < 5000);
  CHECK(document::parse(json_of(*kept[0])));
}

}  // namespace callboard::event_log_test
