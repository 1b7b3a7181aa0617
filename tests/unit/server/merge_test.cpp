// Arbitration of documents: what survives of two authors' work, whatever order it arrives in.
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <set>

#include "base/document/json_patch.h"
#include "base/limits.h"
#include "server/board/board.h"
#include "tests/unit/document/random_document.h"
#include "tests/unit/server/operations.h"

namespace callboard::merge_test {
using namespace callboard::server;
using document::value;
using document::ValuePtr;

namespace {

constexpr const char* kStory =
    R"({"title":"Moria","scenes":[{"id":1,"note":"dark"},{"id":2,"note":"bright"}],"tags":["a","b"]})";

std::string story(const Board& board) { return document::print(*board.document(Record::story).root()); }

// A board with the story above as revision 1, and operations based on it.
struct Stage {
  Stage() { board.apply(1, make_operation({.id = 1, .session = 9, .timestamp_ms = 1, .value = kStory})); }

  Applied write(OperationLike like, const std::string& pointer, const std::string& json) {
    like.base = like.base == 0 ? 1 : like.base;
    const auto to = document::put(base, *document::parse_pointer(pointer), value(json));
    REQUIRE(to);
    return board.apply(board.sequence() + 1, make_edit(base, *to, std::move(like)));
  }

  Board board;
  ValuePtr base = value(kStory);
};

using Lost = std::set<std::tuple<std::uint64_t, std::string, std::uint64_t>>;

// Whose value is lost, where, and to whom: by the ids of operations.
Lost lost(const Board& board) {
  Lost result;
  for (const Conflict& each : board.conflicts().open()) {
    result.emplace(each.loser.stamp.operation.low, document::pointer_text(each.path),
                   each.winner.stamp.operation.low);
  }
  return result;
}

}  // namespace

TEST_CASE("two who change different parts both find their work in the document") {
  Stage stage;
  CHECK(stage.write({.id = 2, .session = 2, .timestamp_ms = 20}, "/scenes/0/note", "\"darker\"").won);
  CHECK(stage.write({.id = 3, .session = 3, .timestamp_ms = 10}, "/scenes/1/note", "\"brighter\"").won);
  CHECK(
      story(stage.board) ==
      R"({"title":"Moria","scenes":[{"id":1,"note":"darker"},{"id":2,"note":"brighter"}],"tags":["a","b"]})");
  CHECK(stage.board.conflicts().open().empty());
}

TEST_CASE("the same part goes to the newest, and what is lost is a conflict of both") {
  Stage stage;
  stage.write({.id = 2, .session = 2, .timestamp_ms = 20}, "/title", "\"Khazad\"");
  const auto late = stage.write({.id = 3, .session = 3, .timestamp_ms = 10}, "/title", "\"Balin\"");
  CHECK_FALSE(late.won);
  CHECK(document::print(*document::find(stage.board.document(Record::story).root(), {"title"})) ==
        "\"Khazad\"");

  REQUIRE(late.conflicts.size() == 1);
  const Conflict& conflict = late.conflicts[0];
  CHECK(conflict.number == 1);
  CHECK(document::pointer_text(conflict.path) == "/title");
  CHECK(conflict.loser.user == "user 3");
  CHECK(conflict.loser.revision == 3);
  CHECK(document::print(*conflict.loser.value) == "\"Balin\"");
  CHECK(conflict.winner.user == "user 2");
  CHECK(document::print(*conflict.winner.value) == "\"Khazad\"");
}

TEST_CASE("who is lost to several writes of another is in one conflict, and who overwrites them in several") {
  Stage stage;
  stage.write({.id = 2, .session = 2, .timestamp_ms = 20}, "/title", "\"Khazad\"");
  stage.write({.id = 3, .session = 2, .timestamp_ms = 21}, "/title", "\"Balin\"");
  SECTION("lost") {
    const auto late = stage.write({.id = 4, .session = 3, .timestamp_ms = 10}, "/title", "\"Oin\"");
    CHECK(late.conflict_count == 1);
    REQUIRE(late.conflicts.size() == 1);
    CHECK(late.conflicts[0].winner.revision == 3);
    CHECK(stage.board.conflicts().open().size() == 1);
  }
  SECTION("overwritten") {
    const auto late = stage.write({.id = 4, .session = 3, .timestamp_ms = 30}, "/title", "\"Oin\"");
    CHECK(late.conflict_count == 2);
    CHECK(late.conflicts.size() == 2);
  }
}

TEST_CASE("who had seen the other's work, or did the same, is in no conflict") {
  Stage stage;
  stage.write({.id = 2, .session = 2, .timestamp_ms = 20}, "/title", "\"Khazad\"");
  SECTION("the same value") {
    stage.write({.id = 3, .session = 3, .timestamp_ms = 30}, "/title", "\"Khazad\"");
  }
  SECTION("one's own") { stage.write({.id = 3, .session = 2, .timestamp_ms = 30}, "/title", "\"Balin\""); }
  SECTION("seen") {
    stage.base = stage.board.document(Record::story).root();
    stage.write({.id = 3, .session = 3, .timestamp_ms = 30, .base = 2}, "/title", "\"Balin\"");
  }
  SECTION("no base: by timestamp alone") {
    stage.board.apply(3, make_operation({.id = 3, .session = 3, .timestamp_ms = 30, .value = "{}"}));
    CHECK(story(stage.board) == "{}");
  }
  CHECK(stage.board.conflicts().open().empty());
}

TEST_CASE("an edit within what is gone is the one that is lost where that is too large to be brought back") {
  const bool is_too_large = GENERATE(false, true);
  const bool is_taken_first = GENERATE(false, true);
  INFO("is_too_large=" << is_too_large << " is_taken_first=" << is_taken_first);
  const std::string text(is_too_large ? kGraveBytesMax : 10, 'x');
  const ValuePtr base = value(R"({"title":"Moria","act":{"note":"dark","text":")" + text + R"("}})");
  Board board;
  board.apply(1, make_operation({.id = 1, .session = 9, .timestamp_ms = 1, .value = document::print(*base)}));
  const Operation taken =
      make_edit(base, value(R"({"title":"Moria"})"), {.id = 2, .session = 2, .timestamp_ms = 10, .base = 1});
  const Operation within = make_edit(base, *document::put(base, {"act", "note"}, value("\"bright\"")),
                                     {.id = 3, .session = 3, .timestamp_ms = 20, .base = 1});
  board.apply(2, is_taken_first ? taken : within);
  // Also from a snapshot.
  board = *Board::decoded(board.encoded());
  const Applied last = board.apply(3, is_taken_first ? within : taken);
  CHECK(last.won == (is_too_large != is_taken_first));
  CHECK(lost(board) == (is_too_large ? Lost{{3, "/act/note", 2}} : Lost{{2, "/act", 3}}));
  const ValuePtr act = board.document(Record::story).root()->member("act");
  REQUIRE((act == nullptr) == is_too_large);
  if (act != nullptr) CHECK(document::print(*act->member("note")) == "\"bright\"");
}

TEST_CASE("a conflict is settled by number, once") {
  Stage stage;
  stage.write({.id = 2, .session = 2, .timestamp_ms = 20}, "/title", "\"Khazad\"");
  stage.write({.id = 3, .session = 3, .timestamp_ms = 10}, "/title", "\"Balin\"");
  REQUIRE(stage.board.conflicts().open(1) != nullptr);
  stage.board.apply(
      4, make_operation({.id = 4, .session = 4, .timestamp_ms = 40, .value = "[]", .base = 3, .settles = 1}));
  CHECK(stage.board.conflicts().open(1) == nullptr);
  CHECK(stage.board.head(Record::story).revision == 2);
}

TEST_CASE("a conflict whose settling is lost stays open, or what is lost of it is in another") {
  Stage stage;
  stage.write({.id = 2, .session = 2, .timestamp_ms = 20}, "/title", "\"Khazad\"");
  stage.write({.id = 3, .session = 3, .timestamp_ms = 10}, "/title", "\"Balin\"");
  REQUIRE(stage.board.conflicts().open(1) != nullptr);
  const auto settle = [&](OperationLike like) {
    like.settles = 1;
    return stage.write(like, "/title", "\"Balin\"");
  };
  SECTION("by another, to who had not seen it") {
    stage.write({.id = 5, .session = 5, .timestamp_ms = 40, .base = 3}, "/title", "\"Oin\"");
    const auto lost = settle({.id = 4, .session = 4, .timestamp_ms = 30, .base = 3});
    CHECK_FALSE(lost.won);
    REQUIRE(lost.conflicts.size() == 1);
    CHECK(lost.conflicts[0].number == 2);
    CHECK(stage.board.conflicts().open(1) == nullptr);
  }
  SECTION("by its author, to who had not seen it: it is the same loss") {
    stage.write({.id = 5, .session = 5, .timestamp_ms = 40, .base = 3}, "/title", "\"Oin\"");
    const auto lost = settle({.id = 4, .session = 3, .timestamp_ms = 30, .base = 3});
    REQUIRE(lost.conflicts.size() == 1);
    CHECK(lost.conflicts[0].number == 1);
    REQUIRE(stage.board.conflicts().open(1) != nullptr);
    CHECK(stage.board.conflicts().open(1)->winner.user == "user 5");
  }
  SECTION("not by its author, who has written the same once more: it is about that") {
    const auto again =
        stage.write({.id = 5, .session = 3, .timestamp_ms = 30, .base = 3}, "/title", "\"Balin\"");
    CHECK(again.conflicts.empty());
    const auto won = stage.write({.id = 4, .session = 4, .timestamp_ms = 40, .base = 3, .settles = 1},
                                 "/title", "\"Oin\"");
    CHECK(won.won);
    REQUIRE(stage.board.conflicts().open(1) != nullptr);
    CHECK(stage.board.conflicts().open(1)->winner.user == "user 4");
  }
  SECTION("with the place, and with what it was to win over") {
    stage.write({.id = 5, .session = 5, .timestamp_ms = 30, .base = 3}, "/title", "\"Oin\"");
    stage.board.apply(5, make_operation({.id = 6, .session = 6, .timestamp_ms = 40, .value = "7"}));
    const auto lost = settle({.id = 4, .session = 4, .timestamp_ms = 50, .base = 3});
    CHECK_FALSE(lost.won);
    REQUIRE(lost.conflicts.size() == 1);
    CHECK(lost.conflicts[0].loser.user == "user 5");
    CHECK(stage.board.conflicts().open(1) != nullptr);
  }
  SECTION("with the place") {
    stage.board.apply(4, make_operation({.id = 5, .session = 5, .timestamp_ms = 40, .value = "7"}));
    const auto lost = settle({.id = 4, .session = 4, .timestamp_ms = 50, .base = 4});
    CHECK_FALSE(lost.won);
    CHECK(lost.conflicts.empty());
    CHECK(stage.board.conflicts().open(1) != nullptr);
  }
}

TEST_CASE("who does what another did before is told that it stands") {
  Stage stage;
  const auto first = R"([{"path":["title"],"remove":true}])";
  const auto both =
      R"([{"path":["scenes",["id","1"]],"remove":true},{"path":["scenes",["id","3"]],"value":{"id":3},"after":"2"}])";
  for (const std::string edits : {first, both}) {
    for (const std::uint64_t session : {2U, 3U}) {
      const std::uint64_t number = stage.board.sequence() + 1;
      const auto done =
          stage.board.apply(number, make_operation({.id = number,
                                                    .session = session,
                                                    .timestamp_ms = 1000 + static_cast<int>(number),
                                                    .value = edits,
                                                    .base = 1}));
      INFO(edits << " by " << session);
      CHECK(done.won);
      CHECK(done.conflicts.empty());
    }
  }
  CHECK(story(stage.board) == R"({"scenes":[{"id":2,"note":"bright"},{"id":3}],"tags":["a","b"]})");
}

TEST_CASE("who moves what another removed is told that it does not stand") {
  Stage stage;
  stage.board.apply(2, make_operation({.id = 2,
                                       .session = 2,
                                       .timestamp_ms = 10,
                                       .value = R"([{"path":["scenes",["id","1"]],"remove":true}])",
                                       .base = 1}));
  const bool is_late = GENERATE(false, true);
  INFO("is_late=" << is_late);
  if (is_late) stage.write({.id = 4, .session = 4, .timestamp_ms = 40}, "/scenes", "[]");
  const auto moved = stage.board.apply(
      stage.board.sequence() + 1,
      make_operation({.id = 3,
                      .session = 3,
                      .timestamp_ms = 20,
                      .value = R"([{"path":["scenes",["id","1"]],"place":true,"after":"2"}])",
                      .base = 1}));
  CHECK_FALSE(moved.won);
}

TEST_CASE("an operation older than all that can be merged is lost, and the document stays") {
  Stage stage;
  for (std::uint64_t i = 0; i < kMergeWindowOperations; ++i) {
    stage.write({.id = 10 + i, .session = 2, .timestamp_ms = 100 + static_cast<std::int64_t>(i)}, "/title",
                std::to_string(i));
  }
  const std::string before = story(stage.board);
  CHECK_FALSE(stage.write({.id = 5, .session = 3, .timestamp_ms = 1}, "/tags", "[]").won);
  CHECK(story(stage.board) == before);
  CHECK(stage.write({.id = 6, .session = 3, .timestamp_ms = 101}, "/tags", "[]").won);
}

// So many operations of one session that all that was there before is forgotten.
void bury(Stage& stage, std::uint64_t session, std::uint64_t count = kMergeWindowOperations) {
  for (std::uint64_t i = 0; i < count; ++i) {
    stage.write({.id = 100 + i,
                 .session = session,
                 .timestamp_ms = 1000 + static_cast<std::int64_t>(i),
                 .base = stage.board.sequence()},
                "/tags", "[" + std::to_string(i) + "]");
  }
}

TEST_CASE("what nobody can compare with any more is not overwritten without a word") {
  Stage stage;
  stage.write({.id = 2, .session = 2, .timestamp_ms = 500}, "/title", "\"Balin\"");
  bury(stage, 2);
  REQUIRE(stage.board.conflicts().open().empty());
  SECTION("a newer one of a base that is older than that is in conflict where another value stands") {
    const auto late = stage.write({.id = 3, .session = 3, .timestamp_ms = 9000}, "/title", "\"Khazad\"");
    CHECK(late.won);
    REQUIRE(late.conflicts.size() == 1);
    CHECK(document::pointer_text(late.conflicts[0].path) == "/title");
    CHECK(late.conflicts[0].winner.user == "user 3");
    CHECK(late.conflicts[0].loser.user == "user 2");
    CHECK(late.conflicts[0].loser.revision == 2);
    CHECK(document::print(*late.conflicts[0].loser.value) == "\"Balin\"");
  }
  SECTION("an older one is lost, and that is a conflict, too") {
    const auto late = stage.write({.id = 3, .session = 3, .timestamp_ms = 400}, "/title", "\"Khazad\"");
    CHECK_FALSE(late.won);
    REQUIRE(late.conflicts.size() == 1);
    CHECK(late.conflicts[0].winner.user == "user 2");
    CHECK(late.conflicts[0].loser.user == "user 3");
    CHECK(document::print(*late.conflicts[0].loser.value) == "\"Khazad\"");
  }
  SECTION("who does the same, has seen it, or wrote all of it is in none") {
    CHECK(
        stage.write({.id = 3, .session = 3, .timestamp_ms = 9000}, "/title", "\"Balin\"").conflicts.empty());
    const std::uint64_t seen = stage.board.sequence();
    CHECK(stage.write({.id = 4, .session = 3, .timestamp_ms = 9001, .base = seen}, "/title", "\"Oin\"")
              .conflicts.empty());
    const auto own = stage.write({.id = 5, .session = 2, .timestamp_ms = 9002}, "/tags", "[]");
    CHECK(own.conflicts.empty());
  }
  SECTION("a snapshot remembers it") {
    auto again = Board::decoded(stage.board.encoded());
    REQUIRE(again);
    CHECK(again->encoded() == stage.board.encoded());
    stage.board = std::move(*again);
    CHECK(
        stage.write({.id = 3, .session = 3, .timestamp_ms = 9000}, "/title", "\"Khazad\"").conflicts.size() ==
        1);
  }
}

TEST_CASE("one session's many operations do not hide what another wrote before them") {
  Stage stage;
  stage.write({.id = 2, .session = 2, .timestamp_ms = 500}, "/title", "\"Balin\"");
  bury(stage, 3);
  stage.write({.id = 3, .session = 3, .timestamp_ms = 5000, .base = stage.board.sequence()}, "/tags", "[]");
  const auto late = stage.write({.id = 4, .session = 3, .timestamp_ms = 9000}, "/title", "\"Khazad\"");
  REQUIRE(late.conflicts.size() == 1);
  CHECK(late.conflicts[0].loser.user == "user 2");
}

namespace {

constexpr int kManyPlaces = 150;

// One that sets so many places of the story, as one who has seen the first revision alone.
Applied write_many(Stage& stage, OperationLike like, const std::string& json, int count = kManyPlaces) {
  for (int i = 0; i < count; ++i) {
    like.value += (i == 0 ? "[" : ",") + std::string(R"({"path":["place )") + std::to_string(i) +
                  R"("],"value":)" + json + "}";
  }
  like.value.erase(0, 2);
  like.value += "]";
  like.base = 1;
  return stage.board.apply(stage.board.sequence() + 1, make_operation(std::move(like)));
}

// Of all open conflicts, place by place.
std::multiset<std::string> lost_values(const Board& board) {
  std::multiset<std::string> lost;
  for (const Conflict& conflict : board.conflicts().open()) {
    for (const document::Edit& edit : edits_of(conflict))
      lost.insert(document::pointer_text(edit.path) + "=" + document::print(*edit.value));
  }
  return lost;
}

std::multiset<std::string> each_place(const std::string& json) {
  std::multiset<std::string> lost;
  for (int i = 0; i < kManyPlaces; ++i) lost.insert("/place " + std::to_string(i) + "=" + json);
  return lost;
}

}  // namespace

TEST_CASE("who changes many places again and again, having seen nothing else, overwrites each value once") {
  Stage stage;
  write_many(stage, {.id = 2, .session = 2, .timestamp_ms = 500}, "1");
  bury(stage, 2);
  write_many(stage, {.id = 3, .session = 3, .timestamp_ms = 9000}, "2");
  REQUIRE(stage.board.conflicts().open().size() == kConflictsPerTell);
  REQUIRE(lost_values(stage.board) == each_place("1"));
  SECTION("the same places") {
    CHECK(write_many(stage, {.id = 4, .session = 3, .timestamp_ms = 9001}, "3").conflicts.empty());
  }
  SECTION("some of them") {
    CHECK(write_many(stage, {.id = 4, .session = 3, .timestamp_ms = 9001}, "3", 120).conflicts.empty());
  }
  SECTION("while others work elsewhere, so that somebody else is the last who is forgotten") {
    for (std::uint64_t i = 0; i < 5; ++i) {
      stage.write({.id = 4000 + i,
                   .session = 4,
                   .timestamp_ms = 9001 + static_cast<std::int64_t>(2 * i),
                   .base = stage.board.sequence()},
                  "/tags", std::to_string(i));
      const auto again = write_many(
          stage, {.id = 5000 + i, .session = 3, .timestamp_ms = 9002 + static_cast<std::int64_t>(2 * i)},
          std::to_string(3 + i));
      CHECK(again.conflicts.empty());
    }
  }
  SECTION("with what somebody else has put there meanwhile") {
    stage.write({.id = 4, .session = 5, .timestamp_ms = 9001, .base = stage.board.sequence()}, "/place 120",
                "7");
    write_many(stage, {.id = 5, .session = 3, .timestamp_ms = 9002}, "3");
    CHECK(lost_values(stage.board).count("/place 120=7") == 1);
    CHECK(lost_values(stage.board).count("/place 119=2") == 0);
    return;
  }
  CHECK(lost_values(stage.board) == each_place("1"));
  CHECK(stage.board.conflicts().open().size() == kConflictsPerTell);
}

TEST_CASE("what somebody puts in many places whose values were lost before is lost there once more") {
  Stage stage;
  write_many(stage, {.id = 2, .session = 2, .timestamp_ms = 500}, "1");
  // By those who do not say what they made it of, so that nobody is in conflict with them.
  const auto write_blindly = [&](OperationLike like, const std::string& json) {
    for (int i = 0; i < kManyPlaces; ++i)
      like.value += (i == 0 ? "\"place " : ",\"place ") + std::to_string(i) + "\":" + json;
    like.value = "{" + like.value.substr(2) + "}";
    stage.board.apply(stage.board.sequence() + 1, make_operation(std::move(like)));
  };
  for (std::uint64_t i = 0; i < 3; ++i) write_blindly({.id = 10 + i, .session = 2, .timestamp_ms = 501}, "1");
  bury(stage, 2, kMergeWindowOperations - 3);
  write_many(stage, {.id = 3, .session = 3, .timestamp_ms = 9000}, "2");
  write_blindly({.id = 4, .session = 4, .timestamp_ms = 9001}, "7");
  write_many(stage, {.id = 5, .session = 5, .timestamp_ms = 9002}, "3");
  const auto lost = lost_values(stage.board);
  CHECK(lost.count("/place 120=7") == 1);
  CHECK(lost.count("/place 120=1") == 1);
  // Of those that are in conflicts of their own as well.
  CHECK(lost.count("/place 5=7") == 1);
  CHECK(lost.count("/place 5=1") == 1);
}

TEST_CASE("who loses the same in many places again and again is in the same conflicts") {
  Stage stage;
  write_many(stage, {.id = 2, .session = 2, .timestamp_ms = 500}, "1");
  bury(stage, 2);
  write_many(stage, {.id = 3, .session = 3, .timestamp_ms = 400}, "2");
  REQUIRE(stage.board.conflicts().open().size() == kConflictsPerTell);
  write_many(stage, {.id = 4, .session = 3, .timestamp_ms = 401}, "2");
  CHECK(stage.board.conflicts().open().size() == kConflictsPerTell);
  CHECK(lost_values(stage.board) == each_place("2"));
  for (const Conflict& each : stage.board.conflicts().open()) {
    CHECK(each.number <= kConflictsPerTell);
    CHECK(each.loser.stamp.operation.low == 4);
  }
  SECTION("other values are lost, too") {
    write_many(stage, {.id = 5, .session = 3, .timestamp_ms = 402}, "3");
    auto both = each_place("2");
    both.merge(each_place("3"));
    CHECK(lost_values(stage.board) == both);
  }
  SECTION("and so are another one's") {
    write_many(stage, {.id = 5, .session = 4, .timestamp_ms = 402}, "2");
    CHECK(stage.board.conflicts().open().size() == 2 * kConflictsPerTell);
  }
}

TEST_CASE("what a session writes or has seen counts as older than what it writes next") {
  Stage stage;
  stage.write({.id = 2, .session = 2, .timestamp_ms = 5000}, "/title", "\"x\"");
  const MergedDocument& document = stage.board.document(Record::story);
  CHECK(document.newest_known(SessionId{2}, 0).time == Timestamp{5000});
  CHECK(document.newest_known(SessionId{3}, 0).time == Timestamp{});
  CHECK(document.newest_known(SessionId{3}, 1).time == Timestamp{1});
  CHECK(document.newest_known(SessionId{3}, 2).time == Timestamp{5000});
}

// --- Any order ------------------------------------------------------------------------------------------------------
// Rounds: in each, several authors change what the rounds before made, none having seen another's change of this round. An
// order of arrival is any order within each round; all have the same bases, since a base is what a round began with.

namespace {

struct Written {
  std::vector<Operation> operations;
};

// The same authors' work for whichever order: edits are made of the document at the round's beginning.
std::vector<Written> rounds_of(std::mt19937& random) {
  std::vector<Written> rounds;
  Board board;
  std::uint64_t id = 1;
  board.apply(1, make_operation({.id = id,
                                 .session = 9,
                                 .timestamp_ms = 0,
                                 .value = document::print(*document::random_document(random))}));
  rounds.push_back({{make_operation({.id = id,
                                     .session = 9,
                                     .timestamp_ms = 0,
                                     .value = document::print(*board.document(Record::story).root())})}});
  for (int round = 0; round < 4; ++round) {
    const std::uint64_t base = board.sequence();
    const ValuePtr from = board.document(Record::story).root();
    Written written;
    for (std::uint64_t author = 1; author <= 2 + random() % 4; ++author) {
      ++id;
      const auto timestamp = static_cast<std::int64_t>(round * 10 + static_cast<int>(random() % 15));
      const OperationLike like{.id = id,
                               .session = author,
                               .timestamp_ms = timestamp,
                               .base = base,
                               .counter = static_cast<std::uint32_t>(random() % 2)};
      written.operations.push_back(make_edit(from, document::edited(from, random), like));
      if (random() % 8 == 0) {
        written.operations.back() =
            make_operation({.id = id,
                            .session = author,
                            .timestamp_ms = timestamp,
                            .value = document::print(*document::random_document(random))});
      }
    }
    for (const Operation& each : written.operations) board.apply(board.sequence() + 1, each);
    rounds.push_back(std::move(written));
  }
  return rounds;
}

Board arrived(const std::vector<Written>& rounds) {
  Board board;
  for (const Written& round : rounds) {
    for (const Operation& each : round.operations) board.apply(board.sequence() + 1, each);
  }
  return board;
}

}  // namespace

TEST_CASE("any order of arrival makes the same document and loses the same values") {
  const auto seed = GENERATE(range(1U, 150U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  auto rounds = rounds_of(random);
  const Board expected = arrived(rounds);
  for (int i = 0; i < 5; ++i) {
    for (Written& round : rounds) std::shuffle(round.operations.begin(), round.operations.end(), random);
    const Board other = arrived(rounds);
    CHECK(document::equal(other.document(Record::story).root(), expected.document(Record::story).root()));
    CHECK(lost(other) == lost(expected));
  }
}

TEST_CASE("operations without bases may arrive in any order at all") {
  const auto seed = GENERATE(range(1U, 100U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::vector<Operation> operations;
  for (const Written& round : rounds_of(random)) {
    for (Operation each : round.operations) {
      each.base = 0;
      operations.push_back(std::move(each));
    }
  }
  const Board expected = arrived({{operations}});
  for (int i = 0; i < 5; ++i) {
    std::shuffle(operations.begin(), operations.end(), random);
    CHECK(document::equal(arrived({{operations}}).document(Record::story).root(),
                          expected.document(Record::story).root()));
  }
}

TEST_CASE("a board with merges and conflicts goes on from a snapshot as the one it was") {
  const auto seed = GENERATE(range(1U, 60U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::vector<Operation> operations;
  for (const Written& round : rounds_of(random)) {
    operations.insert(operations.end(), round.operations.begin(), round.operations.end());
  }
  const std::size_t cut = random() % operations.size();
  Board first;
  for (std::size_t i = 0; i < cut; ++i) first.apply(i + 1, operations[i]);
  auto second = Board::decoded(first.encoded());
  REQUIRE(second);
  for (std::size_t i = cut; i < operations.size(); ++i) second->apply(i + 1, operations[i]);
  const Board whole = arrived({{operations}});
  CHECK(second->encoded() == whole.encoded());
  CHECK(lost(*second) == lost(whole));
}

}  // namespace callboard::merge_test
