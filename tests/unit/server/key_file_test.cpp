// The file of the keys where the system does not do as it should.
#include "server/store/key_file.h"

#include <fcntl.h>
#include <sys/file.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/unit/server/keyed_studio.h"

namespace callboard::server::key_file_test {
namespace {

using Catch::Contains;
using std::chrono::milliseconds;

struct Place {
  TemporaryFolder folder;
  KeyFileSystem system = key_file_system();

  KeyFile file() const { return {folder.path(), "p", system}; }
  Result<void> add(const std::string& name) const {
    return file().update([&](KeyRing& ring) { return ring.add(key_entry(name)); });
  }
  bool has(const std::string& name) const {
    const auto ring = file().read().value();
    return ring && ring->find_name(name) != nullptr;
  }
  // As another process holds it.
  Fd hold() const {
    Fd lock(::open((folder.path() / "p" / "keys.lock").c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
    return lock;
  }
};

TEST_CASE("who holds the lock of the keys for long is waited for, and then it is said that somebody does") {
  Place place;
  REQUIRE(place.add("rigging"));
  const Fd held = place.hold();
  milliseconds waited{0};
  place.system.pause = [&](milliseconds time) { waited += time; };
  const auto refused = place.add("lighting");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::locked);
  CHECK_THAT(refused.error().text, Contains("keys.lock\": another process holds it"));
  CHECK(waited == 5s);
  CHECK(place.file().forget_changes({}).error().outcome == Outcome::locked);
  CHECK_FALSE(place.has("lighting"));
}

TEST_CASE("who lets go of the lock of the keys in time hinders nobody") {
  Place place;
  REQUIRE(place.add("rigging"));
  Fd held = place.hold();
  int pauses = 0;
  place.system.pause = [&](milliseconds) {
    if (++pauses == 3) held.reset();
  };
  CHECK(place.add("lighting"));
  CHECK(pauses == 3);
  CHECK(place.has("lighting"));
}

TEST_CASE("a change of the keys that may not be on disk is told as what it is: done, and not certain") {
  Place place;
  REQUIRE(place.add("rigging"));
  int syncs = 0;
  int fails_at = 0;
  place.system.sync = [&](int) {
    errno = EIO;
    return ++syncs == fails_at ? -1 : 0;
  };
  // First what is done is written down; then it is done.
  fails_at = 2;
  const auto uncertain = place.add("lighting");
  REQUIRE_FALSE(uncertain);
  CHECK_THAT(uncertain.error().text,
             Contains("keys\" is changed, but may be as before when the machine goes down: ") &&
                 !Contains("as they were"));
  CHECK(place.has("lighting"));
  syncs = 0;
  fails_at = 1;
  const auto undone = place.add("layout");
  REQUIRE_FALSE(undone);
  CHECK_THAT(undone.error().text, Catch::StartsWith("the keys are as they were: "));
  CHECK_FALSE(place.has("layout"));
}

}  // namespace
}  // namespace callboard::server::key_file_test
