// What the search for conflicts finds, and that it ends.
#include <catch2/catch.hpp>

#include <set>

#include "base/limits.h"
#include "server/board/conflicts.h"
#include "tests/unit/document/random_document.h"
#include "tests/unit/server/operations.h"

namespace callboard::conflicts_test {
using namespace callboard::server;
using document::value;

namespace {

// As a start finds it in a snapshot.
Conflicts kept(const Conflicts& conflicts) {
  Bytes snapshot;
  ByteWriter writer(snapshot);
  conflicts.append_to(writer);
  ByteReader reader(snapshot);
  auto again = Conflicts::from(reader);
  REQUIRE((again && reader.finished()));
  return *std::move(again);
}

}  // namespace

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
  CHECK(document::pointer_text(found[0].path) == "/shots/id=0/at");
  CHECK(document::pointer_text(found[1].path) == "/shots/id=1/at/from");
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
    const Conflicts again = kept(crowd.conflicts);
    CHECK(all_lost({again.open().begin(), again.open().end()}) == shots_with(kPlaces, "1"));
    CHECK(document::pointer_text(again.open().back().path) == "/shots");
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

TEST_CASE("one long path, or what it stood behind, that is lost to many is not kept for each of them") {
  const std::string megabyte(MiB, 'x');
  const std::string lost =
      GENERATE_COPY(R"([{"path":[")" + megabyte + R"("],"value":2}])",
                    R"([{"path":["shots",["id","1"]],"value":{"id":1},"after":"\")" + megabyte + R"(\""}])");
  Crowd crowd(0, 0);
  for (std::uint64_t i = 0; i < 50; ++i) {
    crowd.document.apply(crowd.next, make_operation({.id = crowd.next,
                                                     .session = 2,
                                                     .timestamp_ms = 1'000'000 + static_cast<std::int64_t>(i),
                                                     .value = R"([{"path":[],"value":1}])",
                                                     .base = 1}));
    ++crowd.next;
  }
  const auto found = crowd.find(
      make_operation({.id = crowd.next, .session = 3, .timestamp_ms = 2, .value = lost, .base = 1}));
  CHECK(crowd.work > kConflictWorkMax);
  CHECK(crowd.work <= 2 * kConflictWorkMax);
  // To the newest of them.
  REQUIRE(found.size() == 1);
  CHECK(found[0].winner.revision == crowd.next - 1);
}

TEST_CASE("comparing what is lost with all that was lost at that place before ends") {
  Crowd crowd(0, 0);
  const auto write_note = [&](std::uint64_t session, std::int64_t timestamp_ms, const std::string& json) {
    const auto operation = make_operation({.id = crowd.next,
                                           .session = session,
                                           .timestamp_ms = timestamp_ms,
                                           .value = R"([{"path":["note"],"value":)" + json + "}]",
                                           .base = 1});
    auto found = crowd.find(operation);
    crowd.document.apply(crowd.next++, operation);
    return found;
  };
  for (std::int64_t i = 0; i < 10; ++i) write_note(2, 1'000'000 + i, "1");
  // Equally long, and nothing but the last number tells them apart.
  std::string zeros = "[";
  for (int i = 0; i < 3000; ++i) zeros += "0,";
  for (std::int64_t i = 100; i < 200; ++i) write_note(3, i, zeros + std::to_string(i) + "]");
  CHECK(crowd.work > kConflictWorkMax / 2);
  CHECK(crowd.work <= 2 * kConflictWorkMax);
  CHECK(crowd.conflicts.open().size() == 100);
  // What was lost a moment ago is known again.
  write_note(3, 200, zeros + "199]");
  CHECK(crowd.conflicts.open().size() == 100);
  CHECK(crowd.conflicts.open().back().loser.revision == crowd.next - 1);
}

namespace {

// A document of which nothing but an array of such elements matters, and one who removes some of them unseen by the others.
struct Shots : Crowd {
  explicit Shots(const std::vector<std::string>& ids) : Crowd(0, 0) {
    std::string shots;
    for (const std::string& id : ids) shots += (shots.empty() ? "[{\"id\":" : ",{\"id\":") + id + "}";
    document = MergedDocument();
    document.apply(
        1,
        make_operation(
            {.id = 1, .session = 1, .timestamp_ms = 1, .value = R"({"note":"was","shots":)" + shots + "]}"}));
    bury();
  }
  std::vector<Conflict> remove(const std::vector<std::string>& ids) {
    document::Edits edits;
    for (const std::string& id : ids)
      edits.push_back({document::Edit::Kind::remove, {{"", "shots"}, {"id", id}}, nullptr, {}});
    return find(make_operation({.id = next,
                                .session = next,
                                .timestamp_ms = 1'000'000'000,
                                .value = document::print(edits),
                                .base = 1}));
  }
};

}  // namespace

TEST_CASE("elements that come back one by one come back behind what they stood behind") {
  Shots shots({"1", "2", "3", "4"});
  shots.remove({"2", "3"});
  const auto check = [](const Conflicts& conflicts) {
    REQUIRE(conflicts.open().size() == 2);
    CHECK(edits_of(conflicts.open()[0]).at(0).after == "1");
    CHECK(edits_of(conflicts.open()[1]).at(0).after == "2");
  };
  check(shots.conflicts);
  check(kept(shots.conflicts));
}

TEST_CASE("what an element stood behind is looked for as far as that is little, however long the keys are") {
  std::vector<std::string> ids;
  for (int i = 100; i < 200; ++i) ids.push_back("\"" + std::string(20 * KiB, 'x') + std::to_string(i) + "\"");
  Shots shots(ids);
  const std::vector<std::string> from_behind(ids.rbegin(), ids.rend());
  const auto found = shots.remove(from_behind);
  CHECK(shots.work > kConflictWorkMax / 2);
  CHECK(shots.work <= 2 * kConflictWorkMax);
  REQUIRE(found.size() == 100);
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

}  // namespace callboard::conflicts_test
