#include "server/board/board.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "base/limits.h"
#include "tests/unit/server/operations.h"

namespace callboard::board_test {
using namespace callboard::server;

namespace {

std::string text_of(const Board& board, Record record) {
  const auto& root = board.document(record).root();
  return root == nullptr ? "" : document::print(*root);
}

}  // namespace

TEST_CASE("an empty board has no documents and no messages") {
  const Board board;
  CHECK(board.head(Record::story).revision == 0);
  CHECK(board.document(Record::story).root() == nullptr);
  CHECK(board.last_message() == 0);
  CHECK(board.messages_after(0, 10).empty());
}

TEST_CASE("the newest timestamp wins, whichever arrives last") {
  Board board;
  CHECK(board.apply(1, make_operation({.id = 1, .timestamp_ms = 2000, .value = "\"new\""})).won);
  CHECK_FALSE(board.apply(2, make_operation({.id = 2, .timestamp_ms = 1000, .value = "\"old\""})).won);

  CHECK(text_of(board, Record::story) == "\"new\"");
  CHECK(board.head(Record::story).revision == 1);
  CHECK(board.sequence() == 2);
}

TEST_CASE("a tie goes to the greater session, a further tie to the greater operation") {
  Board board;
  board.apply(1, make_operation({.id = 9, .session = 2, .value = "1"}));
  CHECK_FALSE(board.apply(2, make_operation({.id = 10, .session = 1, .value = "2"})).won);
  CHECK_FALSE(board.apply(3, make_operation({.id = 8, .session = 2, .value = "3"})).won);
  CHECK(board.apply(4, make_operation({.id = 10, .session = 2, .value = "4"})).won);
  CHECK(board.head(Record::story).revision == 4);
}

TEST_CASE("story and analytics are arbitrated apart") {
  Board board;
  board.apply(1, make_operation({.id = 1, .timestamp_ms = 5000, .value = "\"story\""}));
  CHECK(board
            .apply(2, make_operation(
                          {.id = 2, .timestamp_ms = 1, .record = Record::analytics, .value = "\"a\""}))
            .won);
  CHECK(text_of(board, Record::story) == "\"story\"");
  CHECK(text_of(board, Record::analytics) == "\"a\"");
}

TEST_CASE("a document is shared with the operation that brought it, not copied") {
  Board board;
  const Operation operation = make_operation({});
  board.apply(1, operation);
  CHECK(board.document(Record::story).text().get() == operation.value.get());
}

TEST_CASE("a repeated operation finds the answer it got") {
  Board board;
  board.apply(1, make_operation({.id = 1, .timestamp_ms = 2000}));
  board.apply(2, make_operation({.id = 2, .timestamp_ms = 1000, .value = "2"}));
  board.apply(3, make_operation({.id = 3, .timestamp_ms = 3000, .value = "3"}));

  CHECK(board.find(UniqueId{7, 1})->won);
  CHECK(board.find(UniqueId{7, 1})->sequence == 1);
  CHECK_FALSE(board.find(UniqueId{7, 2})->won);
  CHECK_FALSE(board.find(UniqueId{7, 4}));
}

TEST_CASE("outcomes of old operations are forgotten, so that memory is bounded") {
  Board board;
  for (std::uint64_t i = 1; i <= kOperationsRemembered + 1; ++i) board.apply(i, make_operation({.id = i}));
  CHECK_FALSE(board.find(UniqueId{7, 1}));
  CHECK(board.find(UniqueId{7, 2}));
}

TEST_CASE("messages are numbered without gaps, whatever else is in the log") {
  Board board;
  board.apply(10, make_operation({.id = 1, .record = Record::messages, .value = "one"}));
  board.apply(20, make_operation({.id = 2}));
  const Applied second =
      board.apply(30, make_operation({.id = 3, .record = Record::messages, .value = "two"}));

  CHECK(second.number == 2);
  const auto messages = board.messages_after(1, 10);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0]->number == 2);
  CHECK(*messages[0]->text == "two");
  CHECK(messages[0]->user == "user 1");
  CHECK(board.messages_after(2, 10).empty());
  CHECK(board.messages_after(99, 10).empty());
}

TEST_CASE("the newest kMessagesKept messages are kept and told in pieces") {
  Board board;
  for (std::uint64_t i = 1; i <= kMessagesKept + 5; ++i) {
    board.apply(i, make_operation({.id = i, .record = Record::messages}));
  }
  const auto oldest = board.messages_after(0, 100);
  REQUIRE(oldest.size() == 100);
  CHECK(oldest.front()->number == 6);
  CHECK(oldest.back()->number == 105);
  CHECK(board.messages_after(kMessagesKept + 4, 100).size() == 1);
}

TEST_CASE("any order of arrival has the same winner") {
  const auto seed = GENERATE(range(1U, 60U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::vector<Operation> operations;
  for (std::uint64_t i = 1; i <= 30; ++i) {
    operations.push_back(make_operation({.id = i,
                                         .session = 1 + random() % 3,
                                         .timestamp_ms = static_cast<std::int64_t>(random() % 5),
                                         .record = random() % 2 == 0 ? Record::story : Record::analytics,
                                         .value = std::to_string(i)}));
  }
  const auto winners = [](const std::vector<Operation>& order) {
    Board board;
    for (std::size_t i = 0; i < order.size(); ++i) board.apply(i + 1, order[i]);
    return std::pair(board.head(Record::story).operation, board.head(Record::analytics).operation);
  };
  const auto expected = winners(operations);
  for (int i = 0; i < 10; ++i) {
    std::shuffle(operations.begin(), operations.end(), random);
    CHECK(winners(operations) == expected);
  }
}

TEST_CASE("a replay from any snapshot equals the replay from the start") {
  const auto seed = GENERATE(range(1U, 20U));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::vector<Operation> operations;
  for (std::uint64_t i = 1; i <= 60; ++i) {
    operations.push_back(make_operation({.id = i,
                                         .session = 1 + random() % 3,
                                         .timestamp_ms = static_cast<std::int64_t>(random() % 20),
                                         .record = static_cast<Record>(1 + random() % 3),
                                         .value = '"' + std::string(random() % 40, 'x') + '"'}));
  }
  Board whole;
  for (std::size_t i = 0; i < operations.size(); ++i) whole.apply(i + 1, operations[i]);
  const std::size_t cut = random() % operations.size();
  Board first;
  for (std::size_t i = 0; i < cut; ++i) first.apply(i + 1, operations[i]);
  auto second = Board::decoded(first.encoded());
  REQUIRE(second);
  for (std::size_t i = cut; i < operations.size(); ++i) second->apply(i + 1, operations[i]);

  CHECK(second->encoded() == whole.encoded());
  CHECK(second->head(Record::story).operation == whole.head(Record::story).operation);
  CHECK(second->last_message() == whole.last_message());
}

TEST_CASE("a snapshot that is cut anywhere or has another format is refused") {
  Board board;
  board.apply(1, make_operation({.id = 1, .value = "\"document\""}));
  board.apply(2, make_operation({.id = 2, .record = Record::messages, .value = "hello"}));
  const Bytes bytes = board.encoded();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO("cut at " << size);
    CHECK_FALSE(Board::decoded(ByteView(bytes).first(size)));
  }
  Bytes longer = bytes;
  longer.push_back(std::byte{0});
  CHECK_FALSE(Board::decoded(longer));
  Bytes other = bytes;
  other[0] = std::byte{7};
  CHECK(Board::decoded(other).error().text == "snapshot: expected format 1-6, got 7");
}

TEST_CASE("a snapshot of the format before it said what documents have forgotten is read") {
  Board board;
  board.apply(1, make_operation({.id = 1, .value = "\"document\""}));
  Bytes older = board.encoded();
  older[0] = std::byte{5};
  CHECK(Board::decoded(older).value().encoded() == board.encoded());
  older[0] = std::byte{4};
  older.resize(older.size() - 2);  // Nothing, of two documents.
  const auto restored = Board::decoded(older);
  REQUIRE(restored);
  CHECK(restored->encoded() == board.encoded());
}

}  // namespace callboard::board_test
