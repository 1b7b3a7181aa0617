#include "server/board/assets.h"

#include <catch2/catch.hpp>

#include "base/limits.h"

namespace callboard::assets_test {
using namespace callboard::server;

namespace {

const std::string kMoria = "/dev/chr/Moria";

bool anybody(SessionId) { return true; }

}  // namespace

TEST_CASE("the newest copy of an item counts, whatever order they were told in") {
  Assets assets;
  assets.set(SessionId{1}, kMoria, Timestamp{300});
  assets.set(SessionId{2}, kMoria, Timestamp{200});

  CHECK(*assets.newest().find(kMoria) == Copy{SessionId{1}, Timestamp{300}});
}

TEST_CASE(
    "of two copies of one age that of who was there before counts, not the one that was pulled from it") {
  Assets assets;
  assets.set(SessionId{2}, kMoria, Timestamp{300});
  assets.set(SessionId{1}, kMoria, Timestamp{300});

  CHECK(assets.newest().find(kMoria)->session == SessionId{1});
}

TEST_CASE("what was changed after another copy was told of is newer, though the clock was set back between") {
  constexpr Instant kStart{std::chrono::hours(1)};
  Assets assets;
  assets.set(SessionId{1}, kMoria, Timestamp{9000}, {kStart, kStart + 1s});
  assets.set(SessionId{2}, kMoria, Timestamp{3000}, {kStart + 3s, kStart + 4s});
  CHECK(*assets.newest().find(kMoria) == Copy{SessionId{2}, Timestamp{9001}});
  // The first one's, changed once more; and a third that was changed before all of that.
  assets.set(SessionId{1}, kMoria, Timestamp{5000}, {kStart + 5s, kStart + 6s});
  assets.set(SessionId{3}, kMoria, Timestamp{8000}, {kStart - 1s, kStart + 6s});
  CHECK(*assets.newest().find(kMoria) == Copy{SessionId{1}, Timestamp{9002}});
  // Told of again, the clocks having been measured anew.
  assets.set(SessionId{2}, kMoria, Timestamp{3000}, {kStart + 3s, kStart + 9s});
  assets.set(SessionId{1}, kMoria, Timestamp{5003}, {kStart + 5003ms, kStart + 9s});
  CHECK(*assets.newest().find(kMoria) == Copy{SessionId{1}, Timestamp{9002}});
  assets.leave(SessionId{1});
  CHECK(*assets.newest().find(kMoria) == Copy{SessionId{2}, Timestamp{9001}});
  // One that has an older one again has an older one.
  assets.set(SessionId{2}, kMoria, Timestamp{10}, {kStart - 8s, kStart + 10s});
  CHECK(*assets.newest().find(kMoria) == Copy{SessionId{3}, Timestamp{8000}});
}

TEST_CASE("a copy that is not the newest changes nothing for listeners") {
  Assets assets;
  assets.set(SessionId{1}, kMoria, Timestamp{300});
  const auto head = assets.newest().head();
  assets.set(SessionId{2}, kMoria, Timestamp{200});
  assets.leave(SessionId{2});

  CHECK(assets.newest().head() == head);
}

TEST_CASE("when the newest copy's user leaves the next newest takes over, and only changes are told") {
  Assets assets;
  assets.set(SessionId{1}, kMoria, Timestamp{300});
  assets.set(SessionId{2}, kMoria, Timestamp{200});
  assets.set(SessionId{3}, kMoria, Timestamp{100});
  assets.set(SessionId{1}, "/pln", Timestamp{5});
  assets.set(SessionId{3}, "/rnd", Timestamp{5});
  const auto cursor = assets.newest().newest();
  assets.leave(SessionId{1});

  const auto changes = assets.newest().changes_since(cursor, 10);
  REQUIRE(changes.changes.size() == 2);
  CHECK(*assets.newest().find(kMoria) == Copy{SessionId{2}, Timestamp{200}});
  CHECK(assets.newest().find("/pln") == nullptr);
  CHECK(assets.newest().find("/rnd") != nullptr);
  CHECK(assets.items_of(SessionId{1}) == 0);
}

TEST_CASE("an own copy may become older, and may be withdrawn") {
  Assets assets;
  assets.set(SessionId{1}, kMoria, Timestamp{300});
  assets.set(SessionId{2}, kMoria, Timestamp{200});
  assets.set(SessionId{1}, kMoria, Timestamp{100});
  CHECK(assets.newest().find(kMoria)->session == SessionId{2});
  assets.remove(SessionId{2}, kMoria);
  assets.remove(SessionId{2}, kMoria);
  assets.remove(SessionId{2}, "/never/told");

  CHECK(*assets.newest().find(kMoria) == Copy{SessionId{1}, Timestamp{100}});
}

TEST_CASE("the newest copy can be looked for among some of the sessions") {
  Assets assets;
  assets.set(SessionId{1}, kMoria, Timestamp{300});
  assets.set(SessionId{2}, kMoria, Timestamp{200});

  CHECK(assets.newest_of(kMoria, anybody).session == SessionId{1});
  CHECK(assets.newest_of(kMoria, [](SessionId id) { return id != SessionId{1}; }).session == SessionId{2});
  CHECK_FALSE(assets.newest_of(kMoria, [](SessionId) { return false; }).session);
  CHECK_FALSE(assets.newest_of("/dev", anybody).session);
}

TEST_CASE("a session may have kItemsMax items and no more") {
  Assets assets;
  for (std::size_t i = 0; i < kItemsMax; ++i)
    REQUIRE(assets.set(SessionId{1}, std::to_string(i), Timestamp{1}));

  CHECK_FALSE(assets.set(SessionId{1}, "one more", Timestamp{1}));
  CHECK(assets.set(SessionId{1}, "7", Timestamp{2}));
  CHECK(assets.set(SessionId{2}, "one more", Timestamp{1}));
  CHECK(assets.items_of(SessionId{1}) == kItemsMax);
}

TEST_CASE("the folders that enclose an item are named from the inside out") {
  const auto names = enclosing_items("/rnd/scene-01/shot-03");
  REQUIRE(names.size() == 4);
  CHECK(names[0] == "/rnd/scene-01/shot-03");
  CHECK(names[1] == "/rnd/scene-01");
  CHECK(names[2] == "/rnd");
  CHECK(names[3] == "/");
  CHECK(enclosing_items("/").size() == 1);
}

}  // namespace callboard::assets_test
