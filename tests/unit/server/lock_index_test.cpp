#include "server/lock_index.h"

#include <catch2/catch.hpp>

namespace callboard::server::lock_index_test {
namespace {

using Paths = std::vector<std::string>;

const SessionId kRigging{1};
const SessionId kLighting{2};

}  // namespace

TEST_CASE("locks without a lease are found by their owner, those with one by its end") {
  LockIndex index;
  CHECK(index.owners().empty());
  CHECK_FALSE(index.first_end_ms());
  index.set("/locks/a", kRigging, 0);
  index.set("/locks/b", kRigging, 0);
  index.set("/locks/c", kRigging, 30);
  index.set("/locks/d", kLighting, 20);
  CHECK(index.of(kRigging) == Paths{"/locks/a", "/locks/b"});
  CHECK(index.of(kLighting).empty());
  CHECK(index.first_end_ms() == 20);
  CHECK(index.ended(19).empty());
  CHECK(index.ended(30) == Paths{"/locks/d", "/locks/c"});
}

TEST_CASE("a lock that changes is found as it is, and one that is removed not at all") {
  LockIndex index;
  index.set("/locks/a", kRigging, 0);
  index.set("/locks/a", kLighting, 0);
  CHECK(index.of(kRigging).empty());
  CHECK(index.owners() == std::vector<SessionId>{kLighting});
  index.set("/locks/a", kLighting, 20);
  CHECK(index.owners().empty());
  CHECK(index.ended(20) == Paths{"/locks/a"});
  index.set("/locks/a", kLighting, 0);
  CHECK(index.ended(20).empty());
  index.remove("/locks/a");
  index.remove("/locks/a");
  CHECK(index.owners().empty());
  CHECK_FALSE(index.first_end_ms());
}

}  // namespace callboard::server::lock_index_test
