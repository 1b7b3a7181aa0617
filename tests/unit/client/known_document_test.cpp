#include "client/known_document.h"

#include <atomic>
#include <catch2/catch.hpp>

#include "client/client.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client::known_document_test {
namespace {

protocol::DocumentState told(std::uint64_t revision, std::uint64_t from, const std::string& text) {
  protocol::DocumentState state;
  state.revision = revision;
  state.from = from;
  state.by = "rigging";
  state.document = std::make_shared<const std::string>(text);
  return state;
}

}  // namespace

TEST_CASE("a document is known whole, then by what changes of it") {
  KnownDocument known;
  CHECK(*known.hear(told(3, 0, R"({"a":1,"b":2})")));
  CHECK(*known.hear(told(5, 3, R"([{"op":"replace","path":"/b","value":3}])")));
  CHECK(*known.newest().text == R"({"a":1,"b":3})");
  CHECK(known.newest().revision == 5);
  CHECK(*known.hear(told(6, 5, R"([{"op":"remove","path":"/a"}])")));
  CHECK(*known.newest().text == R"({"b":3})");
}

TEST_CASE("old news changes nothing, and neither does a tell without text") {
  KnownDocument known;
  CHECK(*known.hear(told(3, 0, "[1]")));
  CHECK_FALSE(*known.hear(told(3, 0, "[2]")));
  CHECK_FALSE(*known.hear(told(2, 1, "[]")));
  auto silent = told(9, 0, "");
  silent.document = nullptr;
  CHECK_FALSE(*known.hear(silent));
  CHECK(*known.newest().text == "[1]");
}

TEST_CASE("a patch of something else is noticed, and what is known forgotten, so that it is read anew") {
  KnownDocument known;
  CHECK(*known.hear(told(3, 0, "[1]")));
  SECTION("of another revision") { CHECK_FALSE(known.hear(told(5, 4, "[]"))); }
  SECTION("that does not apply") { CHECK_FALSE(known.hear(told(5, 3, R"([{"op":"remove","path":"/7"}])"))); }
  CHECK(known.newest().revision == 0);
  CHECK(*known.hear(told(5, 0, "[2]")));
}

TEST_CASE("what the client wrote itself is what the next patch is of") {
  KnownDocument known;
  CHECK(*known.hear(told(3, 0, "[1]")));
  Document own;
  own.revision = 4;
  own.text = std::make_shared<const std::string>("[1,2]");
  known.set(own);
  CHECK(*known.hear(told(5, 4, R"([{"op":"remove","path":"/0"}])")));
  CHECK(*known.newest().text == "[2]");
}

TEST_CASE("what a join finds older than what is known is of another board, and known from then on") {
  struct Reader : Listener {
    std::atomic<std::uint64_t> revision{0};
    void on_story(const Document& story) override { revision = story.revision; }
  } reader;
  net::Loop loop;
  FakeServer server(loop);
  server.story = told(50, 0, "[1]");
  Options options;
  options.user = "rigging";
  options.project = "Moria's Race";
  options.server = net::to_text(server.at());
  auto client = Client::start(options, &reader);
  REQUIRE(client);
  REQUIRE(loop.run_until([&] { return reader.revision == 50 && server.has_joined(); }, kTestLimit));
  // A backup was restored.
  server.story = told(40, 0, "[2]");
  server.session().connection.reset();
  REQUIRE(loop.run_until([&] { return server.has_joined(1); }, kTestLimit));
  CHECK(loop.run_until([&] { return reader.revision == 40; }, 2s));
  (*client)->leave();
  loop.run_until([&] { return server.session(1).last<protocol::Bye>() != nullptr; }, kTestLimit);
}

}  // namespace callboard::client::known_document_test
