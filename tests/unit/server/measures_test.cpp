#include <catch2/catch.hpp>

#include "server/board/kept_sessions.h"
#include "server/board/measures.h"

namespace callboard::measures_test {
using namespace callboard::server;

namespace {

Measures muted() {
  return {.muted_by = "lead", .mute_reason = "too loud", .granted = {"kick"}, .revoked = {"serve", "pull"}};
}

}  // namespace

TEST_CASE("who leaves has no more what was given, and goes on without what was taken") {
  MeasuresBook book;
  CHECK(book.of("a").is_empty());
  REQUIRE(book.set("a", muted()));
  REQUIRE(book.set("b", {.muted_by = {}, .mute_reason = {}, .granted = {"kick"}, .revoked = {}}));
  book.on_gone("a");
  book.on_gone("b");
  book.on_gone("nobody");
  CHECK(book.of("a").granted.empty());
  CHECK((book.of("a").is_muted() && book.of("a").revoked.size() == 2));
  CHECK(book.of("b").is_empty());
  REQUIRE(book.set("a", {}));
  CHECK(book.is_empty());
}

TEST_CASE("who has another key begins as who leaves, unless something was said of them as its holder") {
  MeasuresBook book;
  REQUIRE(book.set("a", muted()));
  book.on_rotated("a", "b");
  book.on_rotated("nobody", "b");
  CHECK(book.of("a").is_empty());
  CHECK((book.of("b").is_muted() && book.of("b").granted.empty() && book.of("b").revoked.size() == 2));
  REQUIRE(book.set("c", {.muted_by = "boss", .mute_reason = {}, .granted = {}, .revoked = {}}));
  book.on_rotated("b", "c");
  CHECK(book.of("b").is_empty());
  CHECK(book.of("c").muted_by == "boss");
}

TEST_CASE("what is said of people is bounded") {
  MeasuresBook book;
  for (std::size_t i = 0; i < MeasuresBook::kMax; ++i) REQUIRE(book.set(std::to_string(i), muted()));
  CHECK(book.set("one more", muted()).error().outcome == Outcome::refused);
  CHECK(book.set("0", muted()));
  Measures many;
  for (std::size_t i = 0; i <= MeasuresBook::kPermissionsMax; ++i) many.granted.insert(std::to_string(i));
  CHECK(book.set("0", many).error().outcome == Outcome::refused);
  CHECK(book.of("0") == muted());
}

TEST_CASE("what is said of people goes over a restart with the sessions, and an older file has none of it") {
  KeptSessions kept;
  kept.stopped = {7};
  const Bytes without = encoded(kept);
  REQUIRE(kept.measures.set("a", muted()));
  const Bytes with = encoded(kept);
  CHECK(kept_sessions_from(without)->measures.is_empty());
  const auto again = kept_sessions_from(with);
  REQUIRE(again);
  CHECK(again->measures.of("a") == muted());
  for (std::size_t size = 0; size < with.size(); ++size)
    CHECK_FALSE(kept_sessions_from(ByteView(with).first(size)));
}

}  // namespace callboard::measures_test
