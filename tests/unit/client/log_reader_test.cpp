#include "client/log_reader.h"

#include <catch2/catch.hpp>

namespace callboard::client::log_reader_test {

TEST_CASE("a page of the server's log is its events, with each field as JSON") {
  const auto page = log_page_from(
      R"({"events":[{"number":7,"time":1763733203123,"level":"warn","kind":"warning","user":"rigging","text":"too loud",)"
      R"("fields":{"count":3,"why":"\"no\"","again":true}},{"number":9,"time":1,"level":"info","kind":"status",)"
      R"("text":"stopped","fields":{}}],"last":9})");
  REQUIRE(page);
  CHECK(page->last == 9);
  REQUIRE(page->events.size() == 2);
  const LogEvent& first = page->events[0];
  CHECK((first.number == 7 && first.time.ms == 1763733203123 && first.level == "warn" &&
         first.kind == "warning"));
  CHECK((first.user == "rigging" && first.text == "too loud"));
  const std::vector<std::pair<std::string, std::string>> fields{
      {"count", "3"}, {"why", R"("\"no\"")"}, {"again", "true"}};
  CHECK(first.fields == fields);
  CHECK((page->events[1].user.empty() && page->events[1].fields.empty()));
}

TEST_CASE("a page of the log that makes no sense is none") {
  for (const std::string json :
       {"", "[]", "{}", R"({"events":[]})", R"({"last":1})", R"({"events":{},"last":1})",
        R"({"events":[1],"last":1})", R"({"events":[{"number":1}],"last":1})",
        R"({"events":[{"number":-1,"time":1}],"last":1})", R"({"events":[],"last":1.5})"}) {
    INFO(json);
    const auto page = log_page_from(json);
    REQUIRE_FALSE(page);
    CHECK(page.error().outcome == Outcome::failed);
  }
  CHECK(log_page_from(R"({"events":[],"last":1})")->events.empty());
}

}  // namespace callboard::client::log_reader_test
