// What a change was made of besides its base: its author's own, named by their ids.
#include "server/own_changes.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/unit/server/document_asks.h"
#include "tests/unit/server/operations.h"

namespace callboard::own_changes_test {
using namespace callboard::server;
using protocol::DocumentState;
using protocol::ErrorAnswer;

namespace {

constexpr const char* kScenes = R"({"scenes":[{"id":"g"},{"id":"h"}],"log":[1]})";
constexpr const char* kWhy =
    "it was made of its author's change 00000000000000050000000000000003, which is not there: it was "
    "refused, or "
    "is kept no longer; change what is there now";

protocol::DocumentWrite made_of(protocol::DocumentWrite write, std::vector<UniqueId> own) {
  write.own = std::move(own);
  return write;
}

protocol::DocumentWrite patch(const TestClient& by, const std::string& content, std::uint64_t op,
                              std::uint64_t base) {
  auto patch = write(by, content, op);
  patch.patch = true;
  patch.base = base;
  return patch;
}

std::string refusal(TestClient& by, const protocol::DocumentWrite& write) {
  const auto error = by.ask_for<ErrorAnswer>(write);
  CHECK(error.outcome == Outcome::superseded);
  return error.text;
}

// With a window that has none of what came before.
Board crowded(std::uint64_t first) {
  Board board;
  for (std::uint64_t i = 0; i <= kMergeWindowOperations; ++i) {
    board.apply(first + i, make_operation({.id = first + i,
                                           .timestamp_ms = 10'000,
                                           .value = R"([{"path":["n"],"value":1}])",
                                           .base = first}));
  }
  return board;
}

}  // namespace

TEST_CASE("a change of a place is refused where what it was made of is not there") {
  Studio studio;
  auto ann = join(studio, "rigging");
  const std::uint64_t base = ann->ask_for<DocumentState>(write(*ann, kScenes, 1)).revision;
  ann->ask_for<protocol::Ok>(protocol::MessageAsk{0, "hello", UniqueId{5, 2}});
  const std::vector<UniqueId> removal{{5, 3}};
  SECTION("with its base") {
    CHECK(refusal(*ann, made_of(write_at(*ann, "/scenes/0/length", "55", 4, base), removal)) == kWhy);
  }
  SECTION("and without one") {
    CHECK(refusal(*ann, made_of(write_at(*ann, "/scenes/0/length", "55", 4, 0), removal)) == kWhy);
  }
  SECTION("as a patch") {
    CHECK(refusal(*ann, made_of(patch(*ann, R"([{"op":"remove","path":"/scenes/0"}])", 4, base), removal)) ==
          kWhy);
  }
  SECTION("where one of several is not there") {
    ann->ask_for<DocumentState>(write_at(*ann, "/log/-", "2", 4, base));
    CHECK(refusal(*ann, made_of(write_at(*ann, "/log/1", "55", 5, base), {{5, 4}, {5, 3}})) == kWhy);
    CHECK(read(*ann, "/log") == "[1,2]");
    return;
  }
  SECTION("where it is something else") {
    CHECK(refusal(*ann, made_of(write_at(*ann, "/scenes/0/length", "55", 4, base), {{5, 2}}))
              .starts_with("it was made of its author's change 00000000000000050000000000000002, "));
  }
  CHECK(read(*ann) == kScenes);
}

TEST_CASE("a whole document changes what of its author's is not there, too") {
  Studio studio;
  auto ann = join(studio, "rigging");
  auto bob = join(studio, "lighting");
  const std::uint64_t base = ann->ask_for<DocumentState>(write(*ann, kScenes, 1)).revision;
  bob->ask_for<DocumentState>(write_at(*bob, "/title", "\"Moria\"", 2, base));
  auto whole = made_of(write(*ann, R"({"scenes":[{"id":"h"}],"log":[1,2]})", 4), {{5, 3}});
  whole.base = base;
  CHECK(ann->ask_for<DocumentState>(whole).won);
  CHECK(read(*ann) == R"({"scenes":[{"id":"h"}],"log":[1,2],"title":"Moria"})");
}

TEST_CASE("what the base has counts as there, also when the server was started anew") {
  Studio studio;
  auto ann = join(studio, "rigging");
  const std::uint64_t base = ann->ask_for<DocumentState>(write(*ann, kScenes, 1)).revision;
  const std::uint64_t later = ann->ask_for<DocumentState>(write_at(*ann, "/log/-", "2", 3, base)).revision;
  const bool is_started_anew = GENERATE(false, true);
  if (is_started_anew) {
    studio.stop();
    studio.start();
    ann = join(studio, "rigging");
  }
  SECTION("where it is in the base") {
    CHECK(ann->ask_for<DocumentState>(made_of(write_at(*ann, "/log/-", "3", 4, later), {{5, 3}})).won);
  }
  SECTION("where it came after it") {
    CHECK(ann->ask_for<DocumentState>(made_of(write_at(*ann, "/log/-", "3", 4, base), {{5, 3}})).won);
  }
  SECTION("where there is none") {
    CHECK(ann->ask_for<DocumentState>(made_of(write_at(*ann, "/log/-", "3", 4, 0), {{5, 3}})).won);
  }
  CHECK(read(*ann, "/log") == "[1,2,3]");
}

TEST_CASE("what came too late to be put in order is found in the history") {
  Studio studio;
  auto ann = join(studio, "rigging");
  auto bob = join(studio, "lighting");
  const std::uint64_t base = ann->ask_for<DocumentState>(earlier(write(*ann, kScenes, 1), 60'000)).revision;
  for (std::uint64_t i = 0; i < kMergeWindowOperations + 8; ++i)
    bob->ask_for<DocumentState>(write_at(*bob, "/log", "[" + std::to_string(i) + "]", 100 + i, base));
  const auto first = ann->ask_for<DocumentState>(earlier(write_at(*ann, "/log/-", "2", 3, base), 50'000));
  CHECK_FALSE(first.won);
  const auto second =
      ann->ask_for<DocumentState>(made_of(earlier(write_at(*ann, "/log/-", "3", 4, base), 50'000), {{5, 3}}));
  CHECK_FALSE(second.won);
  CHECK(read(*ann, "/log", second.number) == "[1,2,3]");
}

TEST_CASE("a chain of one's own that goes on in another session meets others alone") {
  Studio studio;
  auto bob = join(studio, "lighting");
  const std::uint64_t base =
      bob->ask_for<DocumentState>(earlier(write(*bob, R"({"title":"Moria","log":[1]})", 1), 60'000)).revision;
  // What is sent in the session before, and in the next one.
  const auto first = [&] {
    auto ann = join(studio, "rigging");
    ann->ask_for<DocumentState>(earlier(write_at(*ann, "/title", "\"Khazad\"", 3, base), 30'000));
  };
  const auto second = [&] {
    auto ann = join(studio, "rigging");
    return ann->ask_for<DocumentState>(
        made_of(earlier(write_at(*ann, "/title", "\"Balin\"", 4, base), 20'000), {{5, 3}}));
  };
  std::size_t open = 0;
  SECTION("one after the other") {
    first();
    CHECK(second().conflicts == 0);
  }
  SECTION("after the server was started anew") {
    first();
    studio.stop();
    studio.start();
    bob = join(studio, "lighting");
    CHECK(second().conflicts == 0);
  }
  SECTION("with what others changed elsewhere") {
    bob->ask_for<DocumentState>(write_at(*bob, "/log", "[2]", 5, base));
    first();
    bob->ask_for<DocumentState>(write_at(*bob, "/log", "[3]", 6, base));
    CHECK(second().conflicts == 0);
    CHECK(read(*bob, "/log") == "[3]");
  }
  SECTION("with what was lost to the first of them, and is told") {
    bob->ask_for<DocumentState>(earlier(write_at(*bob, "/title", "\"Oin\"", 5, base), 40'000));
    first();
    CHECK(second().conflicts == 0);
    open = 1;
  }
  SECTION("with what came between, and is lost to the second") {
    first();
    bob->ask_for<DocumentState>(earlier(write_at(*bob, "/title", "\"Oin\"", 5, base), 25'000));
    CHECK(second().conflicts == 1);
    open = 2;
  }
  CHECK(read(*bob, "/title") == "\"Balin\"");
  CHECK(bob->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts.size() == open);
}

TEST_CASE("a change is later than those that it was made of, whatever the clocks said") {
  Studio studio;
  auto ann = join(studio, "rigging");
  const std::uint64_t base = ann->ask_for<DocumentState>(earlier(write(*ann, kScenes, 1), 60'000)).revision;
  ann->ask_for<DocumentState>(earlier(write_at(*ann, "/log", "[2]", 3, base), 10'000));
  auto again = join(studio, "rigging");
  const auto second = again->ask_for<DocumentState>(
      made_of(earlier(write_at(*again, "/log/-", "3", 4, base), 20'000), {{5, 3}}));
  CHECK(second.won);
  CHECK(second.conflicts == 0);
  CHECK(read(*again, "/log") == "[2,3]");
}

TEST_CASE("an author's own are done to the base in the order in which they were named, each once") {
  Board board;
  board.apply(1, make_operation({.id = 1, .value = "{}"}));
  board.apply(2, make_operation({.id = 2, .value = R"([{"path":["n"],"value":1}])", .base = 1}));
  board.apply(3, make_operation({.id = 3, .value = R"([{"path":["n"],"value":2}])", .base = 1}));
  const auto id = [](std::uint64_t number) { return make_operation({.id = number}).id; };
  const OwnChanges own(board, Record::story, 1, {id(3), id(1), id(2), id(3)});
  CHECK(own.sought().empty());
  CHECK(own.check());
  const auto edits = own.edits();
  REQUIRE(edits.size() == 2);
  CHECK(document::print(*edits[0]) == R"([{"path":["n"],"value":2}])");
  CHECK(document::print(*edits[1]) == R"([{"path":["n"],"value":1}])");
}

TEST_CASE("what the board has forgotten is asked for by its id, and kept while it is not too much") {
  const Board board = crowded(10);
  const auto operation = [](std::uint64_t number, std::size_t bytes) {
    auto made = make_operation({.id = number, .value = R"([{"path":["n"],"value":2}])", .base = 1});
    REQUIRE(read_edits(made));
    if (bytes > 0) made.value = std::make_shared<const std::string>(bytes, ' ');
    return made;
  };
  OwnChanges own(board, Record::story, 5, {operation(4, 0).id, operation(6, 0).id, operation(7, 0).id});
  CHECK(own.sought().size() == 3);
  own.add({4, operation(4, kMergeWindowBytes)});
  own.add({6, operation(6, kMergeWindowBytes)});
  CHECK(own.sought() == std::vector<UniqueId>{operation(7, 0).id});
  CHECK(own.edits().size() == 1);
  CHECK_FALSE(own.check());
  own.add({7, operation(7, 1)});
  CHECK_FALSE(own.check());
}

}  // namespace callboard::own_changes_test
