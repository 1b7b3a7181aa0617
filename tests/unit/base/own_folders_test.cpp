#include "base/own_folders.h"

#include <catch2/catch.hpp>

namespace callboard::own_folders_test {
namespace {

TEST_CASE(
    "a path lies in a folder where it goes on with a step of its own, not where the names begin alike") {
  CHECK(is_at_or_below("/locks", kLocksFolder));
  CHECK(is_at_or_below("/locks/dev/chr", kLocksFolder));
  CHECK_FALSE(is_at_or_below("/locksmith", kLocksFolder));
  CHECK_FALSE(is_at_or_below("/lock", kLocksFolder));
  CHECK_FALSE(is_at_or_below("/dev/locks", kLocksFolder));
}

}  // namespace
}  // namespace callboard::own_folders_test
