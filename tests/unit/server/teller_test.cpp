#include "server/teller.h"

#include <catch2/catch.hpp>

#include "tests/unit/server/operations.h"

using namespace callboard;
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
    for (Mailbox* mailbox : {&rigging, &lighting, &render}) teller.take_due(kRigging, *mailbox);
  }

  Board board;
  Presence presence;
  Assets assets;
  Teller teller{board, presence, assets};
  Mailbox rigging;
  Mailbox lighting;
  Mailbox render;
};

std::string text_of(const protocol::EncodedFrame& frame) { return std::string(as_text(*frame.head)); }

}  // namespace

TEST_CASE("a change is encoded once for all who hear it") {
  Hall hall;
  hall.presence.set_at(kRigging, "/dev", Timestamp{5});
  hall.assets.set(kRigging, "/dev", Timestamp{5});
  hall.board.apply(1, make_operation({.id = 1, .session = 1, .value = "[]"}));
  hall.board.apply(2, make_operation({.id = 2, .session = 1, .record = Record::messages, .value = "hello"}));
  const auto first = hall.teller.take_due(kLighting, hall.lighting);
  const auto second = hall.teller.take_due(kRender, hall.render);

  REQUIRE(first.size() == 4);
  REQUIRE(second.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(first[i].head == second[i].head);
  CHECK(first[3].attachment == hall.board.head(Record::story).value);
  CHECK_FALSE(hall.lighting.is_due(hall.teller.heads()));
  CHECK(hall.teller.take_due(kLighting, hall.lighting).empty());
}

TEST_CASE("nobody is told what they did themselves, and is told the rest of the same piece") {
  Hall hall;
  hall.presence.set_at(kRigging, "/dev", Timestamp{5});
  hall.board.apply(1, make_operation({.id = 1, .session = 1, .value = "[]"}));
  CHECK(hall.teller.take_due(kRigging, hall.rigging).empty());
  CHECK_FALSE(hall.rigging.is_due(hall.teller.heads()));

  hall.board.apply(2, make_operation({.id = 2, .session = 1, .record = Record::messages, .value = "mine"}));
  hall.board.apply(3, make_operation({.id = 3, .session = 2, .record = Record::messages, .value = "yours"}));
  const auto frames = hall.teller.take_due(kRigging, hall.rigging);
  REQUIRE(frames.size() == 1);
  CHECK(text_of(frames[0]).find("mine") == std::string::npos);
  CHECK(text_of(frames[0]).find("yours") != std::string::npos);
}

TEST_CASE("whose copy becomes the newest because another one left is told so") {
  Hall hall;
  hall.assets.set(kRigging, "/item", Timestamp{5});
  hall.assets.set(kLighting, "/item", Timestamp{6});
  const auto before = hall.teller.take_due(kRigging, hall.rigging);
  REQUIRE(before.size() == 1);
  CHECK(text_of(before[0]).find("lighting") != std::string::npos);
  hall.assets.leave(kLighting);
  const auto after = hall.teller.take_due(kRigging, hall.rigging);
  REQUIRE(after.size() == 1);
  CHECK(text_of(after[0]).find("rigging") != std::string::npos);
}

TEST_CASE("a listener far behind is told in pieces of bounded size, and arrives") {
  Hall hall;
  for (std::uint64_t i = 1; i <= 250; ++i) {
    hall.board.apply(i, make_operation({.id = i, .session = 1, .record = Record::messages, .value = "m"}));
  }
  std::size_t pieces = 0;
  while (hall.lighting.is_due(hall.teller.heads())) {
    CHECK(hall.teller.take_due(kLighting, hall.lighting).size() == 1);
    ++pieces;
  }
  CHECK(pieces == 3);
}
