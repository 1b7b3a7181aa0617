// What met as it came late, what a session wrote without a server, and what is told of either.
#include <catch2/catch.hpp>

#include "tests/unit/server/document_asks.h"

namespace callboard::late_changes_test {
using namespace callboard::server;
using protocol::DocumentState;

TEST_CASE("a conflict whose loser came last of all is settled at the first try, with a value of its own") {
  Studio studio;
  auto first = join(studio, "rigging");
  auto second = join(studio, "lighting");
  const auto base = first->ask_for<DocumentState>(earlier(write(*first, kStory, 1), 2000));
  second->ask_for<DocumentState>(write_at(*second, "/title", "\"Khazad\"", 2, base.revision));
  const auto late =
      first->ask_for<DocumentState>(earlier(write_at(*first, "/title", "\"Balin\"", 3, base.revision), 1000));
  CHECK_FALSE(late.won);
  auto other = studio.visit("render");
  auto settle = write(*other, "\"Oin\"", 4);
  settle.settles = 1;
  const auto settled = other->ask_for<DocumentState>(settle);
  CHECK(settled.won);
  CHECK(settled.conflicts == 0);
  CHECK(read(*other, "/title") == "\"Oin\"");
  CHECK(other->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts.empty());
}

TEST_CASE("what came late and lost is met once, not again by who goes on from what it lost to") {
  Studio studio;
  auto first = join(studio, "rigging");
  auto second = join(studio, "lighting");
  const auto base = first->ask_for<DocumentState>(earlier(write(*first, kStory, 1), 2000));
  const auto stands =
      second->ask_for<DocumentState>(write_at(*second, "/title", "\"Khazad\"", 2, base.revision));
  first->ask_for<DocumentState>(earlier(write_at(*first, "/title", "\"Balin\"", 3, base.revision), 1000));
  auto other = studio.visit("render");
  const bool is_settled = GENERATE(false, true);
  if (is_settled) {
    auto settle = write(*other, "", 4);
    settle.document = nullptr;
    settle.settles = 1;
    CHECK(other->ask_for<DocumentState>(settle).conflicts == 0);
  }
  const std::size_t open = is_settled ? 0 : 1;
  SECTION("a change of what is there") {
    CHECK(
        other->ask_for<DocumentState>(write_at(*other, "/title", "\"Oin\"", 5, stands.revision)).conflicts ==
        0);
  }
  SECTION("a version that is brought back") {
    auto restore = write(*other, "", 5);
    restore.document = nullptr;
    restore.restore = base.revision;
    CHECK(other->ask_for<DocumentState>(restore).conflicts == 0);
  }
  SECTION("but who has seen nothing meets both") {
    CHECK(other->ask_for<DocumentState>(write_at(*other, "/title", "\"Oin\"", 5, base.revision)).conflicts ==
          2);
    CHECK(other->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts.size() == 2);
    return;
  }
  CHECK(other->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts.size() == open);
}

// What a session has written from the third operation on.
std::vector<UniqueId> before(std::uint64_t op) {
  std::vector<UniqueId> own;
  for (std::uint64_t i = 3; i < op; ++i) own.push_back({5, i});
  return own;
}

// Sent when the one before it is answered, as clients do.
DocumentState write_kept(TestClient& by, const std::string& at, const std::string& content, std::uint64_t op,
                         std::uint64_t base) {
  auto part = write_at(by, at, content, op, base);
  part.own = before(op);
  return by.ask_for<DocumentState>(part);
}

TEST_CASE("what was written without a server is made of what was written so before, whatever others did") {
  Studio studio;
  auto ann = join(studio, "rigging");
  auto bob = join(studio, "lighting");
  const auto base =
      ann->ask_for<DocumentState>(write(*ann, R"({"scenes":[{"id":"g"},{"id":"h"}],"log":[1]})", 1));
  bob->ask_for<DocumentState>(write_at(*bob, "/scenes/-", R"({"id":"of bob"})", 2, base.revision));
  const std::uint64_t seen = base.revision;
  SECTION("elements of an array are where they were then") {
    auto removal = write(*ann, R"([{"op":"remove","path":"/scenes/0"}])", 3);
    removal.patch = true;
    removal.base = seen;
    CHECK(ann->ask_for<DocumentState>(removal).won);
    CHECK(write_kept(*ann, "/scenes/0/length", "55", 4, seen).won);
    CHECK(read(*bob, "/scenes") == R"([{"id":"h","length":55},{"id":"of bob"}])");
  }
  SECTION("what was made then is there") {
    CHECK(write_kept(*ann, "/scenes/-", R"({"id":"new"})", 3, seen).won);
    CHECK(write_kept(*ann, "/scenes/new/note", R"("dark")", 4, seen).won);
    CHECK(write_kept(*ann, "/scenes/2/length", "9", 5, seen).won);
    CHECK(read(*bob, "/scenes/new") == R"({"id":"new","note":"dark","length":9})");
  }
  SECTION("a list grows by all of them") {
    std::string expected = "[1";
    for (std::uint64_t i = 0; i < 40; ++i) {
      CHECK(write_kept(*ann, "/log/-", std::to_string(i), 3 + i, seen).won);
      expected += "," + std::to_string(i);
    }
    CHECK(read(*bob, "/log") == expected + "]");
  }
  SECTION("a whole that takes back what was changed then takes it back") {
    CHECK(write_kept(*ann, "/log", "[1,2]", 3, seen).won);
    auto whole = write(*ann, R"({"scenes":[{"id":"g"},{"id":"h"}],"log":[1]})", 4);
    whole.base = seen;
    whole.own = before(4);
    CHECK(ann->ask_for<DocumentState>(whole).won);
    CHECK(read(*bob, "/log") == "[1]");
    CHECK(read(*bob, "/scenes/2/id") == R"("of bob")");
  }
}

TEST_CASE("who makes the whole document something else wins over what is newer within it") {
  Studio studio;
  auto ann = join(studio, "rigging");
  auto bob = join(studio, "lighting");
  const auto base = ann->ask_for<DocumentState>(earlier(write(*ann, R"({"info":{"a":1,"b":2}})", 1), 2000));
  const std::string whole = GENERATE("\"a text\"", "[1,2]");
  auto replaced = earlier(write(*bob, whole, 2), 1000);
  replaced.base = base.revision;
  CHECK(bob->ask_for<DocumentState>(replaced).won);
  const auto within = ann->ask_for<DocumentState>(write_at(*ann, "/info/a", "2", 3, base.revision));
  CHECK_FALSE(within.won);
  CHECK(within.conflicts == 1);
  CHECK(read(*bob) == whole);
  const auto found = bob->ask_for<protocol::Conflicts>(protocol::ConflictsAsk{}).conflicts;
  REQUIRE(found.size() == 1);
  CHECK(found[0].winner.user == "lighting");
  CHECK(found[0].loser.user == "rigging");
  CHECK(found[0].loser.value == "2");
  // What was lost is to be had, though there is no place for it any more.
  CHECK(read(*bob, {}, within.number) == R"({"info":{"a":2,"b":2}})");
  protocol::HistoryAsk history;
  history.at = "/info/a";
  const auto listed = bob->ask_for<protocol::Revisions>(history).revisions;
  REQUIRE(!listed.empty());
  CHECK(listed[0].revision == within.number);
  CHECK_FALSE(listed[0].stands);
}

}  // namespace callboard::late_changes_test
