// Documents through the server: parts and patches, merging, conflicts, history, clocks that are wrong.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>

#include "base/document/json_patch.h"
#include "base/document/parse.h"
#include "server/floor.h"
#include "server/store/sqlite_log.h"
#include "tests/unit/server/document_asks.h"
#include "tests/unit/server/operations.h"
#include "tests/unit/server/small_disk.h"
#include "tests/unit/server/studio.h"

namespace callboard::documents_test {
using namespace callboard::server;
using protocol::DocumentState;

namespace {

constexpr std::int64_t kHour = 3'600'000;
// A client of the tests is told when it asks.
void comes_to_hear_writable(Studio& studio, TestClient& client) {
  const Instant limit = studio.loop.now() + kPatience;
  while (!client.told<protocol::Writable>().back().writable && studio.loop.now() < limit) {
  }
  CHECK(client.told<protocol::Writable>().back().writable);
}

std::string patched(const std::string& from, const DocumentState& by) {
  const auto document = document::apply_patch(*document::parse(from), *by.document);
  REQUIRE(document);
  return document::print(**document);
}

}  // namespace

TEST_CASE("a part is written and read by its place, and told as what changed") {
  Studio studio;
  auto writer = join(studio, "rigging");
  auto reader = join(studio, "lighting");
  const auto first = writer->ask_for<DocumentState>(write(*writer, kStory, 1));
  reader->told<DocumentState>();
  reader->heard.clear();

  const auto part =
      writer->ask_for<DocumentState>(write_at(*writer, "/scenes/2/note", "\"dim\"", 2, first.revision));
  CHECK(part.won);
  CHECK(part.number == part.revision);
  CHECK(part.from == first.revision);
  CHECK(read(*writer, "/scenes/2/note") == "\"dim\"");
  const auto told = reader->told<DocumentState>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].from == first.revision);
  CHECK(*told[0].document == R"([{"op":"replace","path":"/scenes/1/note","value":"dim"}])");
  CHECK(read(*reader) == patched(kStory, told[0]));

  const auto nowhere = writer->ask_for<protocol::ErrorAnswer>(write_at(*writer, "/acts/1", "1", 3, 0));
  CHECK(nowhere.outcome == Outcome::not_found);
  CHECK(nowhere.text == "set \"/acts/1\": nothing is there");
  CHECK(writer->ask_for<protocol::ErrorAnswer>(write_at(*writer, "/title", "oops", 4, 0)).outcome ==
        Outcome::usage);
}

TEST_CASE(
    "who sent a whole that others' work was merged into is not left to take what he sent for what it "
    "became") {
  Studio studio;
  auto writer = join(studio, "rigging");
  const auto first = writer->ask_for<DocumentState>(write(*writer, R"({"a":1,"b":1})", 1));
  auto old_program = studio.join("lighting");  // Is told wholes.
  writer->ask_for<DocumentState>(write_at(*writer, "/b", "2", 2, first.revision));
  auto whole = write(*old_program, R"({"a":2,"b":1})", 3);
  whole.base = first.revision;
  CHECK(*old_program->ask_for<DocumentState>(whole).document == R"({"a":2,"b":2})");
  writer->ask_for<DocumentState>(write_at(*writer, "/b", "3", 4, 3));
  old_program->told<DocumentState>();
  // Asked again, after he was told of something newer.
  const auto again = old_program->ask_for<DocumentState>(whole);
  CHECK(again.won);
  REQUIRE(again.document != nullptr);
  CHECK(*again.document == R"({"a":2,"b":3})");
}

TEST_CASE("what is read of a large document is never older than what was there when it was asked for") {
  Studio studio;
  auto writer = join(studio, "rigging");
  const std::string large = R"({"note":"dark","text":")" + std::string(100'000, 'x') + "\"}";
  const auto first = writer->ask_for<DocumentState>(write(*writer, large, 1));
  auto reader = studio.visit("lighting");
  CHECK(read(*reader).size() == large.size());
  for (std::uint64_t op = 2; op < 5; ++op) {
    const auto next =
        writer->ask_for<DocumentState>(write_at(*writer, "/note", std::to_string(op), op, first.revision));
    const auto state = reader->ask_for<DocumentState>(protocol::DocumentRead{});
    CHECK(state.revision == next.revision);
    CHECK(state.document->starts_with("{\"note\":" + std::to_string(op)));
  }
}

TEST_CASE("a writer whose document was merged with others' work is brought up to date by the answer") {
  Studio studio;
  auto first = join(studio, "rigging");
  auto second = join(studio, "lighting");
  const auto base = first->ask_for<DocumentState>(write(*first, kStory, 1));
  second->told<DocumentState>();
  first->ask_for<DocumentState>(write_at(*first, "/scenes/0/note", "\"darker\"", 2, base.revision));

  auto whole = write(
      *second,
      R"({"title":"Khazad","scenes":[{"id":1,"note":"dark and long enough"},{"id":2,"note":"bright and long enough"}]})",
      3);
  whole.base = base.revision;
  const auto merged = second->ask_for<DocumentState>(whole);
  CHECK(merged.won);
  CHECK(merged.conflicts == 0);
  REQUIRE(merged.document != nullptr);
  const std::string expected =
      R"({"title":"Khazad","scenes":[{"id":1,"note":"darker"},{"id":2,"note":"bright and long enough"}]})";
  CHECK(read(*first) == expected);
  CHECK(read(*second) == expected);
}

TEST_CASE(
    "a writer who was told before the answer what his document became is not left to believe that it is "
    "his") {
  for (const bool patches : {true, false}) {
    Studio studio;
    auto first = join(studio, "rigging");
    auto second = studio.connect();
    second->patches = patches;
    REQUIRE(second->join("lighting"));
    const auto base = first->ask_for<DocumentState>(write(*first, kStory, 1));
    second->told<DocumentState>();
    first->ask_for<DocumentState>(write_at(*first, "/scenes/0/note", "\"darker\"", 2, base.revision));
    auto whole = write(*second, R"({"title":"Khazad","scenes":[{"id":1,"note":"dark and long enough"}]})", 3);
    whole.base = base.revision;
    const auto merged = second->ask_for<DocumentState>(whole);
    REQUIRE(merged.document != nullptr);
    // Nothing changes by this, but it is not what stands there.
    auto same = write(*second, kStory, 4);
    same.base = base.revision;
    const auto answer = second->ask_for<DocumentState>(same);
    CHECK(answer.won);
    CHECK(answer.number > merged.number);
    CHECK(answer.revision == merged.revision);
    CHECK((answer.document == nullptr) == patches);
    CHECK(answer.from == (patches ? merged.revision : 0));
    if (!patches) CHECK(*answer.document == read(*first));
  }
}

TEST_CASE("a patch is applied to what its author had, and one that does not fit is refused") {
  Studio studio;
  auto writer = join(studio, "rigging");
  const auto base = writer->ask_for<DocumentState>(write(*writer, kStory, 1));
  auto patch = write(
      *writer, R"([{"op":"test","path":"/title","value":"Moria"},{"op":"remove","path":"/scenes/0"}])", 2);
  patch.patch = true;
  patch.base = base.revision;
  CHECK(writer->ask_for<DocumentState>(patch).won);
  CHECK(read(*writer) == R"({"title":"Moria","scenes":[{"id":2,"note":"bright and long enough"}]})");
  patch.op = UniqueId{5, 3};
  patch.base = 0;
  patch.document = std::make_shared<const std::string>(R"([{"op":"test","path":"/title","value":"Khazad"}])");
  CHECK(writer->ask_for<protocol::ErrorAnswer>(patch).outcome == Outcome::superseded);
}

TEST_CASE("both authors of a conflict are told of it at once, and anybody can settle it") {
  Studio studio;
  auto first = join(studio, "rigging");
  auto second = join(studio, "lighting");
  const auto base = first->ask_for<DocumentState>(earlier(write(*first, kStory, 1), 2000));
  first->ask_for<DocumentState>(earlier(write_at(*first, "/title", "\"Balin\"", 2, base.revision), 1000));
  const auto winner =
      second->ask_for<DocumentState>(write_at(*second, "/title", "\"Khazad\"", 3, base.revision));
  CHECK(winner.won);
  CHECK(winner.conflicts == 1);

  for (TestClient* author : {first.get(), second.get()}) {
    const auto told = author->told<protocol::Conflicts>();
    REQUIRE(told.size() == 1);
    const protocol::Conflict& conflict = told[0].conflicts.at(0);
    CHECK(conflict.at == "/title");
    CHECK(conflict.winner.user == "lighting");
    CHECK(conflict.winner.value == "\"Khazad\"");
    CHECK(conflict.loser.user == "rigging");
    CHECK(conflict.loser.value == "\"Balin\"");
  }
  auto other = studio.visit("render");
  CHECK(other->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts.size() == 1);

  auto settle = write(*other, "", 4);
  settle.document = nullptr;
  settle.settles = 1;
  settle.take = true;
  CHECK(other->ask_for<DocumentState>(settle).won);
  CHECK(read(*other, "/title") == "\"Balin\"");
  CHECK(other->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts.empty());
  settle.op = UniqueId{5, 5};
  CHECK(other->ask_for<protocol::ErrorAnswer>(settle).outcome == Outcome::not_found);
}

TEST_CASE(
    "who was not here when a conflict was found is told of it when they join, once and as a user alone") {
  Studio studio;
  auto loser = studio.join_resumable("rigging");
  auto other = join(studio, "lighting");
  const auto base = loser->ask_for<DocumentState>(earlier(write(*loser, kStory, 1), 2000));
  loser->ask_for<DocumentState>(earlier(write_at(*loser, "/title", "\"Balin\"", 2, base.revision), 1000));
  loser->say(protocol::Bye{Outcome::done, "gone"});
  REQUIRE(other->comes_to_see(1));
  other->ask_for<DocumentState>(write_at(*other, "/title", "\"Khazad\"", 3, base.revision));

  CHECK(studio.visit("rigging")->told<protocol::Conflicts>().empty());
  CHECK(studio.join("animation")->told<protocol::Conflicts>().empty());
  auto back = studio.join_resumable("rigging");
  const auto told = back->told<protocol::Conflicts>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].conflicts.at(0).number == 1);
  CHECK(told[0].conflicts.at(0).loser.value == "\"Balin\"");
  SECTION("and not when the session comes back") {
    studio.lose(*back, *other);
    auto again = studio.connect();
    REQUIRE(again->resume(*back, "rigging"));
    CHECK(again->welcome.resumed);
    CHECK(again->told<protocol::Conflicts>().empty());
  }
  SECTION("nor in the next session") {
    back->say(protocol::Bye{Outcome::done, "gone"});
    REQUIRE(other->comes_to_see(1));
    CHECK(studio.join("rigging")->told<protocol::Conflicts>().empty());
  }
  CHECK(other->told<protocol::Conflicts>().size() == 1);
}

TEST_CASE(
    "a change made from a revision of long ago is a conflict where others changed the same part, and nowhere "
    "else") {
  Studio studio;
  auto busy = join(studio, "lighting");
  auto late = join(studio, "rigging");
  const auto base =
      busy->ask_for<DocumentState>(write(*busy, R"({"title":"Moria","note":"dark","end":"bright"})", 1));
  const auto last = busy->ask_for<DocumentState>(write_at(*busy, "/title", "\"Khazad\"", 2, base.revision));
  std::vector<protocol::ClientMessage> more;
  for (std::uint64_t i = 0; i <= kMergeWindowOperations; ++i)
    more.emplace_back(write_at(*busy, "/note", std::to_string(i), 10 + i, last.revision));
  busy->ask_all(std::move(more));
  const auto apart = late->ask_for<DocumentState>(write_at(*late, "/end", "\"dim\"", 3, base.revision));
  CHECK(apart.won);
  CHECK(apart.conflicts == 0);
  const auto met = late->ask_for<DocumentState>(write_at(*late, "/title", "\"Balin\"", 4, base.revision));
  CHECK(met.conflicts == 1);
  const auto told = busy->told<protocol::Conflicts>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].conflicts.at(0).at == "/title");
  CHECK(told[0].conflicts.at(0).loser.value == "\"Khazad\"");
}

TEST_CASE(
    "what was told of a conflict into a connection that was lost for good is told when they join again") {
  ServerOptions options;
  options.grace = 0s;
  Studio studio(options);
  auto loser = join(studio, "rigging");
  auto other = join(studio, "lighting");
  const auto base = loser->ask_for<DocumentState>(earlier(write(*loser, kStory, 1), 2000));
  loser->ask_for<DocumentState>(earlier(write_at(*loser, "/title", "\"Balin\"", 2, base.revision), 1000));
  loser->pause_reading();
  other->ask_for<DocumentState>(write_at(*other, "/title", "\"Khazad\"", 3, base.revision));
  loser->close();
  REQUIRE(other->comes_to_see(1));
  CHECK(join(studio, "rigging")->told<protocol::Conflicts>().size() == 1);
}

TEST_CASE("what a document was is listed, shown, compared and brought back as a new revision") {
  Studio studio;
  auto writer = join(studio, "rigging");
  const auto first = writer->ask_for<DocumentState>(write(*writer, kStory, 1));
  const auto second =
      writer->ask_for<DocumentState>(write_at(*writer, "/title", "\"Khazad\"", 2, first.revision));
  CHECK(read(*writer, {}, first.revision) == kStory);
  CHECK(read(*writer, "/title", second.revision) == "\"Khazad\"");

  protocol::DocumentRead compare;
  compare.from = first.revision;
  compare.revision = second.revision;
  const auto difference = writer->ask_for<DocumentState>(compare);
  CHECK(difference.from == first.revision);
  CHECK(*difference.document == R"([{"op":"replace","path":"/title","value":"Khazad"}])");

  auto restore = write(*writer, "", 3);
  restore.document = nullptr;
  restore.restore = first.revision;
  const auto restored = writer->ask_for<DocumentState>(restore);
  CHECK(restored.number > second.revision);
  CHECK(read(*writer) == kStory);
  const auto listed = writer->ask_for<protocol::Revisions>(protocol::HistoryAsk{});
  REQUIRE(listed.revisions.size() == 3);
  CHECK(listed.revisions[0].at == "/title");
  CHECK(listed.revisions[2].revision == first.revision);
  CHECK_FALSE(listed.more);
  restore.op = UniqueId{5, 4};
  restore.restore = 99;
  CHECK(writer->ask_for<protocol::ErrorAnswer>(restore).outcome == Outcome::not_found);
}

TEST_CASE("what is brought back by who says what he has seen leaves what others changed since then") {
  Studio studio;
  auto writer = join(studio, "rigging");
  const auto first = writer->ask_for<DocumentState>(write(*writer, R"({"a":1,"b":1})", 1));
  const auto second = writer->ask_for<DocumentState>(write_at(*writer, "/a", "2", 2, first.revision));
  auto other = join(studio, "lighting");
  other->ask_for<DocumentState>(write_at(*other, "/b", "\"theirs\"", 3, second.revision));
  auto restore = write(*writer, "", 4);
  restore.document = nullptr;
  restore.restore = first.revision;
  restore.base = second.revision;
  CHECK(writer->ask_for<DocumentState>(restore).conflicts == 0);
  CHECK(read(*writer) == R"({"a":1,"b":"theirs"})");
  SECTION("also where that was before the server started") {
    restore.op = UniqueId{6, 6};
    writer = nullptr;
    other = nullptr;
    studio.stop();
    studio.start();
    writer = join(studio, "rigging");
    other = join(studio, "lighting");
    other->ask_for<DocumentState>(write_at(*other, "/b", "\"later\"", 9, 3));
    CHECK(writer->ask_for<DocumentState>(restore).conflicts == 0);
    CHECK(read(*writer) == R"({"a":1,"b":"later"})");
  }
  SECTION("who says nothing has seen it all") {
    restore.op = UniqueId{5, 5};
    restore.base = 0;
    writer->ask_for<DocumentState>(restore);
    CHECK(read(*writer) == R"({"a":1,"b":1})");
  }
}

TEST_CASE("clocks that are hours off decide nothing: who writes later wins") {
  Studio studio;
  auto ahead = join(studio, "rigging", 5 * kHour);
  auto behind = join(studio, "lighting", -5 * kHour);
  std::uint64_t revision = 0;
  const auto won = [&](TestClient& by, const std::string& content, std::uint64_t op) {
    auto whole = write(by, content, op);
    whole.base = revision;
    const auto state = by.ask_for<DocumentState>(whole);
    revision = state.revision;
    // Brought to the server's time, give or take what the measuring is off by.
    CHECK(std::abs(state.timestamp.ms - system_clock().wall().ms) < kHour);
    return state.won;
  };
  CHECK(won(*ahead, "[1]", 1));
  CHECK(won(*behind, "[2]", 2));
  CHECK(won(*ahead, "[3]", 3));
  CHECK(read(*behind) == "[3]");

  // A timestamp in the server's future is brought back to now, so that it does not win for ever.
  auto future = write(*ahead, "[4]", 4);
  future.timestamp.ms += 24 * kHour;
  const Timestamp written = ahead->ask_for<DocumentState>(future).timestamp;
  CHECK(written <= system_clock().wall());
}

TEST_CASE("a clock that jumps back while its workstation is connected loses it nothing") {
  Studio studio;
  auto jumper = join(studio, "rigging");
  jumper->ask_for<DocumentState>(write(*jumper, "[1]", 1));
  jumper->clock_skew_ms = -2 * kHour;
  const auto state = jumper->ask_for<DocumentState>(write(*jumper, "[2]", 2));
  CHECK(state.won);
  // Not by being after its own last write alone: it is of now.
  auto other = join(studio, "lighting");
  auto between = write(*other, "[3]", 3);
  between.timestamp.ms -= kHour;
  CHECK_FALSE(other->ask_for<DocumentState>(between).won);
  CHECK(std::abs(state.timestamp.ms - system_clock().wall().ms) < kHour);
}

TEST_CASE("after the server's clock was set back, who says nothing of what he has seen still wins") {
  Studio studio;
  studio.kill();
  {
    // From a run in which its clock was a year ahead.
    auto log = SqliteLog::open({studio.data(), "Moria's Race", [](const std::function<void()>&) {}});
    REQUIRE(log);
    auto operation = make_operation({.id = 1, .timestamp_ms = system_clock().wall().ms + 365 * 24 * kHour});
    (*log)->append(std::move(operation), [](const Result<Appended>&) {});
  }
  studio.start();
  auto writer = join(studio, "rigging");
  auto other = join(studio, "lighting");
  const auto first = writer->ask_for<DocumentState>(write(*writer, "[1]", 1));
  CHECK(first.won);
  // It was made after that came, however long it was on its way. Nobody's time runs further ahead.
  constexpr std::int64_t kOnItsWay = 5;
  const Instant answered = system_clock().monotonic();
  while (system_clock().monotonic() < answered + (kOnItsWay + 2) * 1ms) {
  }
  const std::string newest = "[2]";
  const auto second = other->ask_for<DocumentState>(earlier(write(*other, newest, 2), kOnItsWay));
  CHECK(second.won);
  CHECK(second.timestamp == first.timestamp);
  CHECK_FALSE(writer->ask_for<DocumentState>(earlier(write(*writer, "[3]", 3), kHour)).won);
  CHECK(read(*writer) == newest);
}

TEST_CASE("a client's clock is measured by a timed answer, and followed when it was set") {
  using protocol::server_action::ClockTold;
  const Timestamp now{10'000'000};
  CHECK(followed(0ms, ClockTold{{9'999'900}, 20ms}, now) == 90ms);
  // Nobody knows how long these were on their way.
  CHECK(followed(50ms, ClockTold{{9'999'000}, {}}, now) == 50ms);
  CHECK(followed(50ms, ClockTold{{9'999'000}, 3s}, now) == 50ms);
  CHECK(followed(50ms, ClockTold{{2'800'000}, {}}, now) == 7'200'000ms);
  CHECK(followed(7'200'000ms, ClockTold{{9'999'990}, {}}, now) == 10ms);
}

TEST_CASE("what one writes within a millisecond of what one has seen, or wrote, is later") {
  Studio studio;
  auto first = join(studio, "rigging");
  auto second = join(studio, "lighting");
  auto write_once = write(*first, "[1]", 1);
  const auto base = first->ask_for<DocumentState>(write_once);
  // Both with a time before all that is there: only what they had seen speaks for them.
  auto again = write(*first, "[2]", 2);
  again.timestamp = Timestamp{write_once.timestamp.ms - 1000};
  CHECK(first->ask_for<DocumentState>(again).won);
  auto seen = write(*second, "[3]", 3);
  seen.timestamp = Timestamp{write_once.timestamp.ms - 5000};
  seen.base = first->ask_for<DocumentState>(protocol::DocumentRead{}).revision;
  CHECK(second->ask_for<DocumentState>(seen).won);
  CHECK(base.revision > 0);
}

TEST_CASE("everybody is told when the disk takes no changes, and when it does again") {
  ServerOptions options;
  options.disk_probe_period = 5ms;
  Studio studio(options);
  auto writer = join(studio, "rigging");
  auto reader = join(studio, "lighting");
  {
    const SmallDisk full(64 * KiB);
    const std::string large = "\"" + std::string(256 * KiB, 'x') + "\"";
    CHECK(writer->ask_for<protocol::ErrorAnswer>(write(*writer, large, 1)).outcome == Outcome::failed);
    const auto told = reader->told<protocol::Writable>();
    REQUIRE(told.size() == 1);
    CHECK_FALSE(told[0].writable);
    CHECK_FALSE(told[0].text.empty());
  }
  CHECK(writer->ask_for<DocumentState>(write(*writer, "[1]", 2)).won);
  comes_to_hear_writable(studio, *reader);
  CHECK(reader->told<protocol::Writable>().size() == 2);
  CHECK(reader->ask_for<protocol::Status>(protocol::StatusAsk{}).read_only.empty());
}

TEST_CASE(
    "a small change that fits is no sign that a disk without room for a large one takes changes again") {
  ServerOptions options;
  options.disk_probe_period = 5ms;
  Studio studio(options);
  auto writer = join(studio, "rigging");
  auto reader = join(studio, "lighting");
  const std::string large = "\"" + std::string(8 * MiB, 'x') + "\"";
  {
    const SmallDisk small(4 * MiB);
    CHECK(writer->ask_for<protocol::ErrorAnswer>(write(*writer, large, 1)).outcome == Outcome::failed);
    for (std::uint64_t op = 2; op < 50; ++op) {
      CHECK(writer->ask_for<DocumentState>(write(*writer, "[" + std::to_string(op) + "]", op)).won);
    }
    // Several times as long as it takes to look again.
    const Instant later = studio.loop.now() + 50ms;
    while (studio.loop.now() < later) static_cast<void>(reader->told<protocol::Users>());
    CHECK(reader->told<protocol::Writable>().size() == 1);
    const auto status = reader->ask_for<protocol::Status>(protocol::StatusAsk{});
    CHECK(status.read_only.find("write to the project's log") == 0);
  }
  comes_to_hear_writable(studio, *reader);
  CHECK(writer->ask_for<DocumentState>(write(*writer, large, 1)).won);
}

TEST_CASE("nobody need write to learn that the disk takes changes again, and who joins meanwhile is told") {
  ServerOptions options;
  options.disk_probe_period = 5ms;
  Studio studio(options);
  auto writer = join(studio, "rigging");
  std::unique_ptr<TestClient> later;
  {
    const SmallDisk full(0);
    CHECK(writer->ask_for<protocol::ErrorAnswer>(write(*writer, "[1]", 1)).outcome == Outcome::failed);
    later = join(studio, "lighting");
    const auto told = later->told<protocol::Writable>();
    REQUIRE(told.size() == 1);
    CHECK_FALSE(told[0].writable);
  }
  for (TestClient* each : {writer.get(), later.get()}) comes_to_hear_writable(studio, *each);
}

TEST_CASE("a server that starts on a full disk is read, refuses changes and takes them once there is room") {
  ServerOptions options;
  options.disk_probe_period = 5ms;
  Studio studio(options);
  CHECK(join(studio, "rigging")->ask_for<DocumentState>(write(*join(studio, "animation"), "[1]", 1)).won);
  studio.stop();
  std::unique_ptr<TestClient> writer;
  {
    const SmallDisk full(0);
    studio.start();
    writer = join(studio, "rigging");
    const auto told = writer->told<protocol::Writable>();
    REQUIRE(told.size() == 1);
    CHECK_FALSE(told[0].writable);
    CHECK_THAT(told[0].text, Catch::Contains("too little room"));
    CHECK(*writer->ask_for<DocumentState>(protocol::DocumentRead{}).document == "[1]");
    CHECK(writer->ask_for<protocol::Revisions>(protocol::HistoryAsk{}).revisions.size() == 1);
    CHECK(writer->ask_for<protocol::ErrorAnswer>(write(*writer, "[2]", 2)).outcome == Outcome::failed);
    CHECK(writer->ask_for<protocol::Revisions>(protocol::HistoryAsk{}).revisions.size() == 1);
  }
  comes_to_hear_writable(studio, *writer);
  CHECK(writer->ask_for<DocumentState>(write(*writer, "[2]", 2)).won);
  CHECK(writer->ask_for<protocol::Revisions>(protocol::HistoryAsk{}).revisions.size() == 2);
}

namespace {

// Of nearly the largest size.
std::string large_story() {
  std::string story = R"({"scenes":[)";
  for (int i = 0; i < 15'800; ++i) {
    story += (i == 0 ? R"({"id":)" : R"(,{"id":)") + std::to_string(i) + R"(,"note":"dark","text":")";
    story += std::string(1000, 'x') + "\"}";
  }
  return story + "]}";
}

}  // namespace

TEST_CASE(
    "a word of a story of 16 MiB costs hundreds of bytes for each, and nobody waits for one who does not "
    "read") {
  Studio studio;
  auto writer = join(studio, "rigging");
  const auto first = writer->ask_for<DocumentState>(write(*writer, large_story(), 1));
  REQUIRE(first.won);
  auto slow = join(studio, "editing");
  std::vector<std::unique_ptr<TestClient>> listeners;
  for (const char* name : {"lighting", "layout", "sound", "comp"}) listeners.push_back(join(studio, name));
  for (const auto& each : listeners) each->told<DocumentState>();
  // Somebody asks for the whole of it and takes only what his system takes for him.
  slow->told<DocumentState>();
  slow->say(protocol::TurnRequest{});
  slow->expect<protocol::Yours>();
  protocol::DocumentRead whole;
  whole.id = 900;
  slow->say(whole);
  slow->say(protocol::Yours{});
  slow->pause_reading();

  std::vector<std::uint64_t> received;
  for (const auto& each : listeners) received.push_back(each->received_bytes());
  const auto second =
      writer->ask_for<DocumentState>(write_at(*writer, "/scenes/7/note", "\"bright\"", 2, first.revision));
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const auto told = listeners[i]->expect<DocumentState>();
    CHECK(told.revision == second.revision);
    CHECK(told.from == first.revision);
    CHECK(*told.document == R"([{"op":"replace","path":"/scenes/7/note","value":"bright"}])");
    CHECK(listeners[i]->received_bytes() - received[i] < 500);
  }
  // Nor does he lose anything.
  slow->resume_reading();
  std::uint64_t revision = 0;
  while (revision < second.revision) revision = slow->expect<DocumentState>().revision;
  CHECK(revision == second.revision);
}

}  // namespace callboard::documents_test
