#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include "client/giver_machine.h"
#include "client/taker_machine.h"

namespace callboard::client::transfer_machines_test {
namespace {

sync::RelativePath path(const std::string& bytes) { return *sync::RelativePath::from_bytes(bytes); }

Entry file(const std::string& name, std::uint64_t size_bytes) {
  Entry entry;
  entry.name = name;
  entry.size_bytes = size_bytes;
  entry.digest.bytes[0] = std::byte{1};
  return entry;
}

protocol::GiverFrame opened() {
  protocol::OpenedItem item;
  item.entry.kind = EntryKind::directory;
  item.files_below = 3;
  protocol::Opened frame;
  frame.items.push_back(item);
  return frame;
}

protocol::GiverFrame listing(std::uint32_t number, const std::string& directory, std::vector<Entry> entries,
                             bool more = false) {
  protocol::Listing frame;
  frame.number = number;
  frame.directory = directory;
  frame.more = more;
  frame.entries = std::move(entries);
  return frame;
}

protocol::File file_frame(std::uint32_t entry, std::uint64_t size_bytes, ByteView content,
                          bool whole = true) {
  protocol::File frame;
  frame.listing = 1;
  frame.entry = entry;
  frame.whole = whole;
  frame.size_bytes = size_bytes;
  frame.content = content;
  return frame;
}

// A taker that asked for "d" and was told of "a" (3 bytes), "b" (5) and "c" (0).
struct ListedTaker {
  ListedTaker() {
    machine.open(protocol::OpenMode::pull, {{"d", {}}}, requests);
    REQUIRE(machine.on_frame(opened()).has_value());
    machine.list({path("d")}, requests);
    REQUIRE(machine.on_frame(listing(1, "d", {file("a", 3), file("b", 5), file("c", 0)})).has_value());
  }
  void want(std::uint32_t entry, const std::string& name, std::uint64_t size_bytes) {
    machine.want(
        {.listing = 1, .entry_index = entry, .path = path("d/" + name), .entry = file(name, size_bytes)},
        requests);
  }
  WantedFile wanted(std::uint32_t entry, const std::string& name, std::uint64_t size_bytes) {
    return {.listing = 1, .entry_index = entry, .path = path("d/" + name), .entry = file(name, size_bytes)};
  }
  void want_chunks(std::uint32_t entry, const std::string& name, std::uint64_t size_bytes) {
    machine.want_chunks(wanted(entry, name, size_bytes), {}, requests);
  }
  bool accepts(protocol::GiverFrame frame) { return machine.on_frame(std::move(frame)).has_value(); }

  TakerMachine machine;
  Bytes requests;
};

protocol::GiverFrame data(std::string_view content) { return protocol::Data{as_bytes(content)}; }
protocol::GiverFrame file_end(Outcome outcome = Outcome::done) { return protocol::FileEnd{outcome, ""}; }

// --- Taker ------------------------------------------------------------------------------------------------------------

TEST_CASE("before opened a taker accepts nothing but opened and failed") {
  const std::vector<protocol::GiverFrame> others = {listing(1, "d", {}), file_frame(0, 0, {}), data("x"),
                                                    file_end()};
  for (const protocol::GiverFrame& frame : others) {
    TakerMachine machine;
    Bytes requests;
    machine.open(protocol::OpenMode::pull, {{"d", {}}}, requests);
    INFO(frame.index());
    CHECK_FALSE(machine.on_frame(frame).has_value());
  }
  TakerMachine machine;
  CHECK_FALSE(machine.on_frame(opened()).has_value());  // Nothing was opened.
}

TEST_CASE("a giver's failure is heard at every step, as what the giver says") {
  ListedTaker taker;
  const Result<TakerMachine::Event> event =
      taker.machine.on_frame(protocol::GiverFrame(protocol::Failed{Outcome::refused, "no"}));
  REQUIRE(event.has_value());
  CHECK(std::get<TakerMachine::GiverFailed>(*event).error.text == "the giver: no");
}

TEST_CASE("opened must have as many items as were opened") {
  TakerMachine machine;
  Bytes requests;
  machine.open(protocol::OpenMode::pull, {{"d", {}}, {"e", {}}}, requests);
  CHECK_FALSE(machine.on_frame(opened()).has_value());
}

TEST_CASE("a taker refuses listings that were not asked for, in another order, or with names that are none") {
  const auto attempt = [](const protocol::GiverFrame& frame) {
    TakerMachine machine;
    Bytes requests;
    machine.open(protocol::OpenMode::pull, {{"", {}}}, requests);
    REQUIRE(machine.on_frame(opened()).has_value());
    machine.list({path(""), path("d")}, requests);
    return machine.on_frame(frame).has_value();
  };
  CHECK(attempt(listing(1, "", {file("a", 1), file("b", 1)})));
  CHECK(attempt(listing(1, "", {})));
  CHECK_FALSE(attempt(listing(2, "", {file("a", 1)})));
  CHECK_FALSE(attempt(listing(1, "d", {file("a", 1)})));
  CHECK_FALSE(attempt(listing(1, "", {file("b", 1), file("a", 1)})));
  CHECK_FALSE(attempt(listing(1, "", {file("a", 1), file("a", 1)})));
  CHECK_FALSE(attempt(listing(1, "", {file("a/b", 1)})));
  CHECK_FALSE(attempt(listing(1, "", {file("..", 1)})));
  CHECK_FALSE(attempt(listing(1, "", {file("", 1)})));
  CHECK_FALSE(attempt(listing(1, "", {file(std::string("a\0b", 3), 1)})));
  CHECK_FALSE(attempt(listing(1, "", {}, true)));
  CHECK_FALSE(attempt(file_frame(0, 1, as_bytes("x"))));
}

TEST_CASE("the order of names is checked across the parts of a directory") {
  TakerMachine machine;
  Bytes requests;
  machine.open(protocol::OpenMode::pull, {{"d", {}}}, requests);
  REQUIRE(machine.on_frame(opened()).has_value());
  machine.list({path("d")}, requests);
  REQUIRE(machine.on_frame(listing(1, "d", {file("m", 1)}, true)).has_value());
  CHECK(machine.asked_count() == 1);
  SECTION("ascending goes on") {
    CHECK(machine.on_frame(listing(2, "d", {file("n", 1)})).has_value());
    CHECK(machine.is_idle());
  }
  SECTION("descending ends it") {
    CHECK_FALSE(machine.on_frame(listing(2, "d", {file("a", 1)})).has_value());
  }
}

TEST_CASE("a listing leaves out only buckets that were named, and says so before it lists") {
  const auto attempt = [](std::vector<std::uint64_t> first, std::vector<std::uint64_t> second) {
    TakerMachine machine;
    Bytes requests;
    machine.open(protocol::OpenMode::pull, {{"d", {}}}, requests);
    REQUIRE(machine.on_frame(opened()).has_value());
    machine.list_known(path("d"), {7, 5}, requests);
    auto begins = std::get<protocol::Listing>(listing(1, "d", {file("a", 1)}, true));
    begins.same = std::move(first);
    auto ends = std::get<protocol::Listing>(listing(2, "d", {file("b", 1)}));
    ends.same = std::move(second);
    return machine.on_frame(begins).has_value() && machine.on_frame(ends).has_value() && machine.is_idle();
  };
  CHECK(attempt({}, {}));
  CHECK(attempt({5, 7}, {}));
  CHECK_FALSE(attempt({5, 6}, {}));
  CHECK_FALSE(attempt({5, 7, 7}, {}));
  CHECK_FALSE(attempt({}, {5}));
}

TEST_CASE("listings without end are refused") {
  TakerMachine machine;
  Bytes requests;
  machine.open(protocol::OpenMode::pull, {{"d", {}}}, requests);
  REQUIRE(machine.on_frame(opened()).has_value());  // Announces 3 files.
  machine.list({path("d")}, requests);
  std::uint32_t number = 1;
  std::uint64_t name = 100'000'000;
  bool accepted = true;
  while (accepted && number < 1'000) {
    std::vector<Entry> entries;
    for (int i = 0; i < 1'000; ++i) entries.push_back(file(std::to_string(name++), 1));
    const Result<TakerMachine::Event> event =
        machine.on_frame(listing(number++, "d", std::move(entries), true));
    accepted = event.has_value();
    if (accepted) machine.release(std::get<TakerMachine::Listed>(*event), requests);
  }
  CHECK_FALSE(accepted);
  CHECK(number < 100);
}

TEST_CASE("a giver that lists on without being told that it may is refused") {
  TakerMachine machine;
  Bytes requests;
  machine.open(protocol::OpenMode::pull, {{"d", {}}}, requests);
  REQUIRE(machine.on_frame(opened()).has_value());
  machine.list({path("d")}, requests);
  const std::string long_name(200, 'x');
  std::uint32_t number = 1;
  bool accepted = true;
  while (accepted && number < 1'000) {
    std::vector<Entry> entries;
    for (int i = 0; i < 1'000; ++i)
      entries.push_back(
          file(long_name + std::to_string(1'000'000 + static_cast<int>(number) * 1'000 + i), 1));
    accepted = machine.on_frame(listing(number++, "d", std::move(entries), true)).has_value();
  }
  CHECK_FALSE(accepted);
  CHECK(number < 30);  // 5 MiB at 240 KB each.
}

TEST_CASE("files come in the order they were wanted, whole or in pieces") {
  ListedTaker taker;
  taker.want(0, "a", 3);
  taker.want(1, "b", 5);
  taker.want(2, "c", 0);
  CHECK(taker.machine.wanted_count() == 3);
  CHECK(taker.accepts(file_frame(0, 3, as_bytes("abc"))));
  CHECK(taker.accepts(file_frame(1, 5, {}, false)));
  CHECK_FALSE(taker.machine.is_idle());
  CHECK(taker.accepts(data("12")));
  CHECK(taker.accepts(data("345")));
  CHECK(taker.accepts(file_end()));
  CHECK(taker.accepts(file_frame(2, 0, {})));
  CHECK(taker.machine.is_idle());
}

TEST_CASE("a taker refuses every file frame that does not answer its next want") {
  const auto attempt = [](const protocol::GiverFrame& frame) {
    ListedTaker taker;
    taker.want(0, "a", 3);
    taker.want(1, "b", 5);
    return taker.accepts(frame);
  };
  CHECK(attempt(file_frame(0, 3, as_bytes("abc"))));
  CHECK_FALSE(attempt(file_frame(1, 5, as_bytes("12345"))));  // Not its turn.
  CHECK_FALSE(attempt(file_frame(0, 4, as_bytes("abcd"))));   // Not the size that was listed.
  CHECK_FALSE(attempt(file_frame(0, 3, as_bytes("ab"))));
  CHECK_FALSE(attempt(file_frame(0, 3, as_bytes("abcd"))));
  CHECK_FALSE(attempt(file_frame(0, 3, as_bytes("abc"), false)));
  CHECK_FALSE(attempt(data("abc")));
  CHECK_FALSE(attempt(file_end()));
  CHECK_FALSE(attempt(listing(2, "e", {})));
  protocol::File from = file_frame(0, 3, {}, false);
  from.offset = 1;
  CHECK_FALSE(attempt(from));
  protocol::File elsewhere = file_frame(0, 3, as_bytes("abc"));
  elsewhere.listing = 2;
  CHECK_FALSE(attempt(elsewhere));
}

TEST_CASE("a taker refuses a file that was not wanted at all") {
  ListedTaker taker;
  CHECK_FALSE(taker.accepts(file_frame(0, 3, as_bytes("abc"))));
}

TEST_CASE("inside a file only its content and its end may come") {
  const auto attempt = [](const protocol::GiverFrame& frame) {
    ListedTaker taker;
    taker.want(1, "b", 5);
    taker.want(2, "c", 0);
    REQUIRE(taker.accepts(file_frame(1, 5, {}, false)));
    REQUIRE(taker.accepts(data("1234")));
    return taker.accepts(frame);
  };
  CHECK(attempt(data("5")));
  CHECK(attempt(file_end(Outcome::superseded)));  // It changed: what came is void.
  CHECK_FALSE(attempt(file_end()));               // One byte too early.
  CHECK_FALSE(attempt(data("56")));
  CHECK_FALSE(attempt(data("")));
  CHECK_FALSE(attempt(file_frame(2, 0, {})));
  CHECK_FALSE(attempt(listing(2, "d", {})));
  CHECK_FALSE(attempt(opened()));
}

TEST_CASE("holes count as content, and come only inside a file that says it is sparse") {
  const protocol::GiverFrame two = protocol::Hole{2};
  const auto begun = [](bool sparse) {
    auto taker = std::make_unique<ListedTaker>();
    taker->want(1, "b", 5);
    protocol::File head = file_frame(1, 5, {}, false);
    head.sparse = sparse;
    REQUIRE(taker->accepts(head));
    return taker;
  };
  const auto sparse = begun(true);
  const Result<TakerMachine::Event> hole = sparse->machine.on_frame(two);
  REQUIRE(hole.has_value());
  CHECK(std::get<TakerMachine::FileHole>(*hole).size_bytes == 2);
  CHECK(sparse->accepts(data("1")));
  CHECK(sparse->accepts(two));
  CHECK(sparse->accepts(file_end()));
  CHECK_FALSE(sparse->accepts(two));  // Its file is over.

  CHECK_FALSE(begun(false)->accepts(two));
  CHECK_FALSE(ListedTaker().accepts(two));
  CHECK(begun(true)->accepts(protocol::Hole{5}));
  CHECK_FALSE(begun(true)->accepts(protocol::Hole{6}));
  CHECK_FALSE(begun(true)->accepts(protocol::Hole{~0ULL}));
  const auto early = begun(true);
  CHECK(early->accepts(protocol::Hole{4}));
  CHECK_FALSE(early->accepts(file_end()));
  CHECK_FALSE(early->accepts(protocol::Data{as_bytes("12")}));
}

TEST_CASE("neighbouring wants travel as one range") {
  ListedTaker taker;
  taker.requests.clear();
  taker.want(0, "a", 3);
  taker.want(1, "b", 5);
  taker.machine.flush_wants(taker.requests);
  CHECK(taker.requests.size() == 5 + 4 + 12);
}

TEST_CASE("a list of chunks comes only where it was asked for, in order, and has an end") {
  ListedTaker taker;
  const auto chunks = [](std::uint32_t entry, std::vector<std::uint64_t> list,
                         protocol::ChunksState state = protocol::ChunksState::complete) {
    return protocol::GiverFrame(protocol::Chunks{1, entry, state, false, std::move(list)});
  };
  CHECK_FALSE(taker.accepts(chunks(0, {1})));
  taker.want(0, "a", 3);
  CHECK_FALSE(taker.accepts(chunks(0, {1})));
  taker.want_chunks(1, "b", 5);
  REQUIRE(taker.accepts(file_frame(0, 3, as_bytes("abc"))));
  CHECK_FALSE(taker.accepts(chunks(0, {1})));
  CHECK_FALSE(taker.accepts(chunks(1, {}, protocol::ChunksState::more)));
  CHECK(taker.accepts(chunks(1, {1, 2}, protocol::ChunksState::more)));
  CHECK_FALSE(taker.accepts(file_frame(1, 5, {}, false)));
  CHECK(taker.accepts(chunks(1, {3})));
  CHECK_FALSE(taker.accepts(chunks(1, {4})));
}

TEST_CASE("instead of a list of chunks the file may come, or word that it cannot be had") {
  ListedTaker taker;
  taker.want_chunks(0, "a", 3);
  taker.want_chunks(1, "b", 5);
  CHECK(taker.accepts(file_frame(0, 3, as_bytes("abc"))));
  protocol::File gone = file_frame(1, 0, as_bytes("gone"));
  gone.outcome = Outcome::superseded;
  CHECK(taker.accepts(gone));
  CHECK(taker.machine.is_idle());
  CHECK(taker.machine.has_chunks_room());
}

TEST_CASE("of wanted ranges comes what they add up to, from where the first one begins") {
  ListedTaker taker;
  taker.want_chunks(1, "b", 5);
  const auto come =
      taker.machine.on_frame(protocol::Chunks{1, 1, protocol::ChunksState::complete, true, {1}});
  REQUIRE(come.has_value());
  CHECK(std::get<TakerMachine::ChunksCome>(*come).is_kept);
  taker.machine.want_ranges(taker.wanted(1, "b", 5), {{1, 1}, {3, 2}}, taker.requests);
  protocol::File begins = file_frame(1, 5, {}, false);
  CHECK_FALSE(taker.accepts(begins));
  begins.offset = 1;
  CHECK(taker.accepts(begins));
  CHECK(taker.accepts(data("x")));
  CHECK_FALSE(taker.accepts(file_end()));
  CHECK_FALSE(taker.accepts(data("yzz")));
  CHECK(taker.accepts(data("yz")));
  CHECK(taker.accepts(file_end()));
  CHECK(taker.machine.is_idle());
}

// --- Giver ------------------------------------------------------------------------------------------------------------

// A giver of "d", which it listed with "a" (3 bytes), the directory "b", and "c" (0).
struct ListedGiver {
  ListedGiver() {
    REQUIRE(machine.on_frame(protocol::Open{protocol::OpenMode::pull, {{"d", {}}}}).has_value());
    REQUIRE(std::holds_alternative<GiverMachine::OpenItems>(*machine.next()));
    REQUIRE_FALSE(machine.next().has_value());
    machine.on_opened(std::get<protocol::Opened>(opened()).items);
    REQUIRE(machine.on_frame(protocol::List{{"d"}}).has_value());
    REQUIRE(std::get<GiverMachine::ListDirectory>(*machine.next()).bytes == "d");
    Entry directory = file("b", 0);
    directory.kind = EntryKind::directory;
    const std::vector<Entry> entries{file("a", 3), directory, file("c", 0)};
    machine.on_listed(path("d"), entries, 300, false);
  }
  bool accepts(const protocol::TakerFrame& frame) { return machine.on_frame(frame).has_value(); }

  GiverMachine machine;
};

protocol::TakerFrame want(std::uint32_t listing, std::uint32_t first, std::uint32_t count) {
  return protocol::Want{{{listing, first, count}}};
}

TEST_CASE("before open a giver accepts nothing but open and finished") {
  CHECK_FALSE(GiverMachine().on_frame(protocol::List{{"d"}}).has_value());
  CHECK_FALSE(GiverMachine().on_frame(want(0, 0, 1)).has_value());
  CHECK_FALSE(GiverMachine().on_frame(protocol::WantFrom{0, 0, 1}).has_value());
  GiverMachine machine;
  CHECK(machine.on_frame(protocol::Finished{Outcome::cancelled, "no"}).has_value());
  CHECK(machine.finished()->outcome == Outcome::cancelled);
  CHECK_FALSE(machine.on_frame(protocol::Open{}).has_value());
}

TEST_CASE("paths that lead out of the folder are answered as refused") {
  for (const char* bad : {"../x", "/etc", "a//b", ".callboard/index.db", ".Callboard", "a/../../b"}) {
    INFO(bad);
    GiverMachine machine;
    REQUIRE(machine.on_frame(protocol::Open{protocol::OpenMode::pull, {{bad, {}}}}).has_value());
    CHECK_FALSE(std::get<GiverMachine::OpenItems>(*machine.next()).items[0].path.has_value());
    ListedGiver giver;
    REQUIRE(giver.accepts(protocol::List{{bad}}));
    CHECK_FALSE(std::get<GiverMachine::ListDirectory>(*giver.machine.next()).path.has_value());
  }
}

TEST_CASE("a giver gives what it listed, in the order of the wants") {
  ListedGiver giver;
  REQUIRE(giver.accepts(want(1, 0, 3)));
  const auto first = giver.machine.next();
  CHECK(std::get<GiverMachine::GiveFile>(*first).path.bytes() == "d/a");
  CHECK(std::get<GiverMachine::GiveFile>(*first).size_bytes == 3);
  CHECK(std::get<GiverMachine::RefuseFile>(*giver.machine.next()).text == "it is no file");
  CHECK(std::get<GiverMachine::GiveFile>(*giver.machine.next()).path.bytes() == "d/c");
  CHECK_FALSE(giver.machine.next().has_value());
  CHECK(giver.machine.is_idle());
}

TEST_CASE("a giver refuses wants of what it did not list or forgot") {
  CHECK_FALSE(ListedGiver().accepts(want(1, 0, 4)));
  CHECK_FALSE(ListedGiver().accepts(want(1, 3, 1)));
  CHECK_FALSE(ListedGiver().accepts(want(2, 0, 1)));
  CHECK_FALSE(ListedGiver().accepts(want(1, 4'294'967'295U, 2)));
  CHECK_FALSE(ListedGiver().accepts(want(9, 0, 0)));
  ListedGiver giver;
  REQUIRE(giver.accepts(want(2, 0, 0)));
  CHECK_FALSE(giver.accepts(want(1, 0, 1)));
}

TEST_CASE("a giver that is only looked at gives no content") {
  GiverMachine machine;
  REQUIRE(machine.on_frame(protocol::Open{protocol::OpenMode::look, {{"d", {}}}}).has_value());
  static_cast<void>(machine.next());
  machine.on_opened(std::get<protocol::Opened>(opened()).items);
  CHECK_FALSE(machine.on_frame(want(0, 0, 1)).has_value());
}

TEST_CASE("listings go before files and wait while too many are remembered") {
  ListedGiver giver;
  const std::vector<Entry> entries{file("x", 1)};
  REQUIRE(giver.accepts(protocol::List{{"e"}}));
  REQUIRE(giver.accepts(want(1, 0, 1)));
  REQUIRE(std::holds_alternative<GiverMachine::ListDirectory>(*giver.machine.next()));
  giver.machine.on_listed(path("e"), entries, kListedBytesMax, true);  // Goes on.
  REQUIRE(std::holds_alternative<GiverMachine::GiveFile>(*giver.machine.next()));
  CHECK_FALSE(giver.machine.next().has_value());
  REQUIRE(giver.accepts(want(3, 0, 0)));
  CHECK(std::holds_alternative<GiverMachine::ContinueListing>(*giver.machine.next()));
}

TEST_CASE("buckets that a taker names count against what it may ask") {
  ListedGiver giver;
  REQUIRE(giver.accepts(protocol::ListKnown{"d", std::vector<std::uint64_t>(100'000)}));
  CHECK(std::get<GiverMachine::ListDirectory>(*giver.machine.next()).known.size() == 100'000);
  for (int i = 0; i < 5; ++i)
    REQUIRE(giver.accepts(protocol::ListKnown{"d", std::vector<std::uint64_t>(100'000)}));
  CHECK_FALSE(giver.accepts(protocol::ListKnown{"d", std::vector<std::uint64_t>(100'000)}));
}

TEST_CASE("a taker that asks without bound is refused, not remembered") {
  ListedGiver giver;
  bool accepted = true;
  int frames = 0;
  while (accepted && frames < 1'000) {
    accepted = giver.accepts(protocol::List{std::vector<std::string>(1'000, std::string(200, 'x'))});
    ++frames;
  }
  CHECK(frames < 30);

  ListedGiver other;
  accepted = true;
  std::uint64_t wants = 0;
  while (accepted && wants < 1'000'000) {
    accepted = other.accepts(want(1, 0, 3));
    wants += 3;
  }
  CHECK(wants <= kWantedFilesMax + 3);
}

TEST_CASE("a giver lists chunks in the order of the wants and gives the ranges that are wanted then") {
  ListedGiver giver;
  REQUIRE(giver.accepts(protocol::WantChunks{1, 0, 0, {7, 8}}));
  REQUIRE(giver.accepts(want(1, 2, 1)));
  const auto work = giver.machine.next();
  REQUIRE(work.has_value());
  const auto& chunks = std::get<GiverMachine::GiveChunks>(*work);
  CHECK(chunks.file.path == path("d/a"));
  CHECK(chunks.groups == std::vector<std::uint64_t>{7, 8});
  CHECK(giver.machine.is_offered(chunks.file));
  CHECK(std::get<GiverMachine::GiveFile>(*giver.machine.next()).path == path("d/c"));
  // Also when nothing of that listing is wanted any more.
  REQUIRE(giver.accepts(protocol::Want{{{2, 0, 0}}}));
  REQUIRE(giver.accepts(protocol::WantRanges{1, 0, {{1, 2}}}));
  CHECK_FALSE(giver.machine.is_offered(chunks.file));
  const auto ranges = std::get<GiverMachine::GiveRanges>(*giver.machine.next());
  CHECK(ranges.file.path == path("d/a"));
  CHECK(ranges.ranges == std::vector<protocol::Range>{{1, 2}});
  CHECK(giver.machine.is_idle());
}

TEST_CASE("a giver refuses ranges of what it offered no chunks of, of what it gave, and beyond the end") {
  ListedGiver giver;
  CHECK_FALSE(giver.accepts(protocol::WantRanges{1, 0, {}}));
  REQUIRE(giver.accepts(protocol::WantChunks{1, 0, 0, {}}));
  CHECK_FALSE(giver.accepts(protocol::WantChunks{1, 0, 0, {}}));
  CHECK_FALSE(giver.accepts(protocol::WantRanges{1, 2, {}}));
  const auto chunks = std::get<GiverMachine::GiveChunks>(*giver.machine.next());
  giver.machine.withdraw(chunks.file);
  CHECK_FALSE(giver.accepts(protocol::WantRanges{1, 0, {}}));
  REQUIRE(giver.accepts(protocol::WantChunks{1, 0, 0, {}}));
  CHECK_FALSE(giver.accepts(protocol::WantRanges{1, 0, {{2, 2}}}));
  CHECK_FALSE(giver.accepts(protocol::WantChunks{1, 7, 0, {}}));
}

TEST_CASE("a taker that asks for chunks or ranges without bound is refused") {
  ListedGiver giver;
  CHECK_FALSE(giver.accepts(protocol::WantChunks{1, 0, 0, std::vector<std::uint64_t>(kGroupsMax + 1)}));
  // A directory is no file: it is answered as refused and remembered as nothing.
  REQUIRE(giver.accepts(protocol::WantChunks{1, 1, 0, {}}));
  CHECK(std::holds_alternative<GiverMachine::RefuseFile>(*giver.machine.next()));
  std::vector<protocol::Range> ranges;
  for (std::uint64_t i = 0; i < kRangesMax + 1; ++i) ranges.push_back({i, 1});
  Entry large = file("large", kRangesMax + 1);
  REQUIRE(giver.accepts(protocol::List{{"d"}}));
  REQUIRE(giver.machine.next().has_value());
  giver.machine.on_listed(path("d"), std::vector<Entry>{large}, 300, false);
  REQUIRE(giver.accepts(protocol::WantChunks{2, 0, 0, {}}));
  CHECK_FALSE(giver.accepts(protocol::WantRanges{2, 0, ranges}));
}

TEST_CASE("a taker may open again only when all is answered") {
  ListedGiver giver;
  REQUIRE(giver.accepts(want(1, 0, 1)));
  CHECK_FALSE(giver.accepts(protocol::Open{protocol::OpenMode::pull, {{"d", {}}}}));
  ListedGiver idle;
  CHECK(idle.accepts(protocol::Open{protocol::OpenMode::pull, {{"d", {}}}}));
  CHECK_FALSE(idle.accepts(protocol::List{{"d"}}));  // Not opened yet.
}

}  // namespace
}  // namespace callboard::client::transfer_machines_test
