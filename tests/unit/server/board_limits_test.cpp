// What the board does not let grow beyond what it, its readers and the next start can hold.
#include <catch2/catch.hpp>

#include <set>

#include "base/document/parse.h"
#include "base/limits.h"
#include "server/board/conflicts.h"
#include "server/drafts.h"
#include "server/editions.h"
#include "tests/unit/server/operations.h"
#include "tests/unit/server/studio.h"

namespace callboard::board_limits_test {
using namespace callboard::server;
using protocol::DocumentState;

namespace {

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

document::ValuePtr value(const std::string& json) {
  auto parsed = document::parse(json);
  REQUIRE(parsed);
  return *parsed;
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
  const auto refused = finished(draft, sources);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::usage);
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
  const auto refused = finished(draft, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::usage);
  CHECK(refused.error().text.find("more values than a document may have") != std::string::npos);

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

TEST_CASE("many edits meet those that each with each would find") {
  // More pairs than are tried one by one.
  std::string before = "{\"shots\":[";
  std::string after[2] = {before, before};
  constexpr int kShots = 100;
  for (int i = 0; i < kShots; ++i) {
    const std::string comma = i ? "," : "";
    const std::string id = comma + "{\"id\":" + std::to_string(i) + ",\"at\":";
    before += id + "{\"from\":0,\"to\":0}}";
    // Within one another, the same place, the same value, and places that do not meet.
    after[0] += i % 4 == 0 ? id + "5}" : id + "{\"from\":1,\"to\":0}}";
    after[1] += i % 4 == 1   ? id + "{\"from\":2,\"to\":0}}"
                : i % 4 == 2 ? id + "{\"from\":1,\"to\":0}}"
                             : id + "{\"from\":0,\"to\":3}}";
  }
  const auto base = value(before + "]}");
  MergedDocument document;
  document.apply(1, make_operation({.id = 1, .session = 9, .timestamp_ms = 1, .value = before + "]}"}));
  document.apply(2, make_edit(base, value(after[0] + "]}"), {.id = 2, .session = 2, .base = 1}));
  Conflicts conflicts;
  const auto found = conflicts.find(
      3, make_edit(base, value(after[1] + "]}"), {.id = 3, .session = 3, .timestamp_ms = 2000, .base = 1}),
      document);
  REQUIRE(found.size() == kShots / 2);
  CHECK(document::pointer_text(found[0].path) == "/shots/0/at");
  CHECK(document::pointer_text(found[1].path) == "/shots/1/at/from");
  CHECK(found[1].winner.value != nullptr);
  CHECK(found[0].winner.value == nullptr);
}

namespace {

// One that changes so many places, the same as the others or of its author alone.
Operation many_edits(std::uint64_t number, int count, bool is_same, const std::string& value = "1") {
  const std::string begin = R"({"path":["shots",")" + (is_same ? "" : std::to_string(number) + "-");
  std::string edits;
  for (int i = 0; i < count; ++i) {
    edits += edits.empty() ? "[" : ",";
    edits += begin + std::to_string(i) + R"("],"value":)" + value + "}";
  }
  return make_operation({.id = number,
                         .session = number,
                         .timestamp_ms = static_cast<std::int64_t>(1000 * number),
                         .value = edits + "]",
                         .base = 1});
}

// A document with a note, and what so many authors did to it who had seen nothing else.
struct Crowd {
  Crowd(std::uint64_t authors, int edits_each, bool is_same = true) {
    document.apply(
        1,
        make_operation({.id = 1, .session = 1, .timestamp_ms = 1, .value = R"({"note":"was","shots":{}})"}));
    Operation edits;
    for (next = 2; next < 2 + authors; ++next) {
      // Reading as many for each takes longest.
      if (next == 2 || !is_same) edits = many_edits(next, edits_each, is_same);
      edits.id = UniqueId{7, next};
      edits.session = SessionId{next};
      edits.timestamp = {static_cast<std::int64_t>(1000 * next)};
      document.apply(next, edits);
    }
  }
  std::vector<Conflict> find(const Operation& operation) {
    const std::uint64_t before = conflicts.work();
    auto found = conflicts.find(next, operation, document);
    work = conflicts.work() - before;
    return found;
  }
  // All that came so far is forgotten, for what one author adds who has seen it.
  void bury() {
    for (std::size_t i = 0; i <= kMergeWindowOperations; ++i, ++next) {
      Operation more = note(static_cast<std::int64_t>(1000 * next));
      more.session = SessionId{2};
      document.apply(next, more);
    }
  }
  Operation note(std::int64_t timestamp_ms) const {
    return make_operation({.id = next,
                           .session = next,
                           .timestamp_ms = timestamp_ms,
                           .value = R"([{"path":["note"],"value":"mine"}])",
                           .base = 1});
  }

  MergedDocument document;
  Conflicts conflicts;
  std::uint64_t next = 0;
  std::uint64_t work = 0;
};

// What can be brought back from them: "/shots/7=1" …
std::set<std::string> all_lost(const std::vector<Conflict>& conflicts) {
  std::set<std::string> lost;
  for (const Conflict& each : conflicts) {
    for (const document::Edit& edit : edits_of(each)) {
      const std::string value = edit.value == nullptr ? "nothing" : document::print(*edit.value);
      lost.insert(document::pointer_text(edit.path) + "=" + value);
    }
  }
  return lost;
}

std::set<std::string> shots_with(int count, const std::string& value) {
  std::set<std::string> shots;
  for (int i = 0; i < count; ++i) shots.insert("/shots/" + std::to_string(i) + "=" + value);
  return shots;
}

}  // namespace

TEST_CASE(
    "a small edit with an old base is compared with everything it has not seen, as far as that is little") {
  Crowd crowd(20, 5000);
  CHECK(crowd.find(crowd.note(1'000'000)).empty());
  CHECK(crowd.work == 20 * 5000);
}

TEST_CASE("the search for conflicts ends, and what is older than that counts as having changed everything") {
  Crowd crowd(60, 5000);
  const std::uint64_t looked_at = kConflictWorkMax / 5000 + 1;
  const std::uint64_t taken_as_all = crowd.next - 1 - looked_at;

  // The newest edit: what stood there may have been lost.
  const auto newest = crowd.find(crowd.note(1'000'000));
  CHECK(crowd.work <= kConflictWorkMax + 5000);
  REQUIRE(newest.size() == 1);
  CHECK(document::pointer_text(newest[0].path) == "/note");
  CHECK(newest[0].winner.revision == crowd.next);
  CHECK(newest[0].loser.revision == taken_as_all);
  REQUIRE(newest[0].loser.value != nullptr);
  CHECK(document::print(*newest[0].loser.value) == "\"was\"");

  // One that arrives late: what it says may have been lost.
  const auto late = crowd.find(crowd.note(1500));
  CHECK(crowd.work <= kConflictWorkMax + 5000);
  REQUIRE(late.size() == 1);
  CHECK(late[0].loser.revision == crowd.next);
  CHECK(document::print(*late[0].loser.value) == "\"mine\"");
  CHECK(late[0].winner.revision == taken_as_all);
  CHECK(late[0].winner.value == nullptr);

  // One of several places: all of them are in one conflict.
  const auto wide =
      crowd.find(make_operation({.id = crowd.next,
                                 .session = crowd.next,
                                 .timestamp_ms = 1'000'000,
                                 .value = R"([{"path":["note"],"value":1},{"path":["end"],"value":1}])",
                                 .base = 1}));
  CHECK(crowd.work <= kConflictWorkMax + 2 * 5000);
  REQUIRE(wide.size() == 1);
  CHECK(wide[0].path.empty());
  CHECK(wide[0].loser.value == nullptr);
  CHECK(all_lost(wide) == std::set<std::string>{R"(/note="was")", "/end=nothing"});
}

TEST_CASE("of those that are not compared, who is newer than a change and who is older are two conflicts") {
  Crowd crowd(60, 5000);
  // Between the twentieth and the next: what it says may be lost to those after it, what stood there to it.
  const auto found = crowd.find(make_operation({.id = crowd.next,
                                                .session = crowd.next,
                                                .timestamp_ms = 5500,
                                                .value = R"([{"path":["note"],"value":"mine"}])",
                                                .base = 1}));
  REQUIRE(found.size() == 2);
  CHECK(found[0].winner.revision == crowd.next);
  CHECK(found[0].loser.revision == 5);
  CHECK(document::print(*found[0].loser.value) == "\"was\"");
  CHECK(found[1].winner.revision > found[0].loser.revision);
  CHECK(found[1].loser.revision == crowd.next);
  CHECK(document::print(*found[1].loser.value) == "\"mine\"");
}

TEST_CASE(
    "however many places are lost to one edit, no more conflicts are found than are kept, and all is in "
    "one") {
  Crowd crowd(3, 12'000);
  Operation mine = many_edits(crowd.next, 12'000, true, "2");
  mine.timestamp = {1500};
  const auto found = crowd.find(mine);
  REQUIRE(found.size() < kConflictsKept);
  CHECK(crowd.conflicts.open().size() == found.size());
  CHECK(crowd.work > kConflictWorkMax);
  CHECK(all_lost(found) == shots_with(12'000, "2"));
  for (const Conflict& each : found) CHECK(each.loser.revision == crowd.next);
}

TEST_CASE("all that is lost without being compared is in a conflict, however many places it is") {
  constexpr int kPlaces = 3 * static_cast<int>(kConflictsPerTell);
  Crowd crowd(1, kPlaces);
  crowd.bury();
  Operation mine = many_edits(crowd.next, kPlaces, true, "2");
  SECTION("what stood there") {
    const auto found = crowd.find(mine);
    CHECK(found.size() == kConflictsPerTell);
    CHECK(all_lost(found) == shots_with(kPlaces, "1"));
    CHECK(document::pointer_text(found.front().path) == "/shots/0");
    CHECK(document::pointer_text(found.back().path) == "/shots");
    CHECK(found.back().winner.revision == crowd.next);
    CHECK(size_of(found.back()) < 300 * kPlaces);
    CHECK(size_of(found.back()) > (kPlaces - kConflictsPerTell) * 80);
    // A snapshot keeps all of it.
    Bytes kept;
    ByteWriter writer(kept);
    crowd.conflicts.append_to(writer);
    ByteReader reader(kept);
    const auto again = Conflicts::from(reader);
    REQUIRE((again && reader.finished()));
    CHECK(all_lost({again->open().begin(), again->open().end()}) == shots_with(kPlaces, "1"));
    CHECK(document::pointer_text(again->open().back().path) == "/shots");
  }
  SECTION("what it says") {
    mine.timestamp = {1500};
    const auto found = crowd.find(mine);
    CHECK(found.size() == kConflictsPerTell);
    CHECK(all_lost(found) == shots_with(kPlaces, "2"));
    CHECK(found.back().loser.revision == crowd.next);
  }
  SECTION("what it says of something that is gone") {
    Operation removal = crowd.note(1'000'000'000);
    removal.session = SessionId{2};
    removal.value = std::make_shared<const std::string>(R"([{"path":["shots"],"remove":true}])");
    removal.edits = std::make_shared<const document::Edits>(document::parse_edits(*removal.value).value());
    crowd.document.apply(crowd.next, removal);
    REQUIRE(crowd.document.root()->member("shots") == nullptr);
    ++crowd.next;
    mine.id = UniqueId{7, crowd.next};
    mine.timestamp = {1500};
    CHECK(all_lost(crowd.find(mine)) == shots_with(kPlaces, "2"));
  }
  SECTION("no more than is told at once, where it is just as many") {
    mine = many_edits(crowd.next, static_cast<int>(kConflictsPerTell), true, "2");
    const auto found = crowd.find(mine);
    CHECK(found.size() == kConflictsPerTell);
    CHECK(document::pointer_text(found.back().path) == "/shots/99");
  }
}

TEST_CASE("elements of an array that come back together come back behind what they stood behind") {
  // All of them, or every other one.
  const int step = GENERATE(1, 2);
  std::string shots;
  std::string removals;
  for (int i = 0; i < 150 * step; ++i) {
    const std::string id = std::to_string(i);
    shots += (i == 0 ? "[{\"id\":" : ",{\"id\":") + id + "}";
    if (i % step != step - 1) continue;
    removals += (removals.empty() ? "[" : ",") + std::string(R"({"path":["shots",["id",")") + id +
                R"("]],"remove":true})";
  }
  Crowd crowd(0, 0);
  crowd.document = MergedDocument();
  crowd.document.apply(
      1,
      make_operation(
          {.id = 1, .session = 1, .timestamp_ms = 1, .value = R"({"note":"was","shots":)" + shots + "]}"}));
  crowd.bury();
  const auto found = crowd.find(make_operation({.id = crowd.next,
                                                .session = crowd.next,
                                                .timestamp_ms = 1'000'000'000,
                                                .value = removals + "]",
                                                .base = 1}));
  REQUIRE(found.size() == kConflictsPerTell);
  const document::Edits back = edits_of(found.back());
  REQUIRE(back.size() == 51);
  for (const document::Edit& each : back)
    CHECK(each.after == std::to_string(std::stoi(each.path.back().key) - 1));
}

TEST_CASE("many edits that meet many small ones are found within the same limit") {
  Crowd crowd(300, 10, false);
  std::string edits;
  for (std::uint64_t author = 2; author < 302; ++author) {
    edits += edits.empty() ? "[" : ",";
    edits += R"({"path":["shots",")" + std::to_string(author) + R"(-3"],"value":2})";
  }
  const auto mine = make_operation(
      {.id = crowd.next, .session = crowd.next, .timestamp_ms = 5'000'000, .value = edits + "]", .base = 1});
  const auto found = crowd.find(mine);
  CHECK(found.size() == 300);
  CHECK(document::pointer_text(found[0].path) == "/shots/2-3");
  CHECK(document::pointer_text(found[299].path) == "/shots/301-3");
  CHECK(crowd.work <= kConflictWorkMax);
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
  const auto refused = finished(draft, sources);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::superseded);
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
