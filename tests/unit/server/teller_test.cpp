#include "server/teller.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/document/parse.h"
#include "base/limits.h"
#include "protocol/frame.h"
#include "tests/unit/server/operations.h"

namespace callboard::teller_test {
using namespace callboard::server;

namespace {

const SessionId kRigging{1};
const SessionId kLighting{2};
const SessionId kRender{3};

// Three users who know everything so far.
struct Hall {
  Hall() {
    for (const auto& [session, name] :
         {std::pair(kRigging, "rigging"), {kLighting, "lighting"}, {kRender, "render"}}) {
      User user;
      user.name = name;
      presence.join(session, user);
    }
    for (Mailbox* mailbox : {&rigging, &lighting, &render}) take(kRigging, *mailbox);
  }

  std::vector<protocol::EncodedFrame> take(SessionId session, Mailbox& mailbox, bool patches = false) {
    Teller::Frames frames;
    teller.take_due({session, patches}, mailbox, frames);
    return frames;
  }
  const protocol::SharedAnswer& users() {
    return teller.users(period,
                        [this](SessionId session) { return session == kRigging ? round_trip_us : 0; });
  }
  void apply(std::uint64_t sequence, OperationLike like) {
    const Record record = like.record;
    board.apply(sequence, make_operation(std::move(like)));
    if (record != Record::messages) editions.on_applied(record, 0);
  }

  std::uint64_t period = 1;
  std::uint64_t round_trip_us = 0;
  net::Loop loop;
  Board board;
  Editions editions{loop, board, [] {}};
  Presence presence;
  Assets assets;
  Teller teller{board, editions, presence, assets};
  Mailbox rigging;
  Mailbox lighting;
  Mailbox render;
};

std::string text_of(const protocol::EncodedFrame& frame) { return std::string(as_text(bytes_of(frame))); }

}  // namespace

TEST_CASE("the list of everything is encoded once for all who ask, until it is another") {
  Hall hall;
  hall.assets.set(kRigging, "/dev", Timestamp{5});
  const auto list_of = [](const protocol::SharedAnswer& answer) {
    const auto frame = protocol::encode_answer(answer, 7);
    const std::string body = frame.head->substr(protocol::kFrameHeadSize) + *frame.attachment;
    return protocol::decode_server(protocol::kFrameObject, as_bytes(body)).value();
  };
  const auto items = [&] { return std::get<protocol::Assets>(list_of(hall.teller.assets())); };
  const auto users = [&] { return std::get<protocol::Users>(list_of(hall.users())); };

  CHECK(hall.teller.assets().rest == hall.teller.assets().rest);
  CHECK(hall.users().rest == hall.users().rest);
  CHECK(hall.teller.lists_made() == 2);
  hall.apply(1, {.record = Record::messages, .value = "hello"});
  CHECK(hall.teller.messages_after(0).rest == hall.teller.messages_after(0).rest);
  CHECK(std::get<protocol::Messages>(list_of(hall.teller.messages_after(0))).messages.size() == 1);
  CHECK(std::get<protocol::Messages>(list_of(hall.teller.messages_after(1))).messages.empty());
  CHECK(hall.teller.lists_made() == 4);
  CHECK(items().re == 7);
  CHECK(items().full);
  REQUIRE(items().items.size() == 1);
  CHECK(items().items.at("/dev")->user == "rigging");
  REQUIRE(users().users.size() == 3);
  // How long the ways are is a period's news.
  hall.round_trip_us = 250;
  CHECK(users().users[0].round_trip_us == 0);
  ++hall.period;
  std::uint64_t told_us = 0;
  for (const protocol::User& each : users().users) told_us = std::max(told_us, each.round_trip_us);
  CHECK(told_us == 250);

  hall.assets.set(kLighting, "/dev", Timestamp{6});
  CHECK(items().items.at("/dev")->user == "lighting");
  hall.assets.leave(kLighting);
  CHECK(items().items.at("/dev")->user == "rigging");
  hall.presence.set_at(kRigging, "/rnd", Timestamp{7});
  CHECK(users().users[0].at == "/rnd");
  hall.presence.set_camera(kRigging, 3, 4);
  CHECK(std::ranges::any_of(users().users, [](const auto& each) { return each.camera.x == 3; }));
  hall.presence.set_away(kRender, true);
  CHECK(std::ranges::count_if(users().users, &protocol::User::away) == 1);
  hall.presence.set_away(kRender, false);
  CHECK(std::ranges::count_if(users().users, &protocol::User::away) == 0);
  hall.presence.leave(kRender, "bye");
  CHECK(users().users.size() == 2);
}

TEST_CASE("a change is encoded once for all who hear it") {
  Hall hall;
  hall.presence.set_at(kRigging, "/dev", Timestamp{5});
  hall.assets.set(kRigging, "/dev", Timestamp{5});
  hall.apply(1, {.id = 1, .session = 1, .value = "[]"});
  hall.apply(2, {.id = 2, .session = 1, .record = Record::messages, .value = "hello"});
  const auto first = hall.take(kLighting, hall.lighting);
  const auto second = hall.take(kRender, hall.render);

  REQUIRE(first.size() == 4);
  REQUIRE(second.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(first[i].head == second[i].head);
  CHECK(text_of(first[3]).ends_with(*hall.board.document(Record::story).text()));
  CHECK_FALSE(hall.teller.is_due({kLighting}, hall.lighting));
  CHECK(hall.take(kLighting, hall.lighting).empty());
}

TEST_CASE("who comes is told where everybody is by then, not where they were when somebody else came") {
  Hall hall;
  const auto places_told_to = [&](SessionId session) {
    // As it is when somebody joins.
    Mailbox mailbox;
    mailbox.at = hall.presence.ats().newest();
    std::string all;
    for (const auto& frame : hall.take(session, mailbox)) all += text_of(frame);
    return all;
  };
  CHECK(places_told_to(kLighting).find("/rnd/shot") == std::string::npos);
  hall.presence.set_at(kRigging, "/rnd/shot", Timestamp{7});
  CHECK(places_told_to(kRender).find("/rnd/shot") != std::string::npos);
}

TEST_CASE("nobody is told what they did themselves, and is told the rest of the same piece") {
  Hall hall;
  hall.presence.set_at(kRigging, "/dev", Timestamp{5});
  CHECK(hall.take(kRigging, hall.rigging).empty());
  CHECK_FALSE(hall.teller.is_due({kRigging}, hall.rigging));

  hall.apply(2, {.id = 2, .session = 1, .record = Record::messages, .value = "mine"});
  hall.apply(3, {.id = 3, .session = 2, .record = Record::messages, .value = "yours"});
  const auto frames = hall.take(kRigging, hall.rigging);
  REQUIRE(frames.size() == 1);
  CHECK(text_of(frames[0]).find("mine") == std::string::npos);
  CHECK(text_of(frames[0]).find("yours") != std::string::npos);
}

TEST_CASE("whose copy becomes the newest because another one left is told so") {
  Hall hall;
  hall.assets.set(kRigging, "/item", Timestamp{5});
  hall.assets.set(kLighting, "/item", Timestamp{6});
  const auto before = hall.take(kRigging, hall.rigging);
  REQUIRE(before.size() == 1);
  CHECK(text_of(before[0]).find("lighting") != std::string::npos);
  hall.assets.leave(kLighting);
  const auto after = hall.take(kRigging, hall.rigging);
  REQUIRE(after.size() == 1);
  CHECK(text_of(after[0]).find("rigging") != std::string::npos);
}

TEST_CASE("a listener far behind is told in pieces of bounded size, and arrives") {
  Hall hall;
  for (std::uint64_t i = 1; i <= 250; ++i) {
    hall.apply(i, {.id = i, .session = 1, .record = Record::messages, .value = "m"});
  }
  std::size_t pieces = 0;
  while (hall.teller.is_due({kLighting}, hall.lighting)) {
    CHECK(hall.take(kLighting, hall.lighting).size() == 1);
    ++pieces;
  }
  CHECK(pieces == 3);
}

TEST_CASE("who understands patches is told what changed, others the whole, and whoever knows nothing, too") {
  Hall hall;
  hall.apply(1,
             {.id = 1,
              .session = 1,
              .value = R"({"a":"a long enough text that a patch is shorter","b":2,"c":"and more of it"})"});
  hall.take(kLighting, hall.lighting, true);
  hall.take(kRender, hall.render);
  hall.apply(
      2, {.id = 2, .session = 1, .timestamp_ms = 2000, .value = R"([{"path":["b"],"value":3}])", .base = 1});

  const auto patch = hall.take(kLighting, hall.lighting, true);
  REQUIRE(patch.size() == 1);
  CHECK(text_of(patch[0]).find("\"from\":1") != std::string::npos);
  CHECK(text_of(patch[0]).ends_with(R"([{"op":"replace","path":"/b","value":3}])"));
  const auto whole = hall.take(kRender, hall.render);
  REQUIRE(whole.size() == 1);
  CHECK(text_of(whole[0]).find("from") == std::string::npos);
  CHECK(text_of(whole[0]).find("\"b\":3") != std::string::npos);
  Mailbox late;
  late.users = hall.lighting.users;
  late.at = hall.lighting.at;
  late.assets = hall.lighting.assets;
  CHECK(hall.take(SessionId{9}, late, true).at(0).head == whole[0].head);
}

TEST_CASE("while an answer that tells of a document is in the making, nothing else tells of it") {
  Hall hall;
  hall.apply(1, {.id = 1, .session = 1, .value = "[]"});
  ++hall.lighting.held(Record::story);
  CHECK(hall.take(kLighting, hall.lighting).empty());
  --hall.lighting.held(Record::story);
  CHECK(hall.take(kLighting, hall.lighting).size() == 1);
}

TEST_CASE("a word of a large document costs a listener hundreds of bytes, made by a worker") {
  Hall hall;
  std::string story = "{\"scenes\":[";
  for (int i = 0; i < 20'000; ++i) {
    story += (i ? ",{\"id\":" : "{\"id\":") + std::to_string(i) + ",\"note\":\"a word or two about it\"}";
  }
  hall.apply(1, {.id = 1, .session = 1, .value = story + "]}"});
  hall.take(kLighting, hall.lighting, true);
  hall.apply(2, {.id = 2,
                 .session = 1,
                 .timestamp_ms = 2000,
                 .value = R"([{"path":["scenes",["id","7"],"note"],"value":"else"}])",
                 .base = 1});
  CHECK(hall.take(kLighting, hall.lighting, true).empty());
  std::vector<protocol::EncodedFrame> told;
  REQUIRE(
      hall.loop.run_until([&] { return !(told = hall.take(kLighting, hall.lighting, true)).empty(); }, 20s));
  CHECK(told.at(0).size_bytes() < 400);
  CHECK(text_of(told.at(0)).ends_with(R"([{"op":"replace","path":"/scenes/7/note","value":"else"}])"));
}

TEST_CASE("a large document is not told again to who takes it whole while its newest text is in the making") {
  Hall hall;
  const auto from = document::parse("{\"a\":1,\"b\":\"" + std::string(kInlineDocumentBytes, 'x') + "\"}");
  const auto to = document::parse("{\"a\":2,\"b\":\"" + std::string(kInlineDocumentBytes, 'x') + "\"}");
  hall.apply(1, {.id = 1, .value = document::print(**from)});
  CHECK(hall.take(kLighting, hall.lighting).size() == 1);
  hall.board.apply(2, make_edit(*from, *to, {.id = 2, .timestamp_ms = 2000, .base = 1}));
  hall.editions.on_applied(Record::story, 0);
  CHECK(hall.take(kLighting, hall.lighting).empty());
  std::vector<protocol::EncodedFrame> told;
  CHECK(hall.loop.run_until([&] { return !(told = hall.take(kLighting, hall.lighting)).empty(); }, 20s));
  CHECK(hall.lighting.story == 2);
  CHECK(hall.take(kLighting, hall.lighting).empty());
}

}  // namespace callboard::teller_test
