#include "server/board/presence.h"

#include <catch2/catch.hpp>

namespace callboard::presence_test {
using namespace callboard::server;

namespace {

User called(const char* name) {
  User user;
  user.name = name;
  user.joined = Timestamp{1000};
  return user;
}

}  // namespace

TEST_CASE("two users of one name are shown under different names") {
  Presence presence;
  CHECK(presence.join(SessionId{1}, called("rigging")).name == "rigging");
  CHECK(presence.join(SessionId{2}, called("rigging")).name == "rigging (2)");
  CHECK(presence.join(SessionId{3}, called("rigging")).name == "rigging (3)");
  CHECK(presence.find("rigging (2)") == SessionId{2});
  CHECK_FALSE(presence.find("nobody"));
}

TEST_CASE("a name is free again once its user has left") {
  Presence presence;
  presence.join(SessionId{1}, called("rigging"));
  presence.join(SessionId{2}, called("rigging"));
  presence.leave(SessionId{1}, "closed");

  CHECK(presence.join(SessionId{3}, called("rigging")).name == "rigging");
  CHECK(presence.find("rigging (2)") == SessionId{2});
}

TEST_CASE("a name that looks like a numbered one is kept apart too") {
  Presence presence;
  presence.join(SessionId{1}, called("rigging (2)"));
  presence.join(SessionId{2}, called("rigging"));

  CHECK(presence.join(SessionId{3}, called("rigging")).name == "rigging (3)");
}

TEST_CASE("leaving is told exactly once, with name and reason, however often it is said") {
  Presence presence;
  presence.join(SessionId{1}, called("rigging"));
  const auto cursor = presence.users().newest();
  presence.leave(SessionId{1}, "connection lost");
  presence.leave(SessionId{1}, "closed");

  const auto changes = presence.users().changes_since(cursor, 10);
  REQUIRE(changes.changes.size() == 1);
  REQUIRE(changes.changes[0].removal != nullptr);
  CHECK(changes.changes[0].removal->name == "rigging");
  CHECK(changes.changes[0].removal->reason == "connection lost");
  CHECK(presence.users().changes_since(changes.cursor, 10).changes.empty());
  CHECK(presence.ats().changes_since({}, 10).changes.empty());
}

TEST_CASE("what somebody works on is remembered with its beginning, and told only when it changes") {
  Presence presence;
  presence.join(SessionId{1}, called("rigging"));
  presence.set_at(SessionId{1}, "/dev/chr/Moria", Timestamp{5000});
  const auto cursor = presence.ats().newest();
  presence.set_at(SessionId{1}, "/dev/chr/Moria", Timestamp{6000});

  CHECK(presence.ats().head() == cursor.version);
  CHECK(presence.at(SessionId{1})->since == Timestamp{5000});
}

TEST_CASE("a camera that moves changes the user, one that stands still does not") {
  Presence presence;
  presence.join(SessionId{1}, called("rigging"));
  presence.set_camera(SessionId{1}, -3, 4);
  const auto head = presence.users().head();
  presence.set_camera(SessionId{1}, -3, 4);
  presence.set_camera(SessionId{9}, 1, 1);

  CHECK(presence.users().head() == head);
  CHECK(presence.user(SessionId{1})->camera_x == -3);
}

}  // namespace callboard::presence_test
