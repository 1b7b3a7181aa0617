#include <catch2/catch.hpp>

#include <algorithm>

#include "base/document/parse.h"
#include "base/limits.h"
#include "server/board/board.h"
#include "tests/unit/server/operations.h"

namespace callboard::server::record_table_test {
namespace {

const std::string kPath = "/reviews/sc01";

RecordChange change_of(RecordAction action, const char* fields = "{}", std::string record_class = "") {
  RecordChange change;
  change.action = action;
  change.record_class = std::move(record_class);
  if (action != RecordAction::give && action != RecordAction::remove)
    change.fields = *document::parse(fields);
  if (action == RecordAction::make) change.owner = {SessionId{1}, "user 1"};
  return change;
}

Operation operation_of(std::uint64_t id, const RecordChange& change, const std::string& path = kPath,
                       std::uint64_t base = 0, std::uint64_t session = 1) {
  Operation operation =
      make_operation({.id = id, .session = session, .record = Record::record, .value = print(change)});
  operation.path = path;
  operation.base = base;
  return operation;
}

// A board with one record at revision 1.
Board board_with_record() {
  Board board;
  board.apply(1, operation_of(1, change_of(RecordAction::make, R"({"status":"open"})", "review")));
  return board;
}

}  // namespace

TEST_CASE("a change of a record is what its text says") {
  RecordChange change = change_of(RecordAction::make, R"({"a":[1,{"b":null}]})", "review");
  change.is_owners = true;
  const auto again = parse_record_change(print(change));
  REQUIRE(again);
  CHECK(again->action == RecordAction::make);
  CHECK(again->record_class == "review");
  CHECK(again->owner == RecordOwner{SessionId{1}, "user 1"});
  CHECK(again->is_owners);
  CHECK(document::print(*again->fields) == R"({"a":[1,{"b":null}]})");
  CHECK_FALSE(parse_record_change("{}"));
  CHECK_FALSE(parse_record_change(R"({"do":"make"})"));
  CHECK_FALSE(parse_record_change(R"({"do":"set","fields":[]})"));
  CHECK(parse_record_change(R"({"do":"remove"})"));
}

TEST_CASE("a record is made once, and told as JSON") {
  Board board = board_with_record();
  const auto made = board.find(UniqueId{7, 1});
  REQUIRE(made);
  CHECK(made->outcome == Outcome::done);
  CHECK(made->number == 1);
  CHECK(
      *board.records().find(kPath)->told ==
      R"({"path":"/reviews/sc01","class":"review","owner":"0000000000000001","user":"user 1","by":"user 1",)"
      R"("revision":1,"timestamp":1000,"fields":{"status":"open"}})");
  const Applied again = board.apply(2, operation_of(2, change_of(RecordAction::make, "{}", "review")));
  CHECK(again.outcome == Outcome::superseded);
  CHECK_FALSE(again.won);
  CHECK(board.records().size() == 1);
  CHECK(board.records().find(kPath)->revision == 1);
}

TEST_CASE("set changes some fields, put all of them, remove takes the record away") {
  Board board = board_with_record();
  board.apply(2, operation_of(2, change_of(RecordAction::set, R"({"note":"x","status":null})")));
  CHECK(document::print(*board.records().find(kPath)->fields) == R"({"note":"x"})");
  CHECK(board.records().find(kPath)->revision == 2);
  board.apply(3, operation_of(3, change_of(RecordAction::put, R"({"status":"ok"})")));
  CHECK(document::print(*board.records().find(kPath)->fields) == R"({"status":"ok"})");
  board.apply(4, operation_of(4, change_of(RecordAction::remove)));
  CHECK(board.records().find(kPath) == nullptr);
  CHECK(board.records().size() == 0);
  for (const RecordAction action :
       {RecordAction::set, RecordAction::put, RecordAction::give, RecordAction::remove}) {
    const std::uint64_t next = board.sequence() + 1;
    CHECK(board.apply(next, operation_of(next, change_of(action))).outcome == Outcome::not_found);
  }
  const auto put = board.apply(20, operation_of(20, change_of(RecordAction::put, "{}", "review")));
  CHECK(put.outcome == Outcome::done);
  CHECK(board.records().find(kPath)->record_class == "review");
}

TEST_CASE("a change of another revision than the one that is there is superseded") {
  Board board = board_with_record();
  CHECK(board.apply(2, operation_of(2, change_of(RecordAction::set), kPath, 7)).outcome ==
        Outcome::superseded);
  CHECK(board.apply(3, operation_of(3, change_of(RecordAction::set), kPath, 1)).outcome == Outcome::done);
  CHECK(board.apply(4, operation_of(4, change_of(RecordAction::remove), kPath, 1)).outcome ==
        Outcome::superseded);
  CHECK(board.records().find(kPath)->revision == 3);
}

TEST_CASE("what its owner alone may do is refused to others, until it is given to them") {
  Board board = board_with_record();
  RecordChange owners = change_of(RecordAction::set, R"({"status":"ok"})");
  owners.is_owners = true;
  CHECK(board.apply(2, operation_of(2, owners, kPath, 0, 2)).outcome == Outcome::refused);
  RecordChange give = change_of(RecordAction::give);
  give.is_owners = true;
  give.owner = {SessionId{2}, "user 2"};
  CHECK(board.apply(3, operation_of(3, give, kPath, 0, 2)).outcome == Outcome::refused);
  CHECK(board.apply(4, operation_of(4, give)).outcome == Outcome::done);
  CHECK(board.apply(5, operation_of(5, owners)).outcome == Outcome::refused);
  CHECK(board.apply(6, operation_of(6, owners, kPath, 0, 2)).outcome == Outcome::done);
  CHECK(board.records().find(kPath)->owner == RecordOwner{SessionId{2}, "user 2"});
}

TEST_CASE("a board with records and its snapshot are the same, and go on the same") {
  Board board = board_with_record();
  for (std::uint64_t i = 2; i <= 1000; ++i) {
    board.apply(i, operation_of(i, change_of(RecordAction::make, R"({"n":1})", "shot"),
                                "/shots/" + std::to_string(i)));
  }
  board.apply(1001, operation_of(1001, change_of(RecordAction::make, "{}", "review")));  // Superseded.
  auto restored = Board::decoded(board.encoded());
  REQUIRE(restored);
  CHECK(restored->encoded() == board.encoded());
  CHECK(restored->records().size() == 1000);
  CHECK(restored->find(UniqueId{7, 1001})->outcome == Outcome::superseded);
  CHECK(*restored->records().find("/shots/77")->told == *board.records().find("/shots/77")->told);
  const Operation next = operation_of(2000, change_of(RecordAction::set, R"({"n":2})"), "/shots/77");
  board.apply(2000, next);
  restored->apply(2000, next);
  CHECK(restored->encoded() == board.encoded());
}

TEST_CASE("a record remembers the newest answers of the calls that changed it, in its snapshot as well") {
  const auto count = [](std::uint64_t n, document::ValuePtr result) {
    RecordChange change = change_of(RecordAction::put, R"({"value":1})", "state");
    change.answer = std::make_shared<const RecordAnswer>(
        RecordAnswer{UniqueId{9, n}, "counter.add", UniqueId{8, n}, std::move(result)});
    return operation_of(n, change);
  };
  Board board;
  for (std::uint64_t i = 1; i <= kRecordAnswersKept + 2; ++i) {
    board.apply(i, count(i, document::parse(std::to_string(i)).value()));
  }
  board.apply(100, count(100, nullptr));
  board.apply(101, operation_of(101, change_of(RecordAction::put, R"({"value":2})")));
  auto restored = Board::decoded(board.encoded());
  REQUIRE(restored);
  CHECK(restored->encoded() == board.encoded());
  for (const Board* each : {&board, &*restored}) {
    const RecordStatePtr state = each->records().find(kPath);
    REQUIRE(state->answers.size() == kRecordAnswersKept);
    CHECK(state->answers.front()->op == UniqueId{9, 4});
    CHECK(state->answers.front()->call == "counter.add");
    CHECK(state->answers.front()->asked == UniqueId{8, 4});
    CHECK(document::print(*state->answers.front()->result) == "4");
    CHECK(state->answers.back()->op == UniqueId{9, 100});
    CHECK(state->answers.back()->result == nullptr);
    CHECK(state->told->find("counter.add") == std::string::npos);
  }
  const auto again = parse_record_change(print(*count(7, document::parse("[1]").value()).change));
  REQUIRE(again);
  CHECK(again->answer->op == UniqueId{9, 7});
  CHECK(again->answer->asked == UniqueId{8, 7});
  CHECK(document::print(*again->answer->result) == "[1]");
}

TEST_CASE("a snapshot of the format before answers said who had asked is read") {
  RecordChange change = change_of(RecordAction::put, R"({"value":1})", "state");
  change.answer = std::make_shared<const RecordAnswer>(
      RecordAnswer{UniqueId{9, 1}, "counter.add", UniqueId{8, 1}, nullptr});
  Board board;
  board.apply(1, operation_of(1, change));
  Bytes older = board.encoded();
  older[0] = std::byte{4};
  const auto text = as_bytes("counter.add");
  const auto place = std::search(older.begin(), older.end(), text.begin(), text.end());
  REQUIRE(place != older.end());
  const auto digest = place + static_cast<std::ptrdiff_t>(text.size());
  older.erase(digest, digest + 16);
  older.resize(older.size() - 2);  // Nothing that two documents have forgotten.
  const auto restored = Board::decoded(older);
  REQUIRE(restored);
  const RecordStatePtr state = restored->records().find(kPath);
  REQUIRE(state->answers.size() == 1);
  CHECK(state->answers[0]->op == UniqueId{9, 1});
  CHECK_FALSE(state->answers[0]->asked);
}

TEST_CASE("a snapshot of the format before answers is read") {
  Board board = board_with_record();
  Bytes older = board.encoded();
  older[0] = std::byte{3};
  older.resize(older.size() - 2);  // Nothing that two documents have forgotten.
  // Behind the fields: no answers.
  const std::string fields = R"({"status":"open"})";
  const auto text = as_bytes(fields);
  const auto place = std::search(older.begin(), older.end(), text.begin(), text.end());
  REQUIRE(place != older.end());
  const auto answers = place + static_cast<std::ptrdiff_t>(text.size());
  older.erase(answers, answers + 2);
  const auto restored = Board::decoded(older);
  REQUIRE(restored);
  CHECK(restored->encoded() == board.encoded());
}

TEST_CASE("a copy of a table does not see what becomes of the other") {
  Board board = board_with_record();
  const RecordTable copy = board.records();
  board.apply(2, operation_of(2, change_of(RecordAction::remove)));
  CHECK(board.records().size() == 0);
  REQUIRE(copy.find(kPath) != nullptr);
  CHECK(copy.size() == 1);
}

TEST_CASE(
    "whatever the paths of many records are, a change costs a few hundred of them, and they are in order") {
  RecordTable table;
  std::uint64_t revision = 0;
  const auto make_at = [&](const std::string& path) {
    Operation operation;
    operation.record = Record::record;
    operation.path = path;
    operation.change = std::make_shared<const RecordChange>(change_of(RecordAction::make, "{}", "shot"));
    REQUIRE(table.apply(++revision, operation) == Outcome::done);
  };
  // Forwards, backwards, and in between.
  const auto number = [](int i) { return std::to_string(1'000'000 + i); };
  for (int i = 0; i < 3000; ++i) make_at("/b" + number(i));
  for (int i = 3000; i > 0; --i) make_at("/a" + number(i));
  for (int i = 0; i < 3000; ++i) make_at("/a" + number(i) + "x");
  CHECK(table.size() == 9000);
  CHECK(table.shards() >= 9000 / 512);
  CHECK(table.shards() <= 2 * 9000 / 256 + 1);
  std::vector<std::string> paths;
  table.for_each([&](const RecordStatePtr& each) { paths.push_back(each->path); });
  CHECK(paths.size() == 9000);
  CHECK(std::ranges::is_sorted(paths));
  for (const std::string& path : paths) REQUIRE(table.find(path) != nullptr);
  CHECK(table.find("/a") == nullptr);
  CHECK(table.find("/c") == nullptr);
  // What is left over when nearly all are gone is not in a thousand pieces.
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (i % 300 != 0) table.drop(paths[i]);
  }
  CHECK(table.size() == 30);
  CHECK(table.shards() == 1);
  for (std::size_t i = 0; i < paths.size(); i += 300) {
    REQUIRE(table.find(paths[i]) != nullptr);
    table.drop(paths[i]);
    table.drop(paths[i]);
  }
  CHECK(table.size() == 0);
  CHECK(table.shards() == 0);
}

TEST_CASE("a snapshot of the format before records is read") {
  Board board;
  board.apply(1, make_operation({.id = 1, .record = Record::messages, .value = "hello"}));
  Bytes older = board.encoded();
  older[0] = std::byte{2};
  older.resize(older.size() - 2);  // Nothing that two documents have forgotten.
  older.pop_back();                // The outcome of the only operation.
  // In front of the messages: no records.
  Bytes message;
  ByteWriter writer(message);
  writer.u32(0);
  writer.u32(1);
  writer.text16("user 1");
  const auto place = std::search(older.begin(), older.end(), message.begin(), message.end());
  REQUIRE(place != older.end());
  older.erase(place, place + 4);
  const auto restored = Board::decoded(older);
  REQUIRE(restored);
  CHECK(restored->last_message() == 1);
  CHECK(restored->records().size() == 0);
  CHECK(restored->encoded() == board.encoded());
}

}  // namespace callboard::server::record_table_test
