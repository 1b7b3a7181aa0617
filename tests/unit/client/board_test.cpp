// Records as a program's own structs, told by a server that a test plays.
#include "client/board.h"

#include <catch2/catch.hpp>

#include "net/endpoint.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client::board_test {
namespace {

struct Take {
  std::int64_t n = 0;
  static constexpr std::string_view kClass = "take";
  static void describe(auto& field) { field("n", &Take::n); }
};

// A client with a board, and what its handlers heard: "+" and the path of what changed, "-" of what is gone.
struct BoardRoom {
  net::Loop loop;
  FakeServer server{loop};
  std::unique_ptr<Client> client;
  std::unique_ptr<Board> board;
  std::vector<std::string> heard;

  BoardRoom() {
    server.on_ask = [](FakeSession& session, const protocol::ClientMessage& message) {
      if (const auto* enter = std::get_if<protocol::EnterAsk>(&message))
        FakeServer::say(session, protocol::Ok{enter->id, std::nullopt});
    };
    Options options;
    options.project = "Moria's Race";
    options.user = "rigging";
    options.server = net::to_text(server.at());
    client = std::move(Client::start(options, nullptr)).value();
    board = std::make_unique<Board>(*client);
  }
  ~BoardRoom() {
    client->leave();
    bool has_left = false;
    client->left().then([&](const Result<bool>&) { loop.post([&] { has_left = true; }); });
    CHECK(loop.run_until([&] { return has_left; }, kTestLimit));
  }
  void on_takes(const std::string& who = "") {
    const auto entered = board->on<Take>(
        "/takes", [this, who](const Held<Take>& take) { hear(who + "+" + take.record().path); },
        [this, who](const RecordGone& gone) { hear(who + "-" + gone.path); });
    bool is_in = false;
    entered.then([&](const Result<bool>&) { loop.post([&] { is_in = true; }); });
    REQUIRE(loop.run_until([&] { return is_in; }, kTestLimit));
  }
  // On the client's thread.
  void hear(const std::string& word) {
    loop.post([this, word] { heard.push_back(word); });
  }
  void tell(const std::string& records, bool is_full = false) {
    protocol::Records told;
    told.zone = "/takes";
    told.full = is_full;
    told.records = std::make_shared<const std::string>("[" + records + "]");
    FakeServer::say(server.session(), told);
  }
  // What was heard by the time that the last of it is.
  std::vector<std::string> heard_until(const std::string& last) {
    REQUIRE(loop.run_until([&] { return !heard.empty() && heard.back() == last; }, kTestLimit));
    return std::exchange(heard, {});
  }
};

std::string told_as(const std::string& record_class, const std::string& path, int revision) {
  return R"({"path":")" + path + R"(","class":")" + record_class + R"(","revision":)" +
         std::to_string(revision) + R"(,"timestamp":1000,"fields":{}})";
}

std::string told_gone(const std::string& path) { return R"({"path":")" + path + R"(","gone":true})"; }

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("of other classes than its own a board's handler hears nothing, not that they are gone either") {
  BoardRoom room;
  room.on_takes();
  room.tell(told_as("take", "/takes/1", 1) + "," + told_as("note", "/takes/2", 2), true);
  room.tell(told_gone("/takes/2") + "," + told_gone("/takes/1"));
  CHECK(room.heard_until("-/takes/1") == Words{"+/takes/1", "-/takes/1"});
  // An event is not kept, and so never gone.
  room.tell(told_as("take", "/takes/3", 0));
  room.tell(told_as("take", "/takes/4", 4));
  room.tell(told_gone("/takes/3"));
  // Removed, and made anew as something else, while this client did not listen.
  room.tell(told_as("note", "/takes/4", 6));
  CHECK(room.heard_until("-/takes/4") == Words{"+/takes/3", "+/takes/4", "-/takes/4"});
}

TEST_CASE("whoever listens to a zone that one is in already is told first what is there") {
  BoardRoom room;
  room.on_takes("first");
  room.tell(told_as("take", "/takes/1", 1) + "," + told_as("take", "/takes/2", 2), true);
  CHECK(room.heard_until("first+/takes/2").size() == 2);
  room.on_takes("second");
  CHECK(room.heard_until("second+/takes/2") == Words{"second+/takes/1", "second+/takes/2"});
  room.tell(told_gone("/takes/1"));
  CHECK(room.heard_until("second-/takes/1") == Words{"second-/takes/1"});
}

}  // namespace callboard::client::board_test
