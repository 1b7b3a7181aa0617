#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "base/document/parse.h"
#include "protocol/frame.h"
#include "server/board/zones.h"
#include "server/zone_teller.h"

namespace callboard::server::zones_test {
namespace {

RecordStatePtr record(const std::string& path, std::uint64_t revision = 1, std::uint64_t owner = 0,
                      const std::string& user = "") {
  RecordState state;
  state.path = path;
  state.record_class = "review";
  state.owner = {SessionId{owner}, user};
  state.revision = revision;
  state.fields = *document::parse("{}");
  return finished(std::move(state));
}

constexpr auto kZone = document::Told::zone;
constexpr SessionId kRigging{1};
constexpr SessionId kLighting{2};

struct Room {
  explicit Room(ZoneLimits limits = {}) : zones(limits) {}

  Zones zones;
  ZoneTeller teller{zones};
  Mailbox mailbox;

  Result<void> enter(const std::string& zone, SessionId who = kRigging) {
    return zones.enter(who, *zone_name(zone), {}, mailbox.zones);
  }
  // The next tells, as "zone full? more?: paths"; of one that is gone with "-" before it.
  std::vector<std::string> tells(SessionId who = kRigging) { return tells(mailbox, who); }
  std::vector<std::string> tells(Mailbox& of, SessionId who) { return tells(of, RecordOwner{who, ""}); }
  std::vector<std::string> tells(Mailbox& of, const RecordOwner& who) {
    std::vector<protocol::EncodedFrame> frames;
    teller.take_due(who, of, frames);
    std::vector<std::string> words;
    for (const auto& frame : frames) words.push_back(word_of(frame));
    return words;
  }
  static std::string word_of(const protocol::EncodedFrame& frame) {
    protocol::FrameReader reader(kFrameMax);
    reader.push(protocol::bytes_of(frame));
    const auto read = reader.next();
    const auto message = protocol::decode_server((*read)->kind, (*read)->body);
    const auto& records = std::get<protocol::Records>(*message);
    std::string word = records.zone + (records.full ? " full" : "") + (records.more ? " more" : "") + ":";
    const auto list = *document::parse(*records.records);
    for (const auto& each : *list->array())
      word += (each->member("gone") != nullptr ? " -" : " ") + *each->member("path")->string();
    return word;
  }
};

using Words = std::vector<std::string>;

bool everything(const RecordState&) { return true; }

}  // namespace

TEST_CASE("paths and zones are what the protocol says") {
  for (const char* good : {"/a", "/a/b c/ü", "/..a"}) CHECK(record_path(good));
  for (const char* bad : {"", "a", "/", "/a/", "//a", "/a/../b", "/.", "/a/*", "/a\n"}) {
    INFO(bad);
    CHECK_FALSE(record_path(bad));
  }
  CHECK_FALSE(record_path("/" + std::string(256, 'a')));
  CHECK(zone_name("/"));
  CHECK(zone_name("/*/b"));
  CHECK_FALSE(zone_name("/a/"));
  CHECK(to_path(*zone_name("/*/b")) == "/*/b");
  CHECK(to_path(*zone_name("/")) == "/");

  const auto is_in = [](const char* zone, const char* path) { return is_in_zone(*zone_name(zone), path); };
  CHECK(is_in("/", "/a"));
  CHECK(is_in("/a", "/a"));
  CHECK(is_in("/a", "/a/b/c"));
  CHECK_FALSE(is_in("/a", "/ab"));
  CHECK_FALSE(is_in("/a/b", "/a"));
  CHECK(is_in("/*/b", "/a/b/c"));
  CHECK_FALSE(is_in("/*/b", "/a/c"));
  CHECK_FALSE(is_in("/*/*", "/a"));
}

TEST_CASE("who enters a zone is told all there is, then what changes and what is gone") {
  Room room;
  room.zones.set(record("/reviews/a"), kZone);
  room.zones.set(record("/shots/a"), kZone);
  REQUIRE(room.enter("/reviews"));
  CHECK(room.tells() == Words{"/reviews full: /reviews/a"});
  CHECK(room.tells().empty());
  room.zones.set(record("/reviews/b"), kZone);
  room.zones.set(record("/reviews/a", 2), kZone);
  room.zones.set(record("/reviews/a", 3), kZone);
  CHECK(room.tells() == Words{"/reviews: /reviews/b /reviews/a"});
  room.zones.remove("/reviews/b");
  CHECK(room.tells() == Words{"/reviews: -/reviews/b"});
}

TEST_CASE("an empty zone is told as that") {
  Room room;
  REQUIRE(room.enter("/reviews"));
  CHECK(room.tells() == Words{"/reviews full:"});
}

TEST_CASE("what happens elsewhere makes nothing due, however much it is") {
  Room room;
  REQUIRE(room.enter("/lighting"));
  room.tells();
  for (int i = 0; i < 10'000; ++i) room.zones.set(record("/rigging/" + std::to_string(i)), kZone);
  CHECK(room.zones.take_due().empty());
  CHECK_FALSE(room.teller.is_due(room.mailbox));
  room.zones.set(record("/lighting/a"), kZone);
  CHECK(room.zones.take_due() == std::vector{kRigging});
  CHECK(room.teller.is_due(room.mailbox));
}

TEST_CASE("a star is any one component, and a record may be in several zones") {
  Room room;
  REQUIRE(room.enter("/rnd/*/lighting"));
  REQUIRE(room.enter("/"));
  room.tells();
  room.zones.set(record("/rnd/sc01/lighting/a"), kZone);
  CHECK(room.tells() == Words{"/rnd/*/lighting: /rnd/sc01/lighting/a", "/: /rnd/sc01/lighting/a"});
  room.zones.set(record("/rnd/sc01/comp/a"), kZone);
  CHECK(room.tells() == Words{"/: /rnd/sc01/comp/a"});
}

TEST_CASE("many records are told in pieces, the last of them without more") {
  Room room;
  for (std::size_t i = 0; i < 2 * kRecordsPerTell + 1; ++i)
    room.zones.set(record("/a/" + std::to_string(i)), kZone);
  REQUIRE(room.enter("/a"));
  CHECK(room.tells().at(0).starts_with("/a full more: "));
  // In the order of paths; what is new meanwhile comes last.
  room.zones.set(record("/a/new"), kZone);
  CHECK(room.tells().at(0).starts_with("/a more: "));
  const Words last = room.tells();
  CHECK(last == Words{"/a: /a/999 /a/new"});
  CHECK(room.tells().empty());
}

TEST_CASE("large records are told some at a time") {
  Room room;
  for (int i = 0; i < 40; ++i) {
    RecordState state = *record("/a/" + std::to_string(i));
    state.fields = *document::parse(R"({"x":")" + std::string(60 * KiB, 'x') + "\"}");
    room.zones.set(finished(std::move(state)), kZone);
  }
  REQUIRE(room.enter("/a"));
  std::size_t told = 0;
  for (Words words = room.tells(); !words.empty(); words = room.tells()) {
    const auto count = static_cast<std::size_t>(std::count(words.at(0).begin(), words.at(0).end(), ' '));
    CHECK(count <= 17 + 2);
    ++told;
  }
  CHECK(told >= 3);
}

TEST_CASE("what is kept for others who stand at the same place is bounded, and goes with its zone") {
  Room room;
  for (int i = 0; i < 200; ++i) {
    RecordState state = *record("/a/b/" + std::to_string(i));
    state.fields = *document::parse(R"({"x":")" + std::string(60 * KiB, 'x') + "\"}");
    room.zones.set(finished(std::move(state)), kZone);
  }
  // Reading what is told takes longest.
  const auto tells_something = [&] {
    std::vector<protocol::EncodedFrame> frames;
    room.teller.take_due({kRigging, ""}, room.mailbox, frames);
    return !frames.empty();
  };
  std::uint64_t most = 0;
  // Each time it is another zone, since nobody else is in it.
  for (int i = 0; i < 4; ++i) {
    REQUIRE(room.enter("/a"));
    while (tells_something()) most = std::max(most, room.teller.kept_bytes());
    REQUIRE(room.zones.exit(kRigging, *zone_name("/a"), room.mailbox.zones));
  }
  CHECK(most > 0);
  CHECK(most <= 8 * kRecordsPerTellBytes + 8 * 2 * kRecordMax);
  REQUIRE(room.enter("/none"));
  room.tells();
  CHECK(room.teller.kept_bytes() < KiB);
  // Of many zones at once, too.
  for (const char* zone : {"/", "/*", "/*/*", "/*/b", "/a", "/a/*", "/a/b"}) REQUIRE(room.enter(zone));
  most = 0;
  while (tells_something()) most = std::max(most, room.teller.kept_bytes());
  CHECK(most > kTellsKeptBytes / 2);
  CHECK(most <= kTellsKeptBytes + 7 * (kRecordsPerTellBytes + 2 * kRecordMax));
}

TEST_CASE("who leaves a zone hears no more of it, and a zone that nobody is in is gone") {
  Room room;
  REQUIRE(room.enter("/a/b"));
  const std::uint64_t id = room.mailbox.zones.at(0).zone;
  CHECK(room.zones.exit(kRigging, *zone_name("/a"), room.mailbox.zones).error().outcome ==
        Outcome::not_found);
  REQUIRE(room.zones.exit(kRigging, *zone_name("/a/b"), room.mailbox.zones));
  CHECK(room.zones.zone(id) == nullptr);
  room.zones.set(record("/a/b"), kZone);
  CHECK(room.tells().empty());
  REQUIRE(room.enter("/a"));
  room.zones.leave(kRigging);
  CHECK(room.zones.zone(room.mailbox.zones.at(0).zone) == nullptr);
  CHECK(room.tells().empty());
}

TEST_CASE("entering twice is entering once, and one may be in as many zones as the limit says") {
  Room room;
  REQUIRE(room.enter("/a"));
  REQUIRE(room.enter("/a"));
  CHECK(room.mailbox.zones.size() == 1);
  for (std::size_t i = 1; i < kZonesPerSession; ++i) REQUIRE(room.enter("/" + std::to_string(i)));
  const auto refused = room.enter("/b");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::refused);
  CHECK(room.enter("/a"));
}

TEST_CASE(
    "what its owner alone is told of nobody else hears of, and when it is given away it is gone for the "
    "owner") {
  Room room;
  Mailbox other;
  REQUIRE(room.enter("/a"));
  REQUIRE(room.zones.enter(kLighting, *zone_name("/a"), {}, other.zones));
  room.zones.set(record("/a/mine", 1, 1), document::Told::owner);
  CHECK(room.tells() == Words{"/a full: /a/mine"});
  CHECK(room.tells(other, kLighting) == Words{"/a full:"});
  room.zones.set(record("/a/mine", 2, 2), document::Told::owner);
  CHECK(room.tells() == Words{"/a: -/a/mine"});
  CHECK(room.tells(other, kLighting) == Words{"/a: /a/mine"});
}

TEST_CASE("that something is gone which its owner alone was told of, only those hear who owned it") {
  Room room;
  Mailbox lighting;
  Mailbox third;
  REQUIRE(room.enter("/a"));
  REQUIRE(room.zones.enter(kLighting, *zone_name("/a"), {}, lighting.zones));
  REQUIRE(room.zones.enter(SessionId{3}, *zone_name("/a"), {}, third.zones));
  room.zones.set(record("/a/mine", 1, 1), document::Told::owner);
  room.zones.set(record("/a/given", 1, 1), document::Told::owner);
  for (auto* mailbox : {&room.mailbox, &lighting, &third})
    room.tells(*mailbox, mailbox == &room.mailbox ? kRigging : mailbox == &third ? SessionId{3} : kLighting);
  room.zones.set(record("/a/given", 2, 2), document::Told::owner);
  room.zones.remove("/a/mine");
  room.zones.remove("/a/given");
  CHECK(room.tells(third, SessionId{3}).empty());
  CHECK(room.tells() == Words{"/a: -/a/mine -/a/given"});
  // It was never told that this one was there.
  CHECK(room.tells(lighting, kLighting) == Words{"/a: -/a/given"});
  // A record of the same path that all may see is no secret.
  room.zones.set(record("/a/mine", 3), kZone);
  CHECK(room.tells(third, SessionId{3}) == Words{"/a: /a/mine"});
  room.zones.remove("/a/mine");
  CHECK(room.tells(third, SessionId{3}) == Words{"/a: -/a/mine"});
}

TEST_CASE("what its owner alone is told of each of their sessions hears, also one that began later") {
  Room room;
  Mailbox later;
  Mailbox other;
  REQUIRE(room.enter("/a"));
  REQUIRE(room.zones.enter(SessionId{3}, *zone_name("/a"), {}, later.zones));
  REQUIRE(room.zones.enter(kLighting, *zone_name("/a"), {}, other.zones));
  const RecordOwner again{SessionId{3}, "rigging"};
  const RecordOwner lighting{kLighting, "lighting"};
  room.zones.set(record("/a/mine", 1, 1, "rigging"), document::Told::owner);
  CHECK(room.tells(later, again) == Words{"/a full: /a/mine"});
  CHECK(room.tells(other, lighting) == Words{"/a full:"});
  room.zones.set(record("/a/mine", 2, 1, "rigging"), document::Told::owner);
  CHECK(room.tells(later, again) == Words{"/a: /a/mine"});
  CHECK(room.tells(other, lighting).empty());
  room.zones.set(record("/a/mine", 3, 2, "lighting"), document::Told::owner);
  CHECK(room.tells(later, again) == Words{"/a: -/a/mine"});
  CHECK(room.tells(other, lighting) == Words{"/a: /a/mine"});
  room.zones.remove("/a/mine");
  CHECK(room.tells(later, again) == Words{"/a: -/a/mine"});
  CHECK(room.tells(other, lighting) == Words{"/a: -/a/mine"});
}

TEST_CASE("one person alone cannot fill the zones of all, by entering many or by what is made in them") {
  Room room({.entries = 10'000, .per_origin = 2500});
  const Zones::Listener greedy{kRigging, "10.0.0.7"};
  const auto enter = [&](const Zones::Listener& who, const std::string& zone, Mailbox& mailbox) {
    return room.zones.enter(who, *zone_name(zone), {}, mailbox.zones);
  };
  constexpr std::size_t kRecords = 600;
  for (std::size_t i = 0; i < kRecords; ++i) room.zones.set(record("/a/" + std::to_string(i)), kZone);
  for (const char* zone : {"/", "/a", "/*", "/*/*"}) REQUIRE(enter(greedy, zone, room.mailbox));
  // In one that one is in already, another session of the same person costs nothing more.
  Mailbox second;
  const Zones::Listener too{SessionId{3}, "10.0.0.7"};
  REQUIRE(enter(too, "/a", second));
  const auto refused = enter(too, "/a/*", second);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::refused);
  CHECK(refused.error().text ==
        "the zones that you are in would hold more than 2500 records, one person's share; exit one or "
        "enter a "
        "smaller one");
  CHECK(room.zones.zone(second.zones.at(0).zone)->listeners.size() == 2);
  // Others enter what they like, and nobody is put out while there is room and each has a share at most.
  Mailbox other;
  REQUIRE(enter({kLighting, "10.0.0.8"}, "/a/*", other));
  CHECK(room.zones.make_room().empty());
  // What is made later counts, too: the largest go, for all sessions of that person.
  for (std::size_t i = 0; i < 50; ++i) room.zones.set(record("/a/more/" + std::to_string(i)), kZone);
  const auto out = room.zones.make_room();
  REQUIRE_FALSE(out.empty());
  for (const auto& each : out) CHECK((each.session == kRigging || each.session == too.session));
  CHECK(room.zones.make_room().empty());
  CHECK(room.zones.zone(other.zones.at(0).zone) != nullptr);
  // Who has left counts no more.
  room.zones.leave(kRigging);
  room.zones.leave(too.session);
  Mailbox again;
  for (const char* zone : {"/", "/a", "/*"}) REQUIRE(enter({SessionId{4}, "10.0.0.7"}, zone, again));
}

TEST_CASE("one person's sessions together are in so many zones and no more, wherever they come back from") {
  Room room;
  std::vector<Mailbox> mailboxes(kZonesPerOrigin / kZonesPerSession + 1);
  const auto enter = [&](std::size_t session, std::size_t zone, const std::string& origin) {
    return room.zones.enter({SessionId{1000 + session}, origin}, *zone_name("/" + std::to_string(zone)), {},
                            mailboxes[session].zones);
  };
  for (std::size_t i = 0; i < kZonesPerOrigin; ++i) REQUIRE(enter(i / kZonesPerSession, i, "key"));
  const std::size_t last = mailboxes.size() - 1;
  const auto refused = enter(last, kZonesPerOrigin, "key");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::refused);
  // One that it is in counts once.
  REQUIRE(enter(last, 0, "key"));
  CHECK_FALSE(enter(last, kZonesPerOrigin, "elsewhere"));
  REQUIRE(room.enter("/of somebody else"));
}

TEST_CASE("who has no share left is told that, however full the zones of all are") {
  Zones zones({.entries = 10, .per_origin = 4});
  const auto enter = [&](std::uint64_t session, const std::string& zone) {
    std::vector<ZoneCursor> cursors;
    const Zones::Listener who{SessionId{session}, "10.0.0." + std::to_string(session)};
    return zones.enter(who, *zone_name(zone), {}, cursors);
  };
  for (int i = 0; i < 4; ++i) {
    for (const char* zone : {"/a/", "/b/", "/c/"}) zones.set(record(zone + std::to_string(i)), kZone);
  }
  zones.set(record("/d/0"), kZone);
  zones.set(record("/d/1"), kZone);
  for (const auto& [session, zone] : {std::pair(1, "/a"), std::pair(2, "/b"), std::pair(3, "/d")})
    REQUIRE(enter(static_cast<std::uint64_t>(session), zone));
  const auto beyond = enter(3, "/c");
  REQUIRE_FALSE(beyond);
  CHECK(beyond.error().text ==
        "the zones that you are in would hold more than 4 records, one person's share; exit one or enter a "
        "smaller one");
  const auto full = enter(4, "/c");
  REQUIRE_FALSE(full);
  CHECK(full.error().text == "the zones that people are in hold too many records; enter a smaller one");
}

// As counted anew each time.
TEST_CASE("whoever has more than a share is known whatever happened before") {
  std::mt19937_64 chance(7);
  const auto below = [&](std::uint64_t count) { return chance() % count; };
  constexpr std::size_t kShare = 20;
  ZoneShares shares({.entries = 1'000, .per_origin = kShare});
  std::map<std::uint64_t, std::size_t> sizes;
  std::map<std::string, std::multiset<std::uint64_t>> in;
  for (int step = 0; step < 5'000; ++step) {
    const std::uint64_t zone = below(8);
    const std::string who(1, static_cast<char>('a' + below(4)));
    switch (below(3)) {
      case 0:
        shares.enter(who, zone, sizes[zone]);
        in[who].insert(zone);
        break;
      case 1:
        shares.exit(who, zone);
        if (const auto one = in[who].find(zone); one != in[who].end()) in[who].erase(one);
        break;
      default:
        sizes[zone] = below(12);
        shares.resize(zone, sizes[zone]);
    }
    std::set<std::string> greedy;
    for (const auto& [name, zones] : in) {
      std::size_t records = 0;
      for (const std::uint64_t each : std::set(zones.begin(), zones.end())) records += sizes[each];
      if (records > kShare) greedy.insert(name);
      REQUIRE(shares.room_of(name) == kShare - std::min(records, kShare));
    }
    REQUIRE(shares.greedy() == greedy);
  }
}

TEST_CASE("what nobody is told of can be read") {
  Room room;
  REQUIRE(room.enter("/a"));
  room.tells();
  room.zones.set(record("/a/quiet"), document::Told::none);
  CHECK(room.tells().empty());
  CHECK(room.teller.records(*zone_name("/a"), "", everything).records->find("/a/quiet") != std::string::npos);
}

TEST_CASE("classes that somebody may not see are in no zone of theirs, and in others' of the same name") {
  Room room;
  Mailbox other;
  room.zones.set(record("/a/1"), kZone);
  REQUIRE(room.zones.enter(kRigging, *zone_name("/a"), std::vector<std::string>{"note"}, room.mailbox.zones));
  REQUIRE(room.zones.enter(kLighting, *zone_name("/a"), {}, other.zones));
  room.zones.set(record("/a/2"), kZone);
  CHECK(room.tells() == Words{"/a full:"});
  CHECK(room.tells(other, kLighting) == Words{"/a full: /a/1 /a/2"});
  // Who may see them by now enters again.
  REQUIRE(room.enter("/a"));
  CHECK(room.mailbox.zones.size() == 1);
  CHECK(room.tells() == Words{"/a full: /a/1 /a/2"});
}

TEST_CASE("of a zone what was there is read in the order of paths, a piece at a time") {
  Room room;
  room.zones.set(record("/b"), kZone);
  room.zones.set(record("/a/2"), kZone);
  room.zones.set(record("/a/1"), kZone);
  room.zones.set(record("/ab"), kZone);
  room.zones.set(record("/a/own", 1, 2), document::Told::owner);
  const auto mine = [](const RecordState& state) { return state.path != "/a/own"; };
  const auto all = room.teller.records(*zone_name("/a"), "", mine);
  CHECK(all.full);
  CHECK_FALSE(all.more);
  CHECK(*all.records == "[" + *record("/a/1")->told + "," + *record("/a/2")->told + "]");
  CHECK(*room.teller.records(*zone_name("/a"), "/a/1", mine).records == "[" + *record("/a/2")->told + "]");
  CHECK(*room.teller.records(*zone_name("/c"), "", everything).records == "[]");
  CHECK(room.teller.records(*zone_name("/a"), "", everything).records->find("/a/own") != std::string::npos);
}

TEST_CASE("an event is told to who is there, the newest of each path, and not kept") {
  Room room;
  REQUIRE(room.enter("/camera"));
  room.tells();
  room.zones.tell(record("/camera/rigging", 0));
  room.zones.tell(record("/camera/lighting", 0));
  room.zones.tell(record("/camera/rigging", 0));
  CHECK(room.tells() == Words{"/camera: /camera/lighting /camera/rigging"});
  CHECK(room.zones.size() == 0);
  Mailbox late;
  REQUIRE(room.zones.enter(kLighting, *zone_name("/camera"), {}, late.zones));
  CHECK(room.tells(late, kLighting) == Words{"/camera full:"});
  // Who does not listen for long hears the newest ones.
  for (std::size_t i = 0; i < kEventsPerZone + 10; ++i)
    room.zones.tell(record("/camera/" + std::to_string(i), 0));
  CHECK(room.tells().at(0).find(" /camera/9 ") == std::string::npos);
}

TEST_CASE("a zone hears its events however many others have kept theirs") {
  Room room;
  std::vector<Mailbox> others((kEventsKept / kEventsPerZone + kZonesPerSession - 1) / kZonesPerSession + 1);
  std::size_t full = 0;
  for (std::size_t i = 0; full < kEventsKept / kEventsPerZone; ++i, ++full) {
    const std::string zone = "/cameras/" + std::to_string(i);
    REQUIRE(room.zones.enter(SessionId{100 + i / kZonesPerSession}, *zone_name(zone), {},
                             others[i / kZonesPerSession].zones));
    for (std::size_t k = 0; k < 2 * kEventsPerZone; ++k) room.zones.tell(record(zone + "/moved"));
  }
  REQUIRE(room.enter("/new"));
  CHECK(room.tells() == Words{"/new full:"});
  room.zones.tell(record("/new/one"));
  CHECK(room.tells() == Words{"/new: /new/one"});
  // The zone of the oldest gave way.
  const auto* first = room.zones.zone(others[0].zones[0].zone);
  REQUIRE(first != nullptr);
  CHECK(first->events.size() == kEventsPerZone - 1);
  // Zones that nobody is in any more take theirs with them.
  for (std::size_t i = 0; i < others.size(); ++i) room.zones.leave(SessionId{100 + i});
  for (std::size_t k = 0; k < 4 * kEventsKept; ++k) room.zones.tell(record("/new/two"));
  CHECK(room.tells() == Words{"/new: /new/two"});
}

}  // namespace callboard::server::zones_test
