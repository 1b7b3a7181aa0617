// What the board does not let grow beyond what it, its readers and the next start can hold.
#include <catch2/catch.hpp>

#include "base/document/parse.h"
#include "base/limits.h"
#include "server/board/conflicts.h"
#include "server/drafts.h"
#include "server/editions.h"
#include "tests/unit/document/random_document.h"
#include "tests/unit/server/operations.h"
#include "tests/unit/server/studio.h"

namespace callboard::board_limits_test {
using namespace callboard::server;
using document::value;
using protocol::DocumentState;

namespace {

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

protocol::DocumentWrite write(const TestClient& by, std::string content, std::uint64_t op) {
  protocol::DocumentWrite write;
  write.timestamp = by.wall();
  write.op = UniqueId{5, op};
  write.document = std::make_shared<const std::string>(std::move(content));
  return write;
}

protocol::DocumentWrite write_at(const TestClient& by, const std::string& at, std::string content,
                                 std::uint64_t op, std::uint64_t base) {
  auto part = write(by, std::move(content), op);
  part.at = at;
  part.base = base;
  return part;
}

Error refusal(const Draft& draft, const DraftSources& sources) {
  const auto refused = finished(draft, sources);
  REQUIRE_FALSE(refused);
  return refused.error();
}

}  // namespace

TEST_CASE("a conflict is not settled with what would be nested too deep") {
  Draft draft;
  draft.how = Draft::How::settle;
  draft.operation = make_operation({.base = 1});
  draft.place = {{"", "a"}, {"", "b"}};
  DraftSources sources;
  sources.base = value(R"({"a":{"b":1}})");
  sources.growth.apply(document::Edit{document::Edit::Kind::set, {}, sources.base, {}});
  draft.operation.value = std::make_shared<const std::string>(nested(kJsonDepthMax - 2));
  CHECK(finished(draft, sources));
  draft.operation.value = std::make_shared<const std::string>(nested(kJsonDepthMax - 1));
  CHECK(refusal(draft, sources).outcome == Outcome::usage);
}

TEST_CASE("parts by several authors do not make a document together that nobody can read") {
  Studio studio;
  auto first = studio.visit("rigging");
  auto second = studio.visit("lighting");
  const auto base = first->ask_for<DocumentState>(write(*first, "{}", 1));
  const auto text = [](std::uint64_t bytes) {
    return "\"" + std::string(static_cast<std::size_t>(bytes), 'x') + "\"";
  };
  CHECK(first->ask_for<DocumentState>(write_at(*first, "/a", text(12 * MiB), 2, base.revision)).won);
  const std::string other = text(5 * MiB);
  const auto refused =
      second->ask_for<protocol::ErrorAnswer>(write_at(*second, "/b", other, 3, base.revision));
  CHECK(refused.outcome == Outcome::usage);
  CHECK(refused.text.find("larger than") != std::string::npos);
  // In place of it there is room.
  CHECK(second->ask_for<DocumentState>(write_at(*second, "/a", other, 4, 0)).won);
  protocol::DocumentRead read;
  read.at = "/b";
  CHECK(second->ask_for<protocol::ErrorAnswer>(read).outcome == Outcome::not_found);
}

TEST_CASE("a document has so many values and no more, whoever wrote them") {
  const auto nulls = [](std::uint32_t count) {
    std::string text = "[null";
    for (std::uint32_t i = 1; i < count; ++i) text += ",null";
    return text + "]";
  };
  Draft draft;
  draft.operation = make_operation({});
  // The array itself is one.
  draft.operation.value = std::make_shared<const std::string>(nulls(kDocumentValuesMax - 1));
  CHECK(finished(draft, {}));
  draft.operation.value = std::make_shared<const std::string>(nulls(kDocumentValuesMax));
  const Error refused = refusal(draft, {});
  CHECK(refused.outcome == Outcome::usage);
  CHECK(refused.text.find("more values than a document may have") != std::string::npos);

  // As a patch that copies a row it is quickly made, and quickly read.
  Studio studio;
  auto first = studio.visit("rigging");
  auto second = studio.visit("lighting");
  const auto base =
      first->ask_for<DocumentState>(write(*first, R"({"row":)" + nulls(1000) + R"(,"a":[],"b":[]})", 1));
  const std::string row = R"({"op":"copy","from":"/row","path":")";
  const auto half = [&](TestClient& by, const std::string& at, std::uint64_t op) {
    std::string patch;
    for (std::uint32_t i = 0; i < kDocumentValuesMax / 2 / 1000; ++i)
      patch += (i == 0 ? "[" : ",") + row + at + R"(/-"})";
    auto rows = write(by, patch + "]", op);
    rows.patch = true;
    rows.base = base.revision;
    return rows;
  };
  CHECK(first->ask_for<DocumentState>(half(*first, "/a", 2)).won);
  const auto error = second->ask_for<protocol::ErrorAnswer>(half(*second, "/b", 3));
  CHECK(error.outcome == Outcome::usage);
  CHECK(error.text.find("2000000 values") != std::string::npos);
}

TEST_CASE("a change of what is nested as deep as may be is told so that it can be read") {
  Studio studio;
  auto writer = studio.visit("rigging");
  auto reader = studio.connect();
  reader->patches = true;
  REQUIRE(reader->join("lighting"));
  const std::string rest = std::string(4 * KiB, 'x');
  const auto base = writer->ask_for<DocumentState>(write(*writer, "{\"a\":1,\"b\":\"" + rest + "\"}", 1));
  CHECK(writer->ask_for<DocumentState>(write_at(*writer, "/a", nested(kJsonDepthMax - 1), 2, base.revision))
            .won);
  const auto told = reader->told<DocumentState>();
  REQUIRE_FALSE(told.empty());
  CHECK(told.back().document->find(nested(kJsonDepthMax - 1)) != std::string::npos);
  CHECK(document::parse(*told.back().document));
}

TEST_CASE("old revisions stay in memory while they are few and small") {
  net::Loop loop;
  Board board;
  Editions editions(loop, board, [] {});
  const auto apply = [&](std::uint64_t number, std::uint64_t size_bytes) {
    const std::string text(static_cast<std::size_t>(size_bytes), 'x');
    const auto operation = make_operation({.id = number,
                                           .timestamp_ms = static_cast<std::int64_t>(number),
                                           .value = "\"" + std::to_string(number) + text + "\""});
    board.apply(number, operation);
    editions.on_applied(Record::story, operation.value->size());
  };
  for (std::uint64_t number = 1; number <= 20; ++number) apply(number, 100);
  CHECK(editions.root_at(Record::story, 1) != nullptr);
  for (std::uint64_t number = 21; number <= 32; ++number) apply(number, 4 * MiB);
  CHECK(editions.root_at(Record::story, 20) == nullptr);
  CHECK(editions.root_at(Record::story, 24) == nullptr);
  CHECK(editions.root_at(Record::story, 26) != nullptr);
}

TEST_CASE("values that lost are kept within limits") {
  MergedDocument document;
  Conflicts conflicts;
  document.apply(1, make_operation({.id = 1, .timestamp_ms = 1, .value = R"({"a":0})"}));
  const std::uint64_t large_bytes = 4 * MiB;
  for (std::uint64_t i = 2; i < 30; ++i) {
    const std::string large =
        "\"" + std::to_string(i) + std::string(static_cast<std::size_t>(large_bytes), 'x') + "\"";
    const auto operation = make_operation({.id = i,
                                           .session = i,
                                           .timestamp_ms = static_cast<std::int64_t>(i),
                                           .value = R"([{"path":["a"],"value":)" + large + "}]",
                                           .base = 1});
    conflicts.find(i, operation, document);
    document.apply(i, operation);
  }
  std::uint64_t kept_bytes = 0;
  for (const Conflict& each : conflicts.open()) {
    for (const Side* side : {&each.winner, &each.loser})
      kept_bytes += side->value == nullptr ? 0 : side->value->size_bytes();
  }
  CHECK(kept_bytes <= 2 * kFrameMax);
  CHECK(conflicts.open().size() >= 7);
  // The newest are those that stay.
  CHECK(conflicts.open().back().number == 28 - 1);
}

TEST_CASE("what a change of long ago overwrote in many places comes back place by place") {
  constexpr std::size_t kShots = kConflictsPerTell + 50;
  const auto shots = [](char value) {
    std::string text;
    for (std::size_t i = 0; i < kShots; ++i)
      text += (i == 0 ? "{\"" : ",\"") + std::to_string(i) + "\":" + value;
    return text + "}";
  };
  const auto patch_of = [](const TestClient& by, char value, std::uint64_t op, std::uint64_t base) {
    std::string text;
    for (std::size_t i = 0; i < kShots; ++i) {
      text += (i == 0 ? "[" : ",") + std::string(R"({"op":"replace","path":"/shots/)") + std::to_string(i) +
              R"(","value":)" + value + "}";
    }
    auto patch = write(by, text + "]", op);
    patch.patch = true;
    patch.base = base;
    return patch;
  };
  const auto read_shots = [](TestClient& by) {
    protocol::DocumentRead ask;
    ask.at = "/shots";
    return *by.ask_for<DocumentState>(ask).document;
  };
  Studio studio;
  auto busy = studio.join("lighting");
  auto late = studio.join("rigging");
  const auto base =
      busy->ask_for<DocumentState>(write(*busy, "{\"shots\":" + shots('0') + ",\"note\":0}", 1));
  const auto last = busy->ask_for<DocumentState>(patch_of(*busy, '1', 2, base.revision));
  std::vector<protocol::ClientMessage> more;
  for (std::uint64_t i = 0; i <= kMergeWindowOperations; ++i)
    more.emplace_back(write_at(*busy, "/note", std::to_string(i), 10 + i, last.revision));
  busy->ask_all(std::move(more));
  CHECK(late->ask_for<DocumentState>(patch_of(*late, '2', 3, base.revision)).conflicts == kConflictsPerTell);
  REQUIRE(read_shots(*late) == shots('2'));
  const auto open = late->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts;
  REQUIRE(open.size() == kConflictsPerTell);
  CHECK(open.back().at == "/shots");
  CHECK(open.back().places == 51);
  // What others do elsewhere meanwhile stays, and so does what was chosen for the other conflicts.
  busy->ask_for<DocumentState>(write_at(*busy, "/shots/1", "9", 5, 0));
  // Not what encloses them: that is others' work as well.
  auto replaced = write(*late, "{}", 6);
  replaced.settles = open.back().number;
  CHECK(late->ask_for<protocol::ErrorAnswer>(replaced).outcome == Outcome::usage);
  auto taken = write(*late, "", 4);
  taken.document = nullptr;
  taken.settles = open.back().number;
  taken.take = true;
  late->ask_for<DocumentState>(taken);
  std::string expected = "{";
  for (std::size_t i = 0; i < kShots; ++i) {
    const char* value = i == 1 ? "9" : i < kConflictsPerTell - 1 ? "2" : "1";
    expected += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + value;
  }
  CHECK(read_shots(*late) == expected + "}");
}

TEST_CASE("of what is to be brought back, those whose places are gone for good are left out") {
  const document::Path here{{"", "here"}};
  const document::Path within{{"", "gone"}, {"", "note"}};
  const document::Path nowhere{{"", "never"}, {"", "note"}};
  using Kind = document::Edit::Kind;
  DraftSources sources;
  sources.growth.apply({Kind::set, {}, value(R"({"here":1,"gone":{"note":1}})"), {}});
  sources.growth.apply({Kind::remove, {{"", "gone"}}, nullptr, {}});
  Draft draft;
  draft.operation.settles = 3;
  draft.how = Draft::How::settle;
  draft.lost = {{Kind::set, here, value("2"), {}},
                {Kind::set, nowhere, value("2"), {}},
                {Kind::set, within, value("2"), {}},
                {Kind::remove, {{"", "away"}}, nullptr, {}}};
  const auto settled = finished(draft, sources);
  REQUIRE(settled);
  CHECK(
      document::print(*settled->edits) ==
      R"([{"path":["here"],"value":2},{"path":["gone","note"],"value":2},{"path":["away"],"remove":true}])");
  draft.lost = {{Kind::set, nowhere, value("2"), {}}};
  CHECK(refusal(draft, sources).outcome == Outcome::superseded);
}

TEST_CASE("in place of an element may be put what is found by another key, or by none") {
  const std::string put = GENERATE(R"({"id":10,"name":"b"})", "7");
  DraftSources sources;
  sources.growth.apply({document::Edit::Kind::set, {}, value(R"({"shots":[{"id":9}]})"), {}});
  Draft draft;
  draft.operation = make_operation({.value = put, .settles = 4});
  draft.how = Draft::How::settle;
  draft.place = {{"", "shots"}, {"id", "9"}};
  const auto settled = finished(draft, sources);
  REQUIRE(settled);
  CHECK(document::print(*settled->edits) == R"([{"path":["shots",["id","9"]],"value":)" + put + "}]");
  draft.place.front().key = "scenes";
  CHECK(refusal(draft, sources).outcome == Outcome::superseded);
}

TEST_CASE("a conflict whose place is gone for good stays open until somebody keeps what stands") {
  Studio studio;
  auto first = studio.join("rigging");
  auto second = studio.join("lighting");
  const std::string large(kGraveBytesMax, 'x');
  const auto base = first->ask_for<DocumentState>(
      write(*first, R"({"shot":{"note":0,"large":")" + large + R"("},"end":0})", 1));
  first->ask_for<DocumentState>(write_at(*first, "/shot/note", "1", 2, base.revision));
  REQUIRE(second->ask_for<DocumentState>(write_at(*second, "/shot/note", "2", 3, base.revision)).conflicts ==
          1);
  auto removal = write(*first, R"([{"op":"remove","path":"/shot"}])", 4);
  removal.patch = true;
  first->ask_for<DocumentState>(removal);
  auto settle = write(*second, "3", 5);
  settle.settles = 1;
  CHECK(second->ask_for<protocol::ErrorAnswer>(settle).outcome == Outcome::superseded);
  settle.document = nullptr;
  settle.take = true;
  settle.op = UniqueId{5, 6};
  const auto refused = second->ask_for<protocol::ErrorAnswer>(settle);
  CHECK(refused.outcome == Outcome::superseded);
  CHECK(
      refused.text ==
      "conflict 1: nothing can be put there any more, what held it is gone for good; what was lost is in the "
      "history still, and what stands can be kept");
  CHECK(second->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts.size() == 1);
  settle.take = false;
  settle.op = UniqueId{5, 7};
  second->ask_for<DocumentState>(settle);
  CHECK(second->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts.empty());
  CHECK(*second->ask_for<DocumentState>(protocol::DocumentRead{}).document == R"({"end":0})");
}

}  // namespace callboard::board_limits_test
