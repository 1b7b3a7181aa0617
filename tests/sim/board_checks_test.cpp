// Each check of records, zones, locks and calls sees what it is there for, and nothing where all is well.
#include "tests/sim/board_checks.h"

#include <catch2/catch.hpp>

#include "base/document/parse.h"
#include "protocol/codec.h"
#include "tests/sim/tally.h"

namespace callboard::sim::board_checks_test {
namespace {

using Violations = std::vector<std::string>;

constexpr SessionId kSelf{1};
constexpr SessionId kOther{2};

struct Board {
  World world{1, false};
  Testimony testimony;
  BoardTestimony board{testimony};
  std::vector<server::Committed> operations;

  const Violations& violations() const { return testimony.violations; }
  std::string violation() const {
    REQUIRE(testimony.violations.size() == 1);
    return testimony.violations.front();
  }
  void log(const std::string& path, server::RecordChange change, std::uint64_t base = 0) {
    server::Operation operation;
    operation.id = UniqueId{1, operations.size() + 1};
    operation.session = kOther;
    operation.user = "lighting";
    operation.record = server::Record::record;
    operation.path = path;
    operation.base = base;
    operation.value = std::make_shared<const std::string>(server::print(change));
    operations.push_back({operations.size() + 1, std::move(operation)});
  }
  void make(const std::string& path, const std::string& record_class, const std::string& fields) {
    log(path, {.action = RecordAction::make,
               .record_class = record_class,
               .owner = {kOther, "lighting"},
               .fields = *document::parse(fields)});
  }
  void check() { check_board_log(operations, board, testimony); }
};

client::Record record(const std::string& path, const std::string& record_class, std::uint64_t revision,
                      const std::string& fields = "{}") {
  client::Record made;
  made.path = path;
  made.record_class = record_class;
  made.owner = kOther;
  made.owner_name = made.by = "lighting";
  made.revision = revision;
  made.fields = fields;
  return made;
}

// --- Locks ----------------------------------------------------------------------------------------------------------

struct Locks : Board {
  Machine own;
  Machine others;
  void grant_own() { board.locks.on_granted({"/i", kSelf, "rigging", &own}); }
  void grant_to_other() { board.locks.on_granted({"/i", kOther, "lighting", &others}); }
};

TEST_CASE("a lock that two believe to have is seen", "[checks]") {
  Locks locks;
  locks.grant_own();
  locks.grant_own();
  CHECK(locks.violations().empty());
  locks.grant_to_other();
  CHECK(locks.violation() == "/i is locked by lighting and by rigging");
}

TEST_CASE("a lock that was asked to be free, or whose owner may be gone, is anybody's", "[checks]") {
  Locks locks;
  locks.grant_own();
  SECTION("given back") {
    locks.board.locks.on_freeing("/i");
    locks.board.locks.on_freed("/i");
  }
  SECTION("broken by one who does not hear whether it is") {
    locks.board.locks.on_freeing("/i");
    locks.board.locks.on_freeing_forgotten("/i");
  }
  SECTION("its owner's program has ended") { locks.board.locks.on_over(locks.own); }
  SECTION("its owner's connection was lost long ago") {
    locks.board.locks.on_lost(kSelf);
    locks.world.run_until(locks.world.now() + kGrace);
  }
  SECTION("its owner joined as somebody else") { locks.board.locks.on_joined(locks.own, SessionId{3}); }
  SECTION("the server slept") { locks.board.locks.on_trouble(nullptr); }
  locks.grant_to_other();
  CHECK(locks.violations().empty());
}

TEST_CASE("a lock whose owner lost the connection a moment ago is still theirs", "[checks]") {
  Locks locks;
  locks.grant_own();
  locks.board.locks.on_lost(kSelf);
  SECTION("and has not come back yet") { locks.world.run_until(locks.world.now() + 5s); }
  SECTION("and has come back") {
    locks.board.locks.on_joined(locks.own, kSelf);
    locks.world.run_until(locks.world.now() + kGrace);
  }
  locks.grant_to_other();
  CHECK(locks.violations().size() == 1);
}

// --- What somebody is told ------------------------------------------------------------------------------------------

struct Told : Board {
  BoardPicture picture{"rigging", testimony, board};
  Told() {
    picture.on_joined(kSelf);
    picture.on_enter_asked("/a/*/x");
    picture.on_entered("/a/*/x");
  }
  void tell(client::Record one, const std::string& zone = "/a/*/x") {
    picture.on_records({.zone = zone, .changed = {std::move(one)}, .gone = {}});
  }
};

TEST_CASE("what is told of a zone that one is in is no violation, and is what there is", "[checks]") {
  Told told;
  told.tell(record("/a/1/x/note", "note", 4));
  CHECK(told.violations().empty());
  CHECK(told.picture.revision_of("/a/1/x/note") == 4);
  const std::vector<client::Record> all{record("/a/1/x/note", "note", 4), record("/b", "note", 5),
                                        record("/a/1/x/s", "secret", 6)};
  CHECK(told.picture.lacks(all).empty());
  CHECK(told.picture.lacks({record("/a/1/x/note", "note", 7)}) == "has /a/1/x/note in /a/*/x at 4, not at 7");
  CHECK(told.picture.lacks({record("/a/1/x/other", "note", 7)}) == "does not know of /a/1/x/other in /a/*/x");
  CHECK(told.picture.lacks({}) == "knows of what is not there in /a/*/x");
}

TEST_CASE("somebody who is told what is not for them is seen", "[checks]") {
  Told told;
  SECTION("of another zone") {
    told.tell(record("/b", "note", 4), "/b");
    CHECK(told.violation() == "rigging: is told of the zone /b, where it is not");
  }
  SECTION("of what is outside of the zone") {
    told.tell(record("/a/1/y", "note", 4));
    CHECK(told.violation() == "rigging: is told of /a/1/y in /a/*/x");
  }
  SECTION("of somebody else's secret") {
    told.tell(record("/a/1/x", "secret", 4));
    CHECK(told.violation() == "rigging: is told of /a/1/x, which is not for it");
  }
  SECTION("of what was before") {
    told.tell(record("/a/1/x", "note", 4));
    told.tell(record("/a/1/x", "note", 3));
    CHECK(told.violation() == "rigging: /a/1/x goes back to 3");
  }
  SECTION("of the end of what it does not know") {
    told.picture.on_records({.zone = "/a/*/x", .changed = {}, .gone = {{"/a/1/x", false}}});
    CHECK(told.violation() == "rigging: is told that /a/1/x is gone, which it does not know");
  }
}

// --- The wires ------------------------------------------------------------------------------------------------------

struct Wires : Board {
  TurnWatch turns{testimony, 1000};
  ZoneWatch watch{testimony, turns};

  void server(const protocol::ServerMessage& message) {
    watch.on_server_said(1, protocol::bytes_of(protocol::encode(message)));
  }
  void client(const protocol::ClientMessage& message) {
    watch.on_client_said(1, protocol::bytes_of(protocol::encode(message)));
  }
  void tell(const std::string& zone, const std::string& path) {
    protocol::Records told;
    told.zone = zone;
    told.records = std::make_shared<const std::string>(R"([{"path":")" + path + R"(","gone":true}])");
    server(told);
  }
  void welcome() {
    protocol::Welcome welcome;
    welcome.session = kSelf;
    welcome.name = "rigging";
    server(welcome);
  }
};

TEST_CASE("a session that is told of a zone where it is not is seen on the wire", "[checks]") {
  Wires wires;
  wires.welcome();
  wires.client(protocol::EnterAsk{.id = 1, .zone = "/a"});
  wires.tell("/a", "/a/x");
  CHECK(wires.violations().empty());
  const std::string who = "session " + to_text(kSelf) + " is told of ";
  SECTION("never") {
    wires.tell("/b", "/b/x");
    CHECK(wires.violation() == who + "the zone /b, where it is not");
  }
  SECTION("no more") {
    wires.client(protocol::ExitAsk{.id = 2, .zone = "/a"});
    wires.tell("/a", "/a/x");
    CHECK(wires.violations().empty());
    wires.server(protocol::Ok{2, std::nullopt});
    wires.tell("/a", "/a/x");
    CHECK(wires.violation() == who + "the zone /a, where it is not");
  }
  SECTION("something else") {
    wires.tell("/a", "/b/x");
    CHECK(wires.violation() == who + "/b/x in /a");
  }
}

// --- The log --------------------------------------------------------------------------------------------------------

TEST_CASE("an acknowledged change of a record that came to nothing in the log is seen", "[checks]") {
  Board board;
  board.make("/a", "note", R"({"v":"t1."})");
  board.make("/a", "note", R"({"v":"t2."})");
  board.board.changes = {{"seat0", "/a", RecordAction::make, "t1.", 1}};
  board.check();
  CHECK(board.violations().empty());
  SECTION("it lost") {
    board.board.changes.push_back({"seat1", "/a", RecordAction::make, "t2.", 2});
    board.check();
    CHECK(board.violation() == "make of /a by seat1 was acknowledged as 2 and is not in the log");
  }
  SECTION("it is not there") {
    board.board.changes.push_back({"seat1", "/a", RecordAction::set, "t3.", 3});
    board.check();
    CHECK(board.violation() == "set of /a by seat1 was acknowledged as 3 and is not in the log");
  }
}

TEST_CASE("a record that is shown as the model does not have it is seen", "[checks]") {
  Board board;
  board.make("/a", "note", R"({"v":"t1.","n":1})");
  board.log("/a", {.action = RecordAction::set, .fields = *document::parse(R"({"v":null,"n":2})")});
  board.board.shown = {record("/a", "note", 1, R"({"v":"t1.","n":1})"),
                       record("/a", "note", 2, R"({"n":2})")};
  board.check();
  CHECK(board.violations().empty());
  board.board.shown = {record("/a", "note", 2, R"({"v":"t1.","n":2})")};
  board.check();
  CHECK(board.violation() == R"(/a 2 was shown: fields {"v":"t1.","n":2}, expected {"n":2})");
}

TEST_CASE("a call that is not once in its state is seen", "[checks]") {
  Board board;
  board.make(kTallyState, "state", R"({"value":{"said":["t1."],"rests":0}})");
  const auto go_on = [&](const std::string& said) {
    board.log(kTallyState, {.action = RecordAction::put,
                            .fields = *document::parse(R"({"value":{"said":)" + said + R"(,"rests":0}})")});
  };
  go_on(R"(["t1.","t2."])");
  board.board.tallied = {{"t2.", 2}, {"t2.", 2}};
  board.check();
  CHECK(board.violations().empty());
  SECTION("it is lost") {
    board.board.tallied.push_back({"t3.", 3});
    board.check();
    CHECK(board.violation() == "call t3. was acknowledged as 3 and is not in the tally");
  }
  SECTION("it is done twice") {
    go_on(R"(["t1.","t2.","t2."])");
    board.check();
    CHECK(board.violation() == "something is in the tally twice");
  }
  SECTION("what was before it is not") {
    board.board.tallied.clear();
    go_on(R"(["t1.","t3."])");
    board.check();
    CHECK(board.violation() == "the tally at 3 forgets what was said");
  }
}

TEST_CASE("a lock that was granted and is in no log is seen", "[checks]") {
  Locks locks;
  locks.make("/locks/i", "lock", "{}");
  locks.grant_to_other();
  locks.check();
  CHECK(locks.violations().empty());
  locks.board.locks.on_over(locks.others);
  locks.grant_own();
  locks.check();
  CHECK(locks.violation() == "the lock of /i was granted to rigging and is not in the log");
}

TEST_CASE("what outlives its session or its lease is seen, and what differs from the log", "[checks]") {
  Board board;
  board.make("/locks/i", "lock", R"({"until":5000})");
  const auto stale = [&](const client::Record& one, std::int64_t now_ms) {
    return stale_in({one}, board.operations, {kSelf}, Timestamp{now_ms});
  };
  CHECK(stale(record("/locks/i", "lock", 1, R"({"until":5000})"), 6000).empty());
  CHECK(stale(record("/locks/i", "lock", 1, R"({"until":5000})"), 9000) ==
        "/locks/i is there after its lease");
  const std::string without = " is there without its session " + to_text(kOther);
  CHECK(stale(record("/locks/i", "lock", 1), 6000) == "/locks/i" + without);
  CHECK(stale(record("/c", "cursor", 1), 6000) == "/c" + without);
  CHECK(stale(record("/n", "note", 2), 6000) == "/n is there, and not in the log");
  CHECK(stale(record("/locks/i", "state", 2), 6000) == "/locks/i is not what the log has");
  CHECK(stale_in({}, board.operations, {kSelf}, Timestamp{0}) == "something of the log is not there");
}

}  // namespace
}  // namespace callboard::sim::board_checks_test
