#include "client/kept_writes.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/zone_keeper.h"
#include "protocol/codec.h"
#include "protocol/server_asks.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"
#include "tests/unit/client/keeper_place.h"

namespace callboard::client::kept_writes_test {
namespace {

// A client's writes in a folder; `is_kept[i]` once the i-th was told as kept, its answer in `answers`.
struct Writer : Place {
  support::TempDir folder;
  std::unique_ptr<KeptWrites> writes;
  std::vector<int> kept;
  std::vector<std::string> late;
  std::vector<std::string> warnings;
  std::size_t waiting = 0;

  Writer() { begin(); }
  // Who still waits is told, into what is declared below it.
  ~Writer() { writes.reset(); }
  void begin() {
    start();
    open();
  }
  void open() {
    KeptWrites::Handlers handlers;
    handlers.on_warning = [this](std::string_view text) { warnings.emplace_back(text); };
    handlers.on_waiting = [this](std::size_t count) { waiting = count; };
    handlers.on_late_answer = [this](const protocol::ClientMessage& write, const protocol::ServerMessage&) {
      const auto* said = std::get_if<protocol::MessageAsk>(&write);
      late.push_back(said != nullptr ? said->text : std::string("a document"));
    };
    auto outbox = Outbox::open(folder.path().string(), "Moria's Race");
    REQUIRE(outbox);
    writes = std::make_unique<KeptWrites>(loop, std::move(*outbox), *keeper, std::move(handlers));
  }
  void say(const std::string& text, std::uint64_t op) {
    writes->write(
        protocol::MessageAsk{0, text, UniqueId{1, op}},
        [this](Result<protocol::ServerMessage> answer) { answers.push_back(std::move(answer)); },
        [this, op] { kept.push_back(static_cast<int>(op)); });
  }
  // The process is gone: nothing of it is left but the folder.
  void end() {
    writes.reset();
    keeper.reset();
    loop.run_until([] { return true; }, 1ms);
  }
};

void answer_number(FakeSession& session, const protocol::ClientMessage& message) {
  if (const auto* ask = std::get_if<protocol::MessageAsk>(&message)) {
    FakeServer::say(session, protocol::Ok{ask->id, 5});
  }
}

std::vector<std::string> said(FakeServer& server) {
  std::vector<std::string> texts;
  for (const auto& session : server.sessions()) {
    for (const auto& heard : session->heard) {
      if (const auto* said = std::get_if<protocol::MessageAsk>(&heard)) texts.push_back(said->text);
    }
  }
  return texts;
}

TEST_CASE("a write that is answered at once is written down nowhere") {
  Writer here;
  here.server.on_ask = answer_number;
  here.until([&] { return here.joins == 1; });
  here.writes->on_joined();
  here.say("hello", 1);
  here.until([&] { return here.answers.size() == 1; });
  CHECK(here.answers[0]);
  CHECK(here.waiting == 0);
  CHECK(here.kept.empty());
  CHECK(here.late.empty());
}

TEST_CASE("a write on its way when the connection is lost is kept, and sent before what came later") {
  Writer here;
  here.until([&] { return here.joins == 1; });
  here.writes->on_joined();
  here.say("first", 1);
  here.until([&] { return here.server.session().last<protocol::MessageAsk>() != nullptr; });
  here.server.on_ask = answer_number;
  here.server.session().connection.reset();
  here.until([&] { return !here.endings.empty(); });
  here.writes->on_no_server();
  CHECK(here.waiting == 1);
  here.say("second", 2);
  CHECK(here.waiting == 2);
  here.until([&] { return here.answers.size() == 2; });
  CHECK(here.answers[0]);
  CHECK(here.answers[1]);
  CHECK(here.waiting == 0);
  CHECK(said(here.server) == std::vector<std::string>{"first", "first", "second"});
}

TEST_CASE("what was kept is sent by the next process, once, and then no more") {
  Writer here;
  here.server.greets = false;
  here.say("offline", 1);
  CHECK(here.waiting == 1);
  here.writes->on_no_server();
  here.until([&] { return here.kept == std::vector<int>{1}; });
  here.end();

  here.server.greets = true;
  here.server.on_ask = answer_number;
  here.begin();
  CHECK(here.waiting == 1);
  here.until([&] { return here.late == std::vector<std::string>{"offline"}; });
  CHECK(here.waiting == 0);
  here.end();
  here.begin();
  CHECK(here.waiting == 0);
  here.until([&] { return here.joins == 2; });
  here.settle();
  CHECK(said(here.server) == std::vector<std::string>{"offline"});
}

TEST_CASE("a kept write that a server refuses is told, and not sent again") {
  Writer here;
  here.server.greets = false;
  here.say("refused", 1);
  here.writes->on_no_server();
  here.until([&] { return !here.kept.empty(); });
  here.end();
  here.server.greets = true;
  here.server.on_ask = [](FakeSession& session, const protocol::ClientMessage& message) {
    FakeServer::say(session, protocol::ErrorAnswer{*protocol::ask_id_of(message), Outcome::refused, "no"});
  };
  here.begin();
  here.until([&] { return !here.warnings.empty(); });
  const auto file = here.folder.path() / ".callboard" / "refused" / to_text(UniqueId{1, 1});
  CHECK(here.warnings[0] == "a kept change of the message was refused: no; it is in " + file.string());
  CHECK(here.waiting == 0);
  // Whoever wrote it was told that it is kept.
  const std::string aside = support::read_file(file);
  CHECK(aside.starts_with("{\"why\":\"no\"}\n{\"verb\":\"message\","));
  CHECK(aside.find("\"text\":\"refused\"") != std::string::npos);
}

TEST_CASE("a server that turns the session away has not refused what is kept") {
  Writer here;
  here.server.greets = false;
  here.say("patient", 1);
  here.writes->on_no_server();
  here.until([&] { return !here.kept.empty(); });
  here.keeper->give_up(Error{Outcome::refused, "another key"});
  here.until([&] { return !here.endings.empty(); });
  CHECK(here.waiting == 1);
  CHECK(here.warnings.empty());
  CHECK_FALSE(std::filesystem::exists(here.folder.path() / ".callboard" / "refused"));
}

TEST_CASE("a change that is made of what its author wrote before is sent when that is answered") {
  Writer here;
  here.server.greets = false;
  const auto write = [&](std::uint64_t op, protocol::DocumentRecord record) {
    protocol::DocumentWrite message;
    message.op = UniqueId{2, op};
    message.record = record;
    message.document = std::make_shared<const std::string>("1");
    message.own = here.writes->unanswered(record);
    here.writes->write(
        message, [&](Result<protocol::ServerMessage> answer) { here.answers.push_back(std::move(answer)); },
        {});
  };
  write(1, protocol::DocumentRecord::story);
  write(2, protocol::DocumentRecord::story);
  write(3, protocol::DocumentRecord::story);
  write(4, protocol::DocumentRecord::analytics);
  here.say("hello", 5);
  Outcome outcome = Outcome::refused;
  std::vector<std::uint64_t> asked;
  std::vector<std::function<void()>> answers;
  here.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    asked.push_back(operation_of(message).low);
    answers.emplace_back([&session, &outcome, id = *protocol::ask_id_of(message)] {
      FakeServer::say(session, protocol::ErrorAnswer{id, outcome, "no"});
    });
  };
  here.server.greets = true;
  for (const auto& session : here.server.sessions()) session->connection.reset();
  here.until([&] { return asked.size() == 3; });
  CHECK(asked == std::vector<std::uint64_t>{1, 4, 5});
  SECTION("one after the other") {
    answers[0]();
    here.until([&] { return asked.size() == 4; });
    CHECK(asked.back() == 2);
    answers[3]();
    here.until([&] { return asked.size() == 5; });
    CHECK(asked.back() == 3);
  }
  SECTION("also where that is tried again at the next join") {
    outcome = Outcome::failed;
    answers[0]();
    answers[1]();
    here.until([&] { return here.server.session().connection != nullptr; });
    here.settle();
    CHECK(asked.size() == 3);
    here.writes->on_joined();
    here.until([&] { return asked.size() == 5; });
    CHECK(asked == std::vector<std::uint64_t>{1, 4, 5, 1, 4});
  }
  SECTION("and who waits when there is nobody any more to send it is answered") {
    protocol::DocumentWrite message;
    message.op = UniqueId{2, 6};
    message.document = std::make_shared<const std::string>("1");
    message.own = {UniqueId{2, 3}};
    // With a server that is there it is not kept.
    here.until([&] { return here.keeper->is_joined(); });
    here.writes->write(
        message, [&](Result<protocol::ServerMessage> answer) { here.answers.push_back(std::move(answer)); },
        {});
    CHECK(here.answers.empty());
    here.writes.reset();
    REQUIRE(here.answers.size() == 1);
    CHECK(here.answers[0].error().outcome == Outcome::cancelled);
  }
}

// Changes of the story that are made one of the other: of places, but for the third, which is all of it.
void write_chain(Writer& here, std::vector<Result<protocol::ServerMessage>>& answers) {
  for (std::uint64_t op = 1; op <= 5; ++op) {
    protocol::DocumentWrite message;
    message.op = UniqueId{2, op};
    message.document = std::make_shared<const std::string>("1");
    if (op != 3) message.at = "/scenes/0";
    message.own = here.writes->unanswered(message.record);
    here.writes->write(
        message, [&](Result<protocol::ServerMessage> answer) { answers.push_back(std::move(answer)); },
        [&here, op] { here.kept.push_back(static_cast<int>(op)); });
  }
}

TEST_CASE("what was made of a change that is refused is refused with it, but for what a whole document has") {
  Writer here;
  here.server.greets = false;
  write_chain(here, here.answers);
  std::vector<protocol::DocumentWrite> asked;
  here.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    asked.push_back(std::get<protocol::DocumentWrite>(message));
    if (asked.size() == 1)
      return FakeServer::say(session, protocol::ErrorAnswer{asked.back().id, Outcome::usage, "no"});
    protocol::DocumentState done;
    done.re = asked.back().id;
    FakeServer::say(session, done);
  };
  const std::string why = "it was made of the change 00000000000000020000000000000001, which was refused: no";
  SECTION("while their author waits") {
    here.server.greets = true;
    for (const auto& session : here.server.sessions()) session->connection.reset();
    here.until([&] { return here.answers.size() == 5; });
    CHECK(here.answers[0].error().text == "no");
    REQUIRE_FALSE(here.answers[1]);
    CHECK(here.answers[1].error().outcome == Outcome::superseded);
    CHECK(here.answers[1].error().text == why);
    CHECK(here.answers[2]);
    CHECK(here.answers[4]);
    CHECK(here.warnings.empty());
  }
  SECTION("when nobody waits for them") {
    here.writes->on_no_server();
    here.until([&] { return here.kept.size() == 5; });
    here.end();
    here.server.greets = true;
    here.begin();
    here.until([&] { return here.waiting == 0; });
    REQUIRE(here.warnings.size() == 2);
    const auto folder = here.folder.path() / ".callboard" / "refused";
    const auto second = folder / to_text(UniqueId{2, 2});
    CHECK(here.warnings[1] ==
          "a kept change of the story was refused: " + why + "; it is in " + second.string());
    CHECK(support::read_file(folder / to_text(UniqueId{2, 1})).starts_with("{\"why\":\"no\"}\n"));
    const std::string aside = support::read_file(second);
    CHECK(aside.starts_with("{\"why\":\"" + why + "\"}\n"));
    CHECK(aside.find("\"own\":[\"00000000000000020000000000000001\"]") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder / to_text(UniqueId{2, 3})));
  }
  REQUIRE(asked.size() == 4);
  CHECK(asked[1].op == UniqueId{2, 3});
  CHECK(asked[1].own.empty());
  CHECK(asked[2].own == std::vector<UniqueId>{{2, 3}});
  CHECK(asked[3].own == std::vector<UniqueId>{{2, 3}, {2, 4}});
}

TEST_CASE("what was made of a change that may yet be taken waits with it") {
  Writer here;
  here.server.greets = false;
  write_chain(here, here.answers);
  std::size_t asked = 0;
  here.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    ++asked;
    FakeServer::say(session, protocol::ErrorAnswer{*protocol::ask_id_of(message), Outcome::failed, "full"});
  };
  here.writes->on_no_server();
  here.until([&] { return here.kept.size() == 5; });
  here.server.greets = true;
  for (const auto& session : here.server.sessions()) session->connection.reset();
  here.until([&] { return asked == 1; });
  here.settle();
  CHECK(asked == 1);
  CHECK(here.waiting == 5);
  CHECK(here.answers.empty());
}

TEST_CASE("a kept write for which the server's disk has no room is tried again at the next join") {
  Writer here;
  here.server.greets = false;
  here.say("patient", 1);
  here.writes->on_no_server();
  here.until([&] { return !here.kept.empty(); });
  here.end();
  here.server.greets = true;
  int refused = 0;
  here.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    ++refused;
    FakeServer::say(session, protocol::ErrorAnswer{*protocol::ask_id_of(message), Outcome::failed, "full"});
  };
  here.begin();
  here.until([&] { return refused == 1; });
  here.settle();
  CHECK(here.waiting == 1);
  here.server.on_ask = answer_number;
  here.writes->on_joined();
  here.until([&] { return here.late == std::vector<std::string>{"patient"}; });
  CHECK(here.waiting == 0);
}

// A whole client on a folder in which an earlier process left one change of the story.
struct LeftBehind : Place, Listener {
  support::TempDir folder;
  std::vector<std::string> stories;
  std::vector<std::string> warned;
  int times_left = 0;
  std::uint64_t analytics = 0;  // Heard of last.

  void on_warning(std::string_view text) override {
    loop.post([this, text = std::string(text)] { warned.push_back(text); });
  }
  void on_left(const Error&, bool) override {
    loop.post([this] { ++times_left; });
  }
  void on_story(const Document& document) override {
    loop.post([this, text = document.text ? *document.text : "no text"] { stories.push_back(text); });
  }
  void leave(const protocol::DocumentWrite& write) const {
    auto outbox = Outbox::open(folder.path().string(), "Moria's Race");
    REQUIRE(outbox);
    REQUIRE((*outbox)->keep(write));
  }
  // Until all is told that the server's answer to that change brings.
  void run(protocol::DocumentState answer) {
    server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
      answer_number(session, message);
      const auto* write = std::get_if<protocol::DocumentWrite>(&message);
      if (write == nullptr) return;
      answer.re = write->id;
      FakeServer::say(session, answer);
    };
    auto client = start_client();
    bool is_over = false;
    const auto end = [&](const auto&) { loop.post([&] { is_over = true; }); };
    until([&] { return server.has_joined(); });
    client->say("said after it").then(end);
    until([&] { return is_over; });
    leave(*client);
  }
  void on_analytics(const Document& document) override {
    loop.post([this, revision = document.revision] { analytics = revision; });
  }
  std::unique_ptr<Client> start_client() {
    Options of_client;
    of_client.project = "Moria's Race";
    of_client.user = "rigging";
    of_client.folder = folder.path().string();
    of_client.server = net::to_text(server.at());
    auto client = Client::start(of_client, this);
    REQUIRE(client);
    return std::move(*client);
  }
  void leave(Client& client) {
    bool is_over = false;
    client.left().then([&](const auto&) { loop.post([&] { is_over = true; }); });
    client.leave();
    until([&] { return is_over; });
  }
};

std::shared_ptr<const std::string> text(std::string of) {
  return std::make_shared<const std::string>(std::move(of));
}

TEST_CASE("what a kept change made of the document is told once, when its author is there no more") {
  LeftBehind place;
  protocol::DocumentWrite write;
  write.op = UniqueId{1, 1};
  protocol::DocumentState answer;
  answer.won = true;
  answer.revision = 4;
  SECTION("as it was sent") {
    write.document = text(R"({"note":"at dusk"})");
    place.leave(write);
    place.run(answer);
    CHECK(place.stories == std::vector<std::string>{R"({"note":"at dusk"})"});
  }
  SECTION("with what others had changed") {
    write.at = "/note";
    write.document = text(R"("at dusk")");
    place.leave(write);
    answer.document = text(R"({"by":"lighting","note":"at dusk"})");
    place.run(answer);
    CHECK(place.stories == std::vector<std::string>{R"({"by":"lighting","note":"at dusk"})"});
  }
}

TEST_CASE(
    "a kept change that is not all there in the end is told by name, with what stands and how to see it") {
  LeftBehind place;
  protocol::DocumentWrite write;
  write.op = UniqueId{1, 1};
  write.record = protocol::DocumentRecord::analytics;
  write.document = text(R"({"note":"at dusk"})");
  place.leave(write);
  protocol::DocumentState answer;
  answer.record = write.record;
  answer.number = 9;
  answer.revision = 12;
  answer.by = "lighting";
  answer.document = text(R"({"note":"at dawn"})");
  SECTION("it lost") {
    place.run(answer);
    REQUIRE(place.warned.size() == 1);
    CHECK(
        place.warned[0].ends_with("what stands is analytics@12; all that yours said is in the history, see "
                                  "`callboard show analytics@9 --written`"));
  }
  SECTION("it met others' changes") {
    answer.won = true;
    answer.conflicts = 2;
    place.run(answer);
    REQUIRE(place.warned.size() == 1);
    CHECK(place.warned[0] ==
          "a kept change, analytics@9, met others' in the same place (2 conflicts): see `callboard "
          "conflicts`");
  }
  SECTION("it stands") {
    answer.won = true;
    place.run(answer);
    CHECK(place.warned.empty());
  }
}

TEST_CASE("a whole document that is written without a server is made from what was known here") {
  LeftBehind place;
  place.server.story.revision = 7;
  place.server.story.by = "lighting";
  place.server.story.document = text(R"({"a":1})");
  auto client = place.start_client();
  place.until([&] { return place.server.has_joined(); });
  bool is_joined = false;
  client->joined().then([&](const auto&) { place.loop.post([&] { is_joined = true; }); });
  place.until([&] { return is_joined; });
  protocol::DocumentState analytics;
  analytics.record = protocol::DocumentRecord::analytics;
  analytics.revision = 4;
  analytics.document = text("{}");
  FakeServer::say(place.server.session(), analytics);
  place.until([&] { return place.analytics == 4; });
  place.server.greets = false;
  place.server.session().connection.reset();
  place.until([&] { return place.times_left == 1; });
  static_cast<void>(client->set_story(R"({"a":2})"));
  static_cast<void>(client->set_analytics("[]"));
  static_cast<void>(client->set_story(R"({"a":3})", {}, 5));
  std::vector<protocol::DocumentWrite> writes;
  place.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    const auto* write = std::get_if<protocol::DocumentWrite>(&message);
    if (write == nullptr) return;
    writes.push_back(*write);
    protocol::DocumentState done;
    done.re = write->id;
    done.record = write->record;
    done.revision = 9;
    FakeServer::say(session, done);
  };
  place.server.greets = true;
  for (const auto& session : place.server.sessions()) session->connection.reset();
  place.until([&] { return writes.size() == 3; });
  CHECK(writes[0].base == 7);
  CHECK(writes[0].own.empty());
  CHECK(writes[1].record == protocol::DocumentRecord::analytics);
  CHECK(writes[1].base == 4);
  CHECK(writes[2].base == 5);
  CHECK(writes[2].own.empty());
  place.leave(*client);
}

TEST_CASE("what no server could read is answered as a wrong use at once, and everything else is asked") {
  Options of_client;
  of_client.project = "Moria's Race";
  of_client.user = "rigging";
  of_client.server = "127.0.0.1:1";
  auto client = Client::start(of_client, nullptr);
  REQUIRE(client);
  // There is none: whatever is answered, no server was asked.
  const auto is_refused = [](const auto& answer) {
    return answer.wait_for(0s) && answer.get().error().outcome == Outcome::usage;
  };
  CHECK(is_refused((*client)->at("no path")));
  CHECK(is_refused((*client)->say("")));
  CHECK(is_refused((*client)->read({.at = "/a", .from = 1})));
  CHECK_FALSE((*client)->camera(1, 2).wait_for(0s));
  CHECK_FALSE((*client)->messages().wait_for(0s));
  CHECK_FALSE((*client)->at("/dev").wait_for(0s));
  CHECK_FALSE((*client)->users().wait_for(0s));
  CHECK_FALSE((*client)->assets().wait_for(0s));
  CHECK_FALSE((*client)->status().wait_for(0s));
  CHECK_FALSE((*client)->conflicts().wait_for(0s));
  CHECK_FALSE((*client)->history({}).wait_for(0s));
  CHECK_FALSE((*client)->read({}).wait_for(0s));
  CHECK_FALSE((*client)->say("hello").wait_for(0s));
}

TEST_CASE(
    "a change whose author's clock is set before it is sent says when it was made by the clock as it is") {
  Place here;
  Duration distance = 77h;
  here.options.clock_distance = [&] { return distance; };
  const auto write_at = [](std::int64_t ms) {
    protocol::DocumentWrite write;
    write.op = UniqueId{3, 3};
    write.timestamp = {ms};
    write.document = std::make_shared<const std::string>("[]");
    return write;
  };
  here.start();
  here.ask(write_at(1'000'000));
  distance += 5min;
  here.keeper->ask_made(
      write_at(2'000'000), [](const Result<protocol::ServerMessage>&) {}, SessionKeeper::Patience::kept,
      distance + 10min);
  distance += 20ms;
  here.ask(protocol::StatusAsk{});
  here.until([&] {
    return here.server.has_joined() && here.server.session().last<protocol::StatusAsk>() != nullptr;
  });
  const auto times_heard = [&](std::size_t session) {
    std::vector<std::int64_t> times;
    for (const auto& each : here.server.session(session).heard)
      if (const auto* write = std::get_if<protocol::DocumentWrite>(&each))
        times.push_back(write->timestamp.ms);
    return times;
  };
  CHECK(times_heard(0) == std::vector<std::int64_t>{1'300'020, 1'400'020});
  // Each time anew: what is asked again after the clock was set back says what it did at first.
  distance = 77h + 30ms;
  here.server.session().connection.reset();
  here.until([&] {
    return here.server.has_joined(1) && here.server.session(1).last<protocol::StatusAsk>() != nullptr;
  });
  CHECK(times_heard(1) == std::vector<std::int64_t>{1'000'000, 1'100'030});
}

TEST_CASE("who leaves a zone, and is not answered, is in it as before, also when there was a join between") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  Listener listener;
  ZoneKeeper zones(here.loop, *here.keeper, listener, "");
  zones.on_entered("/shots", nullptr);
  zones.on_asked(protocol::ExitAsk{.zone = "/shots"});
  zones.on_joined([] {});
  here.ask();
  here.until([&] { return here.server.session().last<protocol::UsersAsk>() != nullptr; });
  CHECK(here.server.session().last<protocol::EnterAsk>() == nullptr);

  const auto exited = zones.on_exited("/shots", Error{Outcome::timed_out, "no answer within 30 s"});
  REQUIRE_FALSE(exited);
  here.until([&] { return here.server.session().last<protocol::EnterAsk>() != nullptr; });
  CHECK(here.server.session().last<protocol::EnterAsk>()->zone == "/shots");
}

}  // namespace
}  // namespace callboard::client::kept_writes_test
