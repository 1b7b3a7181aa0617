#include "tools/cli/place_news.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace callboard::cli::place_news_test {
namespace {

client::Revision revision(std::uint64_t number, bool stands = true) {
  client::Revision made;
  made.revision = number;
  made.stands = stands;
  return made;
}

// A server that tells these pieces, one after the other.
struct Told {
  std::vector<client::History> pieces;
  std::vector<std::uint64_t> asked;  // Below which.
  PlaceNews news{[this](const client::HistoryQuery& query) -> Result<client::History> {
                   CHECK(query.at == "/title");
                   asked.push_back(query.before);
                   if (asked.size() > pieces.size()) return Error{Outcome::failed, "asked too often"};
                   return pieces[asked.size() - 1];
                 },
                 client::DocumentName::story, "/title"};

  // 0: nothing.
  std::uint64_t after(std::uint64_t number) {
    const auto found = news.after(number);
    REQUIRE(found);
    return *found ? (*found)->revision : 0;
  }
};

}  // namespace

TEST_CASE(
    "the newest that stands at a place is asked for once, and told to who wants to know of older ones") {
  Told told{.pieces = {{.revisions = {revision(9, false), revision(7), revision(3)}}}, .asked = {}};
  CHECK(told.after(5) == 7);
  CHECK(told.after(7) == 0);
  CHECK(told.after(1) == 7);
  CHECK(told.asked == std::vector<std::uint64_t>{0});
}

TEST_CASE("a long history is looked through piece by piece, down to what was asked about and no further") {
  Told told{.pieces = {{.revisions = {}, .looked_to = 40'000},
                       {.revisions = {}, .looked_to = 20'000},
                       {.revisions = {revision(100)}}},
            .asked = {}};
  CHECK(told.after(30'000) == 0);
  CHECK(told.asked == std::vector<std::uint64_t>{0, 40'000});
  CHECK(told.after(19'999) == 0);
  CHECK(told.asked.size() == 2);
  CHECK(told.after(50) == 100);
  CHECK(told.asked == std::vector<std::uint64_t>{0, 40'000, 20'000});
}

TEST_CASE("where nothing stands the search for it ends with the history") {
  Told told{.pieces = {{.revisions = {revision(9, false)}, .more = true}, {.revisions = {}}}, .asked = {}};
  CHECK(told.after(1) == 0);
  CHECK(told.after(0) == 0);
  CHECK(told.asked == std::vector<std::uint64_t>{0, 9});
}

TEST_CASE("a server that tells the same piece again, or one before it, is not asked for ever") {
  const client::History again =
      GENERATE(client::History{.revisions = {}, .looked_to = 40'000},
               client::History{.revisions = {}, .looked_to = 50'000},
               client::History{.revisions = {revision(40'000, false)}, .more = true});
  Told told{.pieces = {{.revisions = {}, .looked_to = 40'000}, again}, .asked = {}};
  const auto found = told.news.after(1);
  REQUIRE_FALSE(found);
  CHECK(found.error().text.find("history of /title: the server goes round in circles") == 0);
  CHECK(told.asked == std::vector<std::uint64_t>{0, 40'000});
}

TEST_CASE("what cannot be asked for is the error it is, and may be asked for again") {
  Told told{.pieces = {}, .asked = {}};
  CHECK_FALSE(told.news.after(1));
  told.pieces = {{}, {.revisions = {revision(4)}}};
  CHECK(told.after(1) == 4);
}

}  // namespace callboard::cli::place_news_test
