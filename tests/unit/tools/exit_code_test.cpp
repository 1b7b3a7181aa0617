#include "tools/cli/exit_code.h"

#include <catch2/catch.hpp>

namespace callboard::cli::exit_code_test {
namespace {

TEST_CASE("every outcome has the exit code that the documentation promises") {
  CHECK(exit_code(Outcome::done) == 0);
  CHECK(exit_code(Outcome::failed) == 1);
  CHECK(exit_code(Outcome::usage) == 2);
  CHECK(exit_code(Outcome::not_found) == 3);
  CHECK(exit_code(Outcome::refused) == 4);
  CHECK(exit_code(Outcome::superseded) == 5);
  CHECK(exit_code(Outcome::locked) == 6);
  CHECK(exit_code(Outcome::timed_out) == 7);
  CHECK(exit_code(Outcome::no_quorum) == 8);
  CHECK(exit_code(Outcome::interrupted) == 9);
  CHECK(exit_code(Outcome::cancelled) == 130);
}

}  // namespace
}  // namespace callboard::cli::exit_code_test
