#include "base/own_folders.h"

#include <catch2/catch.hpp>

namespace callboard::own_folders_test {
namespace {

TEST_CASE("paths overlap where one is the other or lies in it, not where their names begin alike") {
  CHECK(overlap("/dev/chr", "/dev/chr"));
  CHECK(overlap("/dev/chr", "/dev/chr/Moria"));
  CHECK(overlap("/dev/chr/Moria", "/dev/chr"));
  CHECK_FALSE(overlap("/dev/chr", "/dev/chrome"));
  CHECK_FALSE(overlap("/dev/chr/Moria", "/dev/chr/Balin"));
}

}  // namespace
}  // namespace callboard::own_folders_test
