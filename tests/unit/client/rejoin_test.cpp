#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "net/endpoint.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client::rejoin_test {
namespace {

// A whole client, and what it hears of copies: who has which item.
struct Seat : Listener {
  net::Loop loop;
  FakeServer server{loop};
  std::map<std::string, std::string> copies;
  std::vector<std::string> stories;
  int joins = 0;
  int warnings = 0;

  void on_warning(std::string_view) override {
    loop.post([this] { ++warnings; });
  }
  void on_story(const Document& document) override {
    loop.post([this, text = document.text ? *document.text : "no text"] { stories.push_back(text); });
  }
  void on_joined(std::string_view, const User&) override {
    loop.post([this] { ++joins; });
  }
  void on_assets(const AssetChanges& news) override {
    loop.post([this, news] {
      for (const auto& [item, copy] : news) copies[item] = copy ? copy->user : "nobody";
    });
  }
  Options options() const {
    Options options;
    options.project = "Moria's Race";
    options.user = "rigging";
    options.server = net::to_text(server.at());
    options.rejoin_pause = 1ms;
    return options;
  }
  static protocol::Assets assets(bool is_full, const std::map<std::string, std::string>& users) {
    protocol::Assets made;
    made.full = is_full;
    for (const auto& [item, user] : users)
      made.items[item] = protocol::AssetCopy{user, SessionId{9}, Timestamp{1000}};
    return made;
  }
};

TEST_CASE("what a join brought that was cut off at its end is heard with the next one") {
  Seat seat;
  seat.server.secret = UniqueId{1, 2};
  seat.server.joins_cut = 1;
  seat.server.joins_find = {Seat::assets(true, {{"/dev/0", "lighting"}, {"/dev/1", "lighting"}}),
                            Seat::assets(false, {{"/dev/1", "rendering"}, {"/dev/2", "rendering"}})};
  auto client = Client::start(seat.options(), &seat);
  REQUIRE(client);
  CHECK(seat.loop.run_until([&] { return seat.copies.size() == 3; }, kTestLimit));
  CHECK(seat.joins == 1);
  CHECK(seat.server.sessions().size() == 2);
  CHECK(seat.copies == std::map<std::string, std::string>{
                           {"/dev/0", "lighting"}, {"/dev/1", "rendering"}, {"/dev/2", "rendering"}});
}

TEST_CASE("a whole list that was asked for in vain is asked for again when the session goes on") {
  Seat seat;
  seat.server.secret = UniqueId{1, 2};
  seat.server.joins_find = {Seat::assets(true, {{"/dev/0", "lighting"}}), Seat::assets(false, {})};
  int reads = 0;
  seat.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    const auto* read = std::get_if<protocol::AssetsRead>(&message);
    if (read == nullptr) return;
    if (++reads == 1) {
      FakeServer::say(session, protocol::ErrorAnswer{read->id, Outcome::timed_out, "not now"});
      return session.connection->close();
    }
    protocol::Assets all = Seat::assets(true, {{"/dev/1", "rendering"}});
    all.re = read->id;
    FakeServer::say(session, all);
  };
  auto client = Client::start(seat.options(), &seat);
  REQUIRE(client);
  REQUIRE(seat.loop.run_until([&] { return seat.copies.size() == 1; }, kTestLimit));
  // A list that is told anew, by a server that forgot what it had told.
  FakeServer::say(seat.server.session(0), Seat::assets(true, {}));
  CHECK(seat.loop.run_until([&] { return seat.copies.contains("/dev/1"); }, kTestLimit));
  CHECK(reads == 2);
  CHECK(seat.copies == std::map<std::string, std::string>{{"/dev/0", "nobody"}, {"/dev/1", "rendering"}});
}

TEST_CASE("a zone whose exit was asked for when the connection was lost is not entered again") {
  Seat seat;
  seat.server.secret = UniqueId{1, 2};
  seat.server.on_ask = [](FakeSession& session, const protocol::ClientMessage& message) {
    if (const auto* enter = std::get_if<protocol::EnterAsk>(&message))
      FakeServer::say(session, protocol::Ok{enter->id, std::nullopt});
    if (const auto* at = std::get_if<protocol::AtAsk>(&message))
      FakeServer::say(session, protocol::Ok{at->id, std::nullopt});
    const auto* exit = std::get_if<protocol::ExitAsk>(&message);
    if (exit == nullptr) return;
    const auto times = std::ranges::count_if(session.heard, [](const protocol::ClientMessage& each) {
      return std::holds_alternative<protocol::EnterAsk>(each);
    });
    // It was done, and the answer is lost with the connection.
    if (times > 0) return session.connection->close();
    FakeServer::say(session, protocol::ErrorAnswer{exit->id, Outcome::not_found, "you are not in it"});
  };
  auto client = Client::start(seat.options(), &seat);
  REQUIRE(client);
  int answers = 0;
  const auto count = [&](const Result<bool>& done) {
    if (done) seat.loop.post([&] { ++answers; });
  };
  (*client)->enter("/takes").then(count);
  REQUIRE(seat.loop.run_until([&] { return answers == 1; }, kTestLimit));
  (*client)->exit("/takes").then(count);
  REQUIRE(seat.loop.run_until([&] { return answers == 2; }, kTestLimit));
  // Whatever was asked at the join has arrived by now.
  (*client)->at("/dev/0").then(count);
  REQUIRE(seat.loop.run_until([&] { return answers == 3; }, kTestLimit));
  CHECK(seat.server.sessions().size() == 2);
  CHECK(seat.server.session(1).last<protocol::EnterAsk>() == nullptr);
}

TEST_CASE(
    "what is told of a zone before its enter is answered, because the first answer was lost, is heard") {
  Seat seat;
  seat.server.secret = UniqueId{1, 2};
  seat.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    const auto* enter = std::get_if<protocol::EnterAsk>(&message);
    if (enter == nullptr) return;
    if (seat.server.sessions().size() == 1) return session.connection->close();
    // It is in the zone already: all is told with the first turn, and nothing after the answer.
    protocol::Records told;
    told.zone = "/takes";
    told.full = true;
    told.records = std::make_shared<const std::string>(
        R"([{"path":"/takes/1","class":"take","revision":4,"timestamp":1,"fields":{}}])");
    FakeServer::say(session, told);
    FakeServer::say(session, protocol::Ok{enter->id, std::nullopt});
  };
  auto client = Client::start(seat.options(), &seat);
  REQUIRE(client);
  std::vector<std::string> heard;
  (*client)->enter("/takes", [&](const RecordNews& news) {
    for (const Record& each : news.changed)
      seat.loop.post([&heard, path = each.path] { heard.push_back(path); });
  });
  REQUIRE(seat.loop.run_until([&] { return !heard.empty(); }, kTestLimit));
  CHECK(heard == std::vector<std::string>{"/takes/1"});
  CHECK(seat.server.sessions().size() == 2);
}

TEST_CASE("a zone whose entry after a lost connection is not answered in time is asked for again") {
  Seat seat;
  seat.server.secret = UniqueId{1, 2};
  int entries = 0;
  seat.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    const auto* enter = std::get_if<protocol::EnterAsk>(&message);
    const bool is_first = seat.server.sessions().size() == 1;
    if (std::holds_alternative<protocol::AtAsk>(message) && is_first) session.connection->close();
    if (enter == nullptr) return;
    // As the client's own patience tells it.
    if (++entries == 2)
      return FakeServer::say(session, protocol::ErrorAnswer{enter->id, Outcome::timed_out, "no answer"});
    FakeServer::say(session, protocol::Ok{enter->id, std::nullopt});
  };
  auto client = Client::start(seat.options(), &seat);
  REQUIRE(client);
  bool is_in = false;
  (*client)->enter("/takes").then([&](const Result<bool>& done) {
    if (done) seat.loop.post([&] { is_in = true; });
  });
  REQUIRE(seat.loop.run_until([&] { return is_in; }, kTestLimit));
  (*client)->at("/dev/0");
  CHECK(seat.loop.run_until([&] { return entries == 3; }, kTestLimit));
  CHECK(seat.server.sessions().size() == 2);
  CHECK(seat.warnings == 0);
}

// Asks, one after the other: so much has time to happen meanwhile as whoever asks without a pause needs for as many.
void ask_around(Seat& seat, Client& client, int times) {
  int answers = 0;
  for (int i = 1; i <= times; ++i) {
    client.at("/dev/0").then([&](const Result<bool>&) { seat.loop.post([&] { ++answers; }); });
    REQUIRE(seat.loop.run_until([&] { return answers == i; }, kTestLimit));
  }
}

TEST_CASE("what a server says at once that it has no time for is asked again after a pause") {
  constexpr int kAsks = 100;
  Seat seat;
  int asked = 0;
  bool is_ready = false;
  const auto answer = [&](FakeSession& session, protocol::AskId id) {
    ++asked;
    if (is_ready) return FakeServer::say(session, protocol::Ok{id, std::nullopt});
    FakeServer::say(session, protocol::ErrorAnswer{id, Outcome::timed_out, "not now"});
  };
  auto options = seat.options();
  SECTION("a zone that is entered again") {
    seat.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
      const auto* enter = std::get_if<protocol::EnterAsk>(&message);
      if (enter != nullptr && seat.server.sessions().size() > 1) return answer(session, enter->id);
      FakeServer::say(session, protocol::Ok{*protocol::ask_id_of(message), std::nullopt});
    };
  }
  SECTION("the schema") {
    options.schema = R"({"classes":[{"name":"take","fields":[{"name":"n","type":"int"}]}]})";
    seat.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
      if (const auto* schema = std::get_if<protocol::SchemaAsk>(&message)) return answer(session, schema->id);
      FakeServer::say(session, protocol::Ok{*protocol::ask_id_of(message), std::nullopt});
    };
  }
  auto client = Client::start(options, &seat);
  REQUIRE(client);
  if (options.schema.empty()) {
    bool is_in = false;
    (*client)->enter("/takes").then([&](const Result<bool>&) { seat.loop.post([&] { is_in = true; }); });
    REQUIRE(seat.loop.run_until([&] { return is_in; }, kTestLimit));
    seat.server.session(0).connection->close();
  }
  REQUIRE(seat.loop.run_until([&] { return asked == 1; }, kTestLimit));
  ask_around(seat, **client, kAsks);
  CHECK(asked < kAsks / 4);
  is_ready = true;
  const int before = asked;
  REQUIRE(seat.loop.run_until([&] { return asked == before + 1; }, kTestLimit));
  ask_around(seat, **client, kAsks);
  CHECK(asked == before + 1);
  CHECK(seat.warnings == 0);
}

TEST_CASE("a document that is not told in time is asked for again") {
  Seat seat;
  int reads = 0;
  seat.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    const auto* read = std::get_if<protocol::DocumentRead>(&message);
    if (read == nullptr) return;
    if (++reads == 1)
      return FakeServer::say(session, protocol::ErrorAnswer{read->id, Outcome::timed_out, "not now"});
    protocol::DocumentState state;
    state.re = read->id;
    state.revision = 9;
    state.document = std::make_shared<const std::string>(R"({"a":1})");
    FakeServer::say(session, state);
  };
  auto client = Client::start(seat.options(), &seat);
  REQUIRE(client);
  REQUIRE(seat.loop.run_until([&] { return seat.joins == 1; }, kTestLimit));
  protocol::DocumentState patch;
  patch.revision = 9;
  patch.from = 5;
  patch.document = std::make_shared<const std::string>("[]");
  FakeServer::say(seat.server.session(0), patch);
  CHECK(seat.loop.run_until([&] { return !seat.stories.empty(); }, kTestLimit));
  CHECK(seat.stories == std::vector<std::string>{R"({"a":1})"});
  CHECK(reads == 2);
}

TEST_CASE("an answer to a write tells no document of before, where that is just being read") {
  Seat seat;
  seat.server.story.revision = 4;
  seat.server.story.document = std::make_shared<const std::string>(R"({"a":"old"})");
  std::optional<protocol::AskId> reading;
  seat.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    if (const auto* read = std::get_if<protocol::DocumentRead>(&message)) reading = read->id;
    const auto* write = std::get_if<protocol::DocumentWrite>(&message);
    if (write == nullptr) return;
    protocol::DocumentState answer;
    answer.re = write->id;
    answer.won = true;
    answer.revision = answer.number = 7;
    answer.from = 6;
    answer.document = std::make_shared<const std::string>(R"([{"op":"add","path":"/b","value":1}])");
    FakeServer::say(session, answer);
  };
  auto client = Client::start(seat.options(), &seat);
  REQUIRE(client);
  REQUIRE(seat.loop.run_until([&] { return seat.joins == 1; }, kTestLimit));
  protocol::DocumentState lacking;
  lacking.revision = 5;
  FakeServer::say(seat.server.session(0), lacking);
  REQUIRE(seat.loop.run_until([&] { return reading.has_value(); }, kTestLimit));
  std::optional<WriteResult> result;
  (*client)->change({.content = "1", .at = "/b"}).then([&](const Result<WriteResult>& answer) {
    if (answer) seat.loop.post([&, written = *answer] { result = written; });
  });
  REQUIRE(seat.loop.run_until([&] { return result.has_value(); }, kTestLimit));
  CHECK(result->revision == 7);
  CHECK(result->current.text == nullptr);
}

TEST_CASE("what is written before a client has joined is made from what was known in its folder last") {
  const support::TempDir folder;
  Seat seat;
  seat.server.story.revision = 7;
  seat.server.story.document = std::make_shared<const std::string>(R"({"a":1})");
  Options options = seat.options();
  options.folder = folder.path().string();
  auto client = Client::start(options, &seat);
  REQUIRE(client);
  REQUIRE(seat.loop.run_until([&] { return seat.joins == 1; }, kTestLimit));
  client->reset();
  seat.server.greets = false;
  client = Client::start(options, &seat);
  REQUIRE(client);
  static_cast<void>((*client)->set_story(R"({"a":2})"));
  static_cast<void>((*client)->set_analytics("[]"));
  std::vector<protocol::DocumentWrite> writes;
  seat.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    const auto* write = std::get_if<protocol::DocumentWrite>(&message);
    if (write == nullptr) return;
    writes.push_back(*write);
    FakeServer::say(session, protocol::ErrorAnswer{write->id, Outcome::usage, "no"});
  };
  seat.server.greets = true;
  for (const auto& session : seat.server.sessions()) session->connection.reset();
  REQUIRE(seat.loop.run_until([&] { return writes.size() == 2; }, kTestLimit));
  CHECK(writes[0].base == 7);
  CHECK(writes[1].base == 0);
}

}  // namespace
}  // namespace callboard::client::rejoin_test
