#include "base/error.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <memory>

#include "base/result.h"

namespace callboard::error_test {
namespace {

TEST_CASE("every outcome has a word of its own that is read back") {
  const std::vector<std::pair<Outcome, std::string_view>> words{
      {Outcome::done, "done"},           {Outcome::failed, "failed"},
      {Outcome::usage, "usage"},         {Outcome::not_found, "not_found"},
      {Outcome::refused, "refused"},     {Outcome::superseded, "superseded"},
      {Outcome::locked, "locked"},       {Outcome::timed_out, "timed_out"},
      {Outcome::no_quorum, "no_quorum"}, {Outcome::interrupted, "interrupted"},
      {Outcome::cancelled, "cancelled"}};
  for (const auto& [outcome, word] : words) {
    CHECK(to_text(outcome) == word);
    CHECK(outcome_from(word) == outcome);
  }
}

TEST_CASE("a newer peer's word is still an ending, and never a good one") {
  CHECK(outcome_from("postponed") == Outcome::failed);
  CHECK(outcome_from("") == Outcome::failed);
  CHECK(outcome_from("Done") == Outcome::failed);
}

TEST_CASE("a prefix keeps the outcome and stands before the text") {
  const Error error = Error{Outcome::refused, "permission denied"}.prefixed("read \"x\"");
  CHECK(error.outcome == Outcome::refused);
  CHECK(error.text == "read \"x\": permission denied");
}

TEST_CASE("the system's errors have the outcome that fits, in lower case") {
  CHECK(os_error("open", ENOENT).outcome == Outcome::not_found);
  CHECK(os_error("open", ENOTDIR).outcome == Outcome::not_found);
  CHECK(os_error("open", EACCES).outcome == Outcome::refused);
  CHECK(os_error("open", EXDEV).outcome == Outcome::refused);
  CHECK(os_error("open", ETIMEDOUT).outcome == Outcome::timed_out);
  CHECK(os_error("open", ENOSPC).outcome == Outcome::failed);
  CHECK(os_error("open \"x\"", ENOENT).text == "open \"x\": no such file or directory");
}

TEST_CASE("a result holds its value or its error") {
  const Result<int> value = 7;
  REQUIRE(value);
  CHECK(*value == 7);
  const Result<int> error = Error{Outcome::locked, "held"};
  REQUIRE_FALSE(error);
  CHECK(error.error().outcome == Outcome::locked);
  CHECK(Result<void>{}.has_value());
  CHECK(Result<void>(Error{}).error().outcome == Outcome::failed);
}

TEST_CASE("a value that cannot be copied is moved out of its result") {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = *std::move(result);
  CHECK(*taken == 3);
}

}  // namespace
}  // namespace callboard::error_test
