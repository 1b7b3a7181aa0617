// The program that docs/records.md shows, built and run.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::review_votes_test {
namespace {

using Catch::Contains;

std::string schema(const std::string& votes) {
  return R"({"classes":[{"name":"review","fields":[{"name":"status","type":"text","required":true},{"name":"votes","type":")" +
         votes + R"("},{"name":"note","type":"text"},{"name":"seen","type":"bool"}]}]})";
}

struct Reviews : Studio {
  explicit Reviews(const std::string& votes) {
    add_user("rigging");
    support::write_file(home() / "schema.json", schema(votes));
    serve({"--schema", (home() / "schema.json").native()});
  }
  support::Command vote(const std::string& user) const {
    return {.words = {REVIEW_VOTES_PROGRAM, project(), user, server_address(), "sc01"},
            .directory = home(),
            .environment = {}};
  }
};

}  // namespace

TEST_CASE("docs/records.md shows docs/review_votes.cpp to the letter") {
  const std::string page = support::read_file(DOCS_FOLDER "/records.md");
  CHECK_THAT(page, Contains("```cpp\n" + support::read_file(DOCS_FOLDER "/review_votes.cpp") + "```\n"));
}

TEST_CASE("votes of several people at once all count, and the schema's new optional field is no harm") {
  Reviews reviews("int");
  std::vector<std::unique_ptr<Process>> voters;
  for (const char* user : {"a", "b", "c", "d"})
    voters.push_back(std::make_unique<Process>(reviews.vote(user)));
  for (auto& each : voters) {
    INFO(each->printed(Stream::err));
    CHECK(exit_code(*each) == 0);
  }
  const auto listed = objects(reviews.run("rigging", {"records", "/reviews", "--json"}).out);
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].at("fields") == Json({{"status", "open"}, {"votes", 4}}));
}

TEST_CASE("a program whose classes the server's do not fit is told which, and leaves") {
  Reviews reviews("text");
  const auto refused = support::run(reviews.vote("a"));
  CHECK(refused.ending.exit_code == 1);
  CHECK_THAT(refused.err, Contains("class \"review\": field \"votes\": type: int here, text on the server"));
}

}  // namespace callboard::e2e::review_votes_test
