// Each check sees what it is there for, and nothing where all is well: told by hand what must not be.
#include "tests/sim/checks.h"

#include <catch2/catch.hpp>

#include "protocol/codec.h"
#include "tests/unit/server/operations.h"

namespace callboard::sim::checks_test {
namespace {

using client::DocumentName;
using Violations = std::vector<std::string>;

// --- The wires ------------------------------------------------------------------------------------------------------

struct Wires {
  World world{1, false};
  Testimony testimony;
  TurnWatch watch{testimony, 1000};

  void server(const protocol::ServerMessage& message, std::uint64_t connection = 1) {
    watch.on_server_said(connection, protocol::bytes_of(protocol::encode(message)));
  }
  void client(const protocol::ClientMessage& message, std::uint64_t connection = 1) {
    watch.on_client_said(connection, protocol::bytes_of(protocol::encode(message)));
  }
  // Until the client has the turn for the first time.
  void join(std::uint64_t connection = 1) {
    protocol::Username username;
    username.name = "rigging";
    server(protocol::Greeting{}, connection);
    client(username, connection);
    server(protocol::ProjectQuestion{}, connection);
    client(protocol::Project{"Moria"}, connection);
    server(protocol::Yours{}, connection);
  }
  const Violations& violations() const { return testimony.violations; }
};

protocol::DocumentState story() {
  protocol::DocumentState state;
  state.revision = 1;
  state.document = std::make_shared<const std::string>("{}");
  return state;
}

TEST_CASE("turns that are kept are no violation, in whatever pieces they are said", "[checks]") {
  Wires wires;
  wires.join();
  wires.client(protocol::UsersAsk{});
  wires.client(protocol::Yours{});
  wires.client(protocol::TurnRequest{});
  wires.server(story());
  const Bytes tell = protocol::bytes_of(protocol::encode(protocol::ServerMessage(story())));
  for (const std::byte& each : tell) wires.watch.on_server_said(1, ByteView(&each, 1));
  wires.server(protocol::Yours{});
  wires.client(protocol::Bye{});
  wires.server(protocol::Bye{});
  CHECK(wires.violations().empty());
}

TEST_CASE("a client speaks in the turn that it asks for, without waiting, and not beyond it", "[checks]") {
  Wires wires;
  wires.join();
  wires.client(protocol::Yours{});
  wires.client(protocol::TurnRequest{.speaks = true});
  wires.client(protocol::UsersAsk{});
  wires.server(story());
  wires.client(protocol::Yours{});
  wires.server(protocol::Yours{});
  wires.server(story());
  CHECK(wires.violations().empty());
  wires.client(protocol::UsersAsk{});
  CHECK(wires.violations() == Violations{"a client said out of turn: users"});
}

TEST_CASE("a server that speaks in a turn that was asked for and given is seen", "[checks]") {
  Wires wires;
  wires.join();
  wires.client(protocol::Yours{});
  wires.client(protocol::TurnRequest{.speaks = true});
  wires.server(protocol::Yours{});
  wires.server(story());
  CHECK(wires.violations() == Violations{"the server said out of turn: story"});
}

TEST_CASE("a client that speaks out of turn is seen", "[checks]") {
  Wires wires;
  wires.join();
  wires.client(protocol::Yours{});
  wires.client(protocol::UsersAsk{});
  CHECK(wires.violations() == Violations{"a client said out of turn: users"});
}

TEST_CASE("a server that speaks out of turn is seen, on the connection where it does", "[checks]") {
  Wires wires;
  wires.join(1);
  wires.join(2);
  wires.client(protocol::Yours{}, 2);
  wires.server(story(), 2);
  CHECK(wires.violations().empty());
  wires.server(story(), 1);
  CHECK(wires.violations() == Violations{"the server said out of turn: story"});
}

TEST_CASE("a server that hands over a turn it has not is seen", "[checks]") {
  Wires wires;
  wires.join();
  wires.server(protocol::Yours{});
  CHECK(wires.violations() == Violations{"the server said out of turn: yours"});
}

TEST_CASE("a server that goes on after its goodbye is seen", "[checks]") {
  Wires wires;
  wires.join();
  wires.client(protocol::Yours{});
  wires.server(protocol::Bye{});
  wires.server(story());
  CHECK(wires.violations() == Violations{"the server said after its bye: story"});
}

TEST_CASE("a server that keeps too much for one client is seen once", "[checks]") {
  Wires wires;
  wires.watch.on_server_keeps(1, 1000);
  CHECK(wires.violations().empty());
  wires.watch.on_server_keeps(1, 1001);
  wires.watch.on_server_keeps(1, 2000);
  CHECK(wires.violations() == Violations{"the server keeps 1001 bytes for one client"});
}

// --- What somebody is told ------------------------------------------------------------------------------------------

constexpr SessionId kSelf{1};
constexpr SessionId kOther{2};

struct Told {
  World world{1, false};
  Testimony testimony;
  Picture picture{"rigging", testimony};

  Told() {
    picture.on_joined(kSelf, "rigging");
    picture.on_users({user(kSelf, "rigging"), user(kOther, "lighting")}, {});
  }
  static client::User user(SessionId session, const std::string& name) {
    client::User user;
    user.session = session;
    user.name = name;
    return user;
  }
  static client::Departure departure(SessionId session) { return {session, "", ""}; }
  static client::Document document(std::uint64_t revision) {
    return {std::make_shared<const std::string>("{}"), revision, "", kOther, {}};
  }
  static client::Message message(std::uint64_t number, const std::string& text) {
    return {number, "lighting", text, {}};
  }
  // The one thing that is wrong.
  std::string violation() const {
    REQUIRE(testimony.violations.size() == 1);
    return testimony.violations.front();
  }
};

TEST_CASE("what people are told in order is no violation", "[checks]") {
  Told told;
  told.picture.on_at(Told::user(kOther, "lighting"));
  told.picture.on_document(DocumentName::story, Told::document(3));
  told.picture.on_document(DocumentName::story, Told::document(3));
  told.picture.on_document(DocumentName::analytics, Told::document(1));
  told.picture.on_messages({Told::message(1, "a"), Told::message(4, "b")});
  told.picture.on_users({}, {Told::departure(kOther)});
  told.picture.on_left({Outcome::interrupted, "gone"});
  told.picture.on_joined(kSelf, "rigging");
  told.picture.on_left({Outcome::timed_out, "silent"});
  told.world.run_until(told.world.now() + 10min);
  told.picture.on_joined(SessionId{9}, "rigging");
  CHECK(told.testimony.violations.empty());
}

TEST_CASE("one who joins twice is seen", "[checks]") {
  Told told;
  told.picture.on_joined(kSelf, "rigging");
  CHECK(told.violation() == "rigging: joined twice");
}

TEST_CASE("one who comes back at once and is somebody else is seen, but not after a start of the server",
          "[checks]") {
  Told told;
  told.picture.on_left({Outcome::interrupted, "gone"});
  told.picture.on_joined(kOther, "rigging");
  CHECK(told.violation() == "rigging: came back at once, and was taken for somebody else");
  told.testimony.violations.clear();
  told.picture.on_left({Outcome::interrupted, "gone"});
  ++told.testimony.server_starts;
  told.picture.on_joined(kSelf, "rigging");
  CHECK(told.testimony.violations.empty());
}

TEST_CASE("a session that ends for a breach of the protocol is seen", "[checks]") {
  Told told;
  told.picture.on_left({Outcome::usage, "story: unexpected"});
  CHECK(told.violation() == "rigging: lost its session: story: unexpected");
}

TEST_CASE("a document that goes back, or comes without its text, is seen", "[checks]") {
  Told told;
  told.picture.on_document(DocumentName::story, Told::document(3));
  told.picture.on_document(DocumentName::story, Told::document(2));
  CHECK(told.violation() == "rigging: story goes back to 2");
  told.testimony.violations.clear();
  client::Document empty = Told::document(4);
  empty.text = nullptr;
  told.picture.on_document(DocumentName::story, empty);
  CHECK(told.violation() == "rigging: story is shown without text");
}

TEST_CASE("who leaves twice, leaves unseen, or is told of after it left is seen", "[checks]") {
  Told told;
  told.picture.on_users({}, {Told::departure(kOther)});
  told.picture.on_users({}, {Told::departure(kOther)});
  CHECK(told.testimony.violations ==
        Violations{"rigging: is told twice that " + to_text(kOther) + " left",
                   "rigging: is told that " + to_text(kOther) + " left, whom it never saw"});
  told.testimony.violations.clear();
  told.picture.on_users({Told::user(kOther, "lighting")}, {});
  CHECK(told.violation() == "rigging: is told of " + to_text(kOther) + " who has left");
  told.testimony.violations.clear();
  told.picture.on_users({}, {Told::departure(kSelf)});
  CHECK(told.violation() == "rigging: is told that it left itself");
}

TEST_CASE("two of one name, and a place of nobody, are seen", "[checks]") {
  Told told;
  told.picture.on_users({Told::user(SessionId{3}, "lighting")}, {});
  CHECK(told.violation() == "rigging: sees two named lighting");
  told.testimony.violations.clear();
  told.picture.on_at(Told::user(SessionId{7}, "x"));
  CHECK(told.violation() == "rigging: is told where " + to_text(SessionId{7}) + " is, whom it does not see");
}

TEST_CASE("messages out of order, twice, or of two texts are seen", "[checks]") {
  Told told;
  told.picture.on_messages({Told::message(2, "b")});
  told.picture.on_messages({Told::message(2, "b")});
  CHECK(told.violation() == "rigging: is told message 2 after 2");
  told.testimony.violations.clear();
  Picture other("lighting", told.testimony);
  other.on_messages({Told::message(2, "c")});
  CHECK(told.violation() == "lighting: message 2 is c, and b to another");
}

TEST_CASE("pictures that differ are seen to", "[checks]") {
  Told told;
  Picture other("lighting", told.testimony);
  other.on_joined(kOther, "lighting");
  other.on_users({Told::user(kSelf, "rigging"), Told::user(kOther, "lighting")}, {});
  CHECK(told.picture.difference(other).empty());
  other.on_assets({{"/dev/a", client::AssetCopy{"rigging", kSelf, {}}}});
  CHECK(told.picture.difference(other).starts_with("who has which item: "));
  client::User moved = Told::user(kSelf, "rigging");
  moved.at = "/dev/a";
  other.on_at(moved);
  CHECK(told.picture.difference(other).starts_with("who is there, and where:"));
  // Where oneself is, when that was asked for and nobody answered, nobody need know.
  told.picture.on_own_at(std::nullopt);
  CHECK(told.picture.difference(other).starts_with("who has which item: "));
  told.picture.on_own_at("/dev/b");
  CHECK(told.picture.difference(other).starts_with("who is there, and where:"));
  other.on_document(DocumentName::story, Told::document(3));
  CHECK(told.picture.difference(other) == "story is at 0 and at 3");
}

// --- The log --------------------------------------------------------------------------------------------------------

using server::OperationLike;
using server::Record;

struct Logged {
  World world{1, false};
  Testimony testimony;
  std::vector<server::Committed> operations;

  void add(OperationLike like) {
    like.id = operations.size() + 1;
    operations.push_back({operations.size() + 1, server::make_operation(std::move(like))});
  }
  Violations judged() {
    check_log(operations, testimony);
    return std::exchange(testimony.violations, {});
  }
  void show(std::uint64_t revision, const std::string& text) {
    testimony.shown.push_back(
        {DocumentName::story, {std::make_shared<const std::string>(text), revision, "", kOther, {}}});
  }
};

TEST_CASE("a log that holds what was promised is no violation", "[checks]") {
  Logged logged;
  logged.add({.timestamp_ms = 1, .value = R"({"k":"a-1."})"});
  logged.add({.timestamp_ms = 2, .record = Record::messages, .value = "hello"});
  logged.add({.timestamp_ms = 3, .value = R"([{"path":["k"],"value":"b-1."}])", .base = 1});
  logged.testimony.writes = {{"a", 1, DocumentName::story, "a-1.", 1, 1},
                             {"b", 1, DocumentName::story, "b-1.", 3, 1}};
  logged.testimony.said = {{"hello", 1}};
  logged.testimony.messages = {{1, "hello"}};
  logged.show(1, R"({"k":"a-1."})");
  logged.show(3, R"({ "k" : "b-1." })");
  CHECK(logged.judged().empty());
}

TEST_CASE("a write that is not in the log, or elsewhere in it, is seen", "[checks]") {
  Logged logged;
  logged.add({.value = R"("a-1.")"});
  logged.testimony.writes = {{"a", 2, DocumentName::story, "a-2.", 1, 1}};
  CHECK(logged.judged() == Violations{"write a-2. by a was acknowledged as 1 and is not in the log"});
  logged.testimony.writes = {{"a", 1, DocumentName::story, "a-1.", 2, 1}};
  CHECK(logged.judged() == Violations{"write a-1. by a was acknowledged as 2 and is not in the log"});
  logged.testimony.writes = {{"a", 1, DocumentName::analytics, "a-1.", 1, 1}};
  CHECK(logged.judged().size() == 1);
}

TEST_CASE("messages that are lost, another one's, or there twice are seen", "[checks]") {
  Logged logged;
  logged.add({.record = Record::messages, .value = "hello"});
  logged.testimony.said = {{"hello", 2}};
  CHECK(logged.judged() == Violations{"message hello was acknowledged and is not in the log"});
  logged.testimony.said.clear();
  logged.testimony.messages = {{1, "goodbye"}};
  CHECK(logged.judged() == Violations{"message goodbye was told and is not in the log"});
  logged.testimony.messages.clear();
  logged.add({.record = Record::messages, .value = "hello"});
  CHECK(logged.judged() == Violations{"message hello is there twice"});
}

TEST_CASE("an operation older than what it is based on is seen", "[checks]") {
  Logged logged;
  logged.add({.timestamp_ms = 5, .value = R"({"k":1})"});
  logged.add({.session = 2, .timestamp_ms = 4, .value = R"([{"path":["k"],"value":2}])", .base = 1});
  CHECK(logged.judged() == Violations{"operation 2 is older than what it is based on"});
}

TEST_CASE("a write older than its author's last one is seen, within one start of the server", "[checks]") {
  Logged logged;
  logged.add({.timestamp_ms = 5, .value = R"("a-1.")"});
  logged.add({.timestamp_ms = 4, .value = R"("a-2.")"});
  logged.testimony.writes = {{"a", 1, DocumentName::story, "a-1.", 1, 1},
                             {"a", 2, DocumentName::story, "a-2.", 2, 2}};
  CHECK(logged.judged().empty());
  logged.testimony.writes[1].server = 1;
  CHECK(logged.judged() == Violations{"write a-2. as 2 at 4.0 is older than its author's last at 5.0"});
}

TEST_CASE("a document that is shown as the log does not make it is seen", "[checks]") {
  Logged logged;
  logged.add({.timestamp_ms = 5, .value = R"({"k":1})"});
  logged.add({.session = 2, .timestamp_ms = 4, .value = R"({"k":2})"});
  logged.show(2, R"({"k":1})");
  CHECK(logged.judged().empty());
  logged.show(2, R"({"k":2})");
  CHECK(logged.judged() == Violations{R"(story 2 was shown as {"k":2}, expected {"k":1})"});
  logged.testimony.shown.clear();
  logged.show(3, R"({"k":1})");
  CHECK(logged.judged() == Violations{"story was shown as of an operation that is not there"});
}

TEST_CASE("one who lacks a message or a change is seen", "[checks]") {
  Logged logged;
  logged.add({.session = 2, .record = Record::messages, .value = "hello"});
  Picture picture("rigging", logged.testimony);
  picture.on_joined(kSelf, "rigging");
  CHECK(Due(logged.operations).lacking_in(picture) == "was not told message 1");
  picture.on_messages({Told::message(1, "hello")});
  CHECK(Due(logged.operations).lacking_in(picture).empty());
  logged.add({.session = 2, .value = R"({"k":1})"});
  CHECK(Due(logged.operations).lacking_in(picture) == "has an old story");
  picture.on_document(DocumentName::story,
                      {std::make_shared<const std::string>(R"({"k":1})"), 2, "", kOther, {}});
  CHECK(Due(logged.operations).lacking_in(picture).empty());
}

TEST_CASE("one who is in a conflict that nobody has settled, and was not told of it, is seen", "[checks]") {
  Logged logged;
  logged.add({.session = 3, .timestamp_ms = 1, .value = R"({"k":1})"});
  logged.add({.session = 1, .timestamp_ms = 2, .value = R"([{"path":["k"],"value":2}])", .base = 1});
  logged.add({.session = 2, .timestamp_ms = 3, .value = R"([{"path":["k"],"value":3}])", .base = 1});
  Picture picture("rigging", logged.testimony);
  picture.on_joined(kSelf, "user 1");
  CHECK(Due(logged.operations).untold_to(picture, logged.testimony) == "was not told of conflict 1");
  logged.testimony.conflicts["user 2"] = {1};
  CHECK(Due(logged.operations).untold_to(picture, logged.testimony) == "was not told of conflict 1");
  logged.testimony.conflicts["user 1"] = {1};
  CHECK(Due(logged.operations).untold_to(picture, logged.testimony).empty());
  picture.on_joined(kSelf, "user 3");
  CHECK(Due(logged.operations).untold_to(picture, logged.testimony).empty());
}

}  // namespace
}  // namespace callboard::sim::checks_test
