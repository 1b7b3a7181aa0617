// What some may do to others, by calls: send them off, silence them, give and take permissions; and to the server.
#include <catch2/catch.hpp>

#include "base/document/parse.h"
#include "server/store/database.h"
#include "tests/unit/server/keyed_studio.h"
#include "tests/unit/server/record_asks.h"

namespace callboard::people_test {
using namespace callboard::server;
using Catch::Contains;

namespace {

// The result as JSON, or why not.
Result<std::string> call(TestClient& client, const std::string& name, const std::string& arguments) {
  protocol::CallAsk ask;
  ask.name = name;
  ask.arguments = std::make_shared<const std::string>(arguments);
  const auto answer = client.ask(ask);
  if (const auto* error = std::get_if<protocol::ErrorAnswer>(&answer))
    return Error{error->outcome, error->text};
  return *std::get<protocol::CallResult>(answer).value;
}

std::string refusal_of(TestClient& client, const std::string& name, const std::string& arguments) {
  const auto answer = call(client, name, arguments);
  return answer ? "" : answer.error().text;
}

// Asks, and does not wait for the answer.
void begin_call(TestClient& client, protocol::AskId id, const std::string& name) {
  protocol::CallAsk ask;
  ask.id = id;
  ask.name = name;
  client.say(protocol::TurnRequest{});
  client.expect<protocol::Yours>();
  client.say(ask);
  client.say(protocol::Yours{});
}

protocol::Bye last_bye(TestClient& client) {
  protocol::Bye bye;
  for (auto heard = client.next(); heard; heard = client.next()) {
    if (const auto* one = std::get_if<protocol::Bye>(&*heard)) bye = *one;
  }
  return bye;
}

protocol::MessageAsk message(std::uint64_t op, const std::string& text = "hello") {
  return {.id = 0, .text = text, .op = UniqueId{op, op}};
}

// Whoever leads, and somebody to be led.
struct Led : KeyedStudio {
  using KeyedStudio::KeyedStudio;
  AccessKey rigging_key = add("rigging");
  AccessKey lead_key = add("lead", "lead");
  AccessKey boss_key = add("boss", "admin");
  std::unique_ptr<TestClient> rigging = join_with(rigging_key, "rigging", true);
  std::unique_ptr<TestClient> lead = join_with(lead_key);
  std::unique_ptr<TestClient> boss = join_with(boss_key);

  std::vector<protocol::AuditEntry> audit_of(const std::string& what) {
    std::vector<protocol::AuditEntry> found;
    const auto told = boss->ask_for<protocol::AuditEntries>(protocol::AuditAsk{});
    for (const auto& each : told.entries) {
      if (each.what == what) found.push_back(each);
    }
    return found;
  }
};

}  // namespace

TEST_CASE(
    "whoever is kicked is told by whom and why, and to stay away; others go on, and so does who kicks") {
  Led studio;
  auto second = studio.join_with(studio.rigging_key);
  CHECK(second->name == "rigging (2)");
  CHECK(*call(*studio.lead, "kick", R"({"user":"rigging","reason":"render node\ngone wild"})") ==
        R"({"sessions":2})");
  for (TestClient* kicked : {studio.rigging.get(), second.get()}) {
    const protocol::Bye bye = last_bye(*kicked);
    CHECK((bye.outcome == Outcome::refused && bye.for_good));
    CHECK(bye.reason == "\"lead\" sent you off: render node\\ngone wild");
  }
  CHECK(studio.lead->comes_to_see(2));
  // Not away: there is nothing to come back to. By hand one may.
  auto back = studio.connect(studio.rigging_key);
  REQUIRE(back->resume(*studio.rigging, "rigging"));
  CHECK_FALSE(back->welcome.resumed);
  const auto entries = studio.audit_of("kick");
  REQUIRE(entries.size() == 1);
  CHECK((entries[0].user == "lead" && entries[0].about == "rigging" &&
         entries[0].key == studio.lead_key.identity));
  CHECK(entries[0].from == "127.0.0.1");
  CHECK_THAT(entries[0].text, Contains("gone wild"));
}

TEST_CASE("what waits for another write is done only if its author may still write then") {
  ServerOptions options;
  options.schema =
      *document::Schema::from(R"({"classes":[{"name":"note","fields":[{"name":"n","type":"int"}]}]})");
  Led studio(std::move(options));
  // While another program writes to the database, the first put is on its way there and the others wait for it.
  auto other = Database::open(studio.project_folder() / "board.sqlite");
  REQUIRE(other);
  REQUIRE(other->run("BEGIN IMMEDIATE"));
  constexpr protocol::AskId kFirst = 901;
  constexpr protocol::AskId kLast = 903;
  studio.rigging->say(protocol::TurnRequest{});
  studio.rigging->expect<protocol::Yours>();
  for (protocol::AskId id = kFirst; id <= kLast; ++id) {
    auto put = change(Action::put, "/a", R"({"n":1})", "note");
    put.id = id;
    studio.rigging->say(put);
  }
  studio.rigging->say(protocol::Yours{});
  // Answered, this says that the puts before it have come.
  static_cast<void>(studio.rigging->ask_for<protocol::Users>(protocol::UsersAsk{}));
  REQUIRE(call(*studio.boss, "revoke", R"({"user":"rigging","permission":["records.write"]})"));
  other->roll_back();
  CHECK(studio.rigging->expect<Ok>().re == kFirst);
  for (protocol::AskId id = kFirst + 1; id <= kLast; ++id) {
    const auto refused = studio.rigging->expect<protocol::ErrorAnswer>();
    CHECK((refused.outcome == Outcome::refused && refused.re == id));
    CHECK_THAT(refused.text, Contains("records.write"));
  }
}

TEST_CASE("who is away is kicked like who is here, and nobody who is not there") {
  Led studio;
  studio.lose(*studio.rigging, *studio.boss);
  CHECK(call(*studio.lead, "kick", R"({"user":"rigging"})"));
  CHECK(studio.boss->ask_for<protocol::Status>(protocol::StatusAsk{}).away == 0);
  const auto nobody = call(*studio.lead, "kick", R"({"user":"rigging"})");
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().outcome == Outcome::not_found);
  CHECK_THAT(nobody.error().text, Contains("nobody named \"rigging\""));
}

TEST_CASE("with somebody who is away go all sessions of their key") {
  Led studio;
  auto second = studio.join_with(studio.rigging_key);
  studio.lose(*studio.rigging, *studio.boss);
  CHECK(*call(*studio.lead, "kick", R"({"user":"rigging"})") == R"({"sessions":2})");
  CHECK(last_bye(*second).for_good);
}

TEST_CASE("everybody at an address is kicked by it, but who does it") {
  Led studio;
  CHECK(*call(*studio.lead, "kick", R"({"user":"127.0.0.1"})") == R"({"sessions":2})");
  CHECK(last_bye(*studio.rigging).for_good);
  CHECK(last_bye(*studio.boss).for_good);
  CHECK(studio.lead->comes_to_see(1));
  CHECK_FALSE(call(*studio.lead, "kick", R"({"user":"127.0.0.9"})"));
}

TEST_CASE("who is redirected is told where to, with all sessions of their key, and the audit knows") {
  Led studio;
  auto second = studio.join_with(studio.rigging_key);
  CHECK(*call(*studio.lead, "redirect", R"({"user":"rigging","to":"10.0.0.9","reason":"a new disk"})") ==
        R"({"sessions":2})");
  for (TestClient* sent : {studio.rigging.get(), second.get()}) {
    const protocol::Bye bye = last_bye(*sent);
    CHECK((bye.to == "10.0.0.9:64646" && bye.for_good));
    CHECK(bye.reason == "\"lead\" sent you to 10.0.0.9:64646: a new disk");
  }
  const auto entries = studio.audit_of("redirect");
  REQUIRE(entries.size() == 1);
  CHECK((entries[0].user == "lead" && entries[0].about == "rigging"));
  CHECK(entries[0].text == "to 10.0.0.9:64646: a new disk");
}

TEST_CASE("everybody is redirected when that is said, but who does it, and commands") {
  Led studio;
  auto visit = studio.connect(studio.rigging_key);
  REQUIRE(visit->visit("rigging"));
  CHECK(*call(*studio.lead, "redirect", R"({"all":true,"to":"[fe80::1]:7000"})") == R"({"sessions":2})");
  CHECK(last_bye(*studio.rigging).to == "[fe80::1]:7000");
  CHECK(last_bye(*studio.boss).to == "[fe80::1]:7000");
  CHECK(visit->ask_for<protocol::Status>(protocol::StatusAsk{}).sessions == 1);
}

TEST_CASE("a redirect that makes no sense, or is not permitted, sends nobody anywhere") {
  Led studio;
  const auto refused = [&](TestClient& by, const std::string& arguments) {
    const auto answer = call(by, "redirect", arguments);
    REQUIRE_FALSE(answer);
    return answer.error().outcome;
  };
  CHECK(refused(*studio.lead, R"({"to":"10.0.0.9"})") == Outcome::usage);
  CHECK(refused(*studio.lead, R"({"to":"10.0.0.9","user":"rigging","all":true})") == Outcome::usage);
  CHECK(refused(*studio.lead, R"({"to":"10.0.0.9:port","user":"rigging"})") == Outcome::usage);
  CHECK(refused(*studio.lead, R"({"to":"10.0.0.9","user":"layout"})") == Outcome::not_found);
  CHECK(refused(*studio.rigging, R"({"to":"10.0.0.9","user":"lead"})") == Outcome::refused);
  CHECK(studio.lead->ask_for<protocol::Status>(protocol::StatusAsk{}).sessions == 3);
}

TEST_CASE("what people may do to others takes a permission, each by its name") {
  Led studio;
  const std::string whom = R"({"user":"boss"})";
  CHECK_THAT(refusal_of(*studio.rigging, "kick", whom), Contains("kick"));
  CHECK_THAT(refusal_of(*studio.rigging, "mute", whom), Contains("mute"));
  CHECK_THAT(refusal_of(*studio.rigging, "unmute", whom), Contains("mute"));
  CHECK_THAT(refusal_of(*studio.lead, "grant", R"({"user":"boss","permission":["kick"]})"),
             Contains("grant"));
  CHECK_THAT(refusal_of(*studio.lead, "revoke", R"({"user":"boss","permission":["kick"]})"),
             Contains("grant"));
  CHECK_THAT(refusal_of(*studio.lead, "server.stop", "{}"), Contains("stop"));
  CHECK_THAT(refusal_of(*studio.lead, "server.restart", "{}"), Contains("restart"));
  CHECK_THAT(refusal_of(*studio.lead, "server.log", "{}"), Contains("log"));
  CHECK(studio.boss->ask_for<protocol::Users>(protocol::UsersAsk{}).users.size() == 3);
  CHECK(studio.audit_of("kick").empty());
}

TEST_CASE(
    "who is muted is told so when they speak, by whom and why, also after they come back and in commands, "
    "until unmuted") {
  Led studio;
  CHECK(refused_for(*studio.rigging, message(1)) == "");
  CHECK(call(*studio.lead, "mute", R"({"user":"rigging","reason":"too loud"})"));
  const std::string why = "you are muted by \"lead\": too loud";
  CHECK(refused_for(*studio.rigging, message(2)) == why);
  auto visit = studio.connect(studio.rigging_key);
  REQUIRE(visit->visit("rigging"));
  CHECK(refused_for(*visit, message(3)) == why);
  // All else goes on.
  CHECK(refused_for(*studio.rigging, protocol::AtAsk{.id = 0, .item = "/dev"}) == "");
  const std::string how = GENERATE("comes back", "leaves and joins anew", "the server is started anew");
  INFO(how);
  std::unique_ptr<TestClient> again = studio.connect(studio.rigging_key);
  if (how == "comes back") {
    studio.lose(*studio.rigging, *studio.boss);
    REQUIRE(again->resume(*studio.rigging, "rigging"));
    CHECK(again->welcome.resumed);
  } else if (how == "leaves and joins anew") {
    studio.rigging->say(protocol::Bye{Outcome::done, "home"});
    REQUIRE(again->join("rigging"));
  } else {
    studio.stop();
    studio.start();
    studio.lead = studio.join_with(studio.lead_key);
    again = studio.connect(studio.rigging_key);
    REQUIRE(again->join("rigging"));
  }
  CHECK(refused_for(*again, message(4)) == why);
  CHECK(call(*studio.lead, "unmute", R"({"user":"rigging"})"));
  CHECK(refused_for(*again, message(5)) == "");
  const auto twice = call(*studio.lead, "unmute", R"({"user":"rigging"})");
  REQUIRE_FALSE(twice);
  CHECK(twice.error().outcome == Outcome::not_found);
}

TEST_CASE("who is muted is so under the key that theirs is replaced by, whether the server runs or not") {
  Led studio;
  const std::string kicks = R"({"user":"nobody"})";
  CHECK(call(*studio.lead, "mute", R"({"user":"rigging"})"));
  CHECK(call(*studio.boss, "grant", R"({"user":"rigging","permission":["kick"]})"));
  const bool runs = GENERATE(true, false);
  if (!runs) studio.stop();
  AccessKey last;
  for (int i = 0; i < 2; ++i) {
    last = make_access_key(system_random());
    REQUIRE(studio.file.update([&](KeyRing& ring) { return ring.rotate("rigging", last); }));
  }
  if (!runs) studio.start();
  const auto rigging = studio.join_with(last);
  CHECK(refused_for(*rigging, message(1)) == "you are muted by \"lead\"");
  CHECK_THAT(refusal_of(*rigging, "kick", kicks), Contains("lack the permission"));
  if (!runs) studio.lead = studio.join_with(studio.lead_key);
  CHECK(call(*studio.lead, "unmute", R"({"user":"rigging"})"));
  CHECK(refused_for(*rigging, message(2)) == "");
}

TEST_CASE("a permission is granted until they leave, and one that was taken stays away") {
  Led studio;
  const std::string kicks = R"({"user":"nobody"})";
  CHECK_THAT(refusal_of(*studio.rigging, "kick", kicks), Contains("lack the permission"));
  // Nothing here asks for the other, but a program of the studio's own may.
  CHECK(*call(*studio.boss, "grant", R"({"user":"rigging","permission":["kick","review.approve"]})") ==
        R"({"unknown":["review.approve"]})");
  CHECK_THAT(refusal_of(*studio.rigging, "kick", kicks), Contains("nobody named"));
  CHECK(call(*studio.boss, "revoke", R"({"user":"rigging","permission":["messages.write"]})"));
  CHECK(refused_for(*studio.rigging, message(1)) == "messages.write: ask whoever runs the server");
  studio.lose(*studio.rigging, *studio.boss);
  auto back = studio.connect(studio.rigging_key);
  REQUIRE(back->resume(*studio.rigging, "rigging"));
  CHECK_THAT(refusal_of(*back, "kick", kicks), Contains("nobody named"));
  CHECK(refused_for(*back, message(2)) == "messages.write: ask whoever runs the server");
  back->say(protocol::Bye{Outcome::done, "home"});
  CHECK(studio.boss->comes_to_see(2));
  auto anew = studio.join_with(studio.rigging_key);
  CHECK_THAT(refusal_of(*anew, "kick", kicks), Contains("lack the permission"));
  CHECK(refused_for(*anew, message(3)) == "messages.write: ask whoever runs the server");
  CHECK(call(*studio.boss, "grant", R"({"user":"rigging","permission":["messages.write"]})"));
  CHECK(refused_for(*anew, message(4)) == "");
  CHECK((studio.audit_of("grant").size() == 2 && studio.audit_of("revoke").size() == 1));
  CHECK(studio.audit_of("grant")[0].text == "kick review.approve");
}

TEST_CASE("nobody grants what they have not, nor what is no permission") {
  Led studio;
  CHECK(call(*studio.boss, "grant", R"({"user":"lead","permission":["grant"]})"));
  CHECK_THAT(refusal_of(*studio.lead, "grant", R"({"user":"lead","permission":["stop"]})"),
             Contains("you may not stop yourself"));
  CHECK(refusal_of(*studio.lead, "grant", R"({"user":"rigging","permission":["kick"]})") == "");
  CHECK_THAT(refusal_of(*studio.boss, "grant", R"({"user":"lead","permission":["Kick!"]})"),
             Contains("Kick!"));
  CHECK_THAT(refusal_of(*studio.boss, "grant", R"({"user":"nobody","permission":["kick"]})"),
             Contains("nobody named"));
}

TEST_CASE("on an open server everybody may kick and mute, and there is nothing to grant") {
  Studio studio;
  auto rigging = studio.join("rigging");
  auto second = studio.join("rigging");
  auto lighting = studio.join("lighting");
  CHECK_THAT(refusal_of(*lighting, "grant", R"({"user":"rigging","permission":["kick"]})"),
             Contains("is open"));
  CHECK(call(*lighting, "mute", R"j({"user":"rigging (2)"})j"));
  CHECK(refused_for(*rigging, message(1)) == "");
  CHECK(refused_for(*second, message(2)) == "you are muted by \"lighting\"");
  CHECK_THAT(refusal_of(*lighting, "kick", R"({"user":"lighting"})"), Contains("is yourself"));
  CHECK(*call(*lighting, "kick", R"({"user":"rigging"})") == R"({"sessions":1})");
  CHECK(last_bye(*rigging).for_good);
  CHECK(second->comes_to_see(2));
}

TEST_CASE("a server is stopped by a call, which is answered before everybody is told") {
  Led studio;
  CHECK(call(*studio.boss, "server.stop", R"({"reason":"new disks"})"));
  const protocol::Bye bye = last_bye(*studio.rigging);
  CHECK(
      (bye.outcome == Outcome::cancelled && bye.reason == "stopped by \"boss\": new disks" && !bye.for_good));
  REQUIRE(studio.loop.run_until([&] { return studio.stopped.has_value(); }, kPatience));
  CHECK_FALSE(studio.stopped->listening);
  studio.server.reset();
  studio.start();
  studio.boss = studio.join_with(studio.boss_key);
  REQUIRE(studio.audit_of("stop").size() == 1);
  CHECK(studio.audit_of("stop")[0].text == "new disks");
}

TEST_CASE(
    "a server that nobody starts anew refuses to restart, another one hands on the socket it listens on") {
  const bool may_restart = GENERATE(false, true);
  ServerOptions options;
  if (may_restart) options.check_restart = [](const auto& then) { then({}); };
  Studio studio(options);
  auto rigging = studio.join_resumable("rigging");
  const net::Endpoint before = studio.server->listening();
  const auto answer = call(*rigging, "server.restart", "{}");
  if (!may_restart) {
    REQUIRE_FALSE(answer);
    CHECK(answer.error().outcome == Outcome::refused);
    return;
  }
  REQUIRE(answer);
  // Who connects from now on waits in the socket.
  auto impatient = std::make_unique<TestClient>(studio.loop, before);
  REQUIRE(studio.loop.run_until([&] { return studio.stopped.has_value(); }, kPatience));
  REQUIRE((studio.stopped->listening && *studio.stopped->listening));
  studio.server.reset();
  ServerOptions next = studio.options();
  next.listening = studio.stopped->listening;
  studio.stopped.reset();
  auto started = Server::start(studio.loop, next, [&](const ServerStop& how) { studio.stopped = how; });
  REQUIRE(started);
  studio.server = std::move(*started);
  CHECK(studio.server->listening() == before);
  REQUIRE(impatient->join("lighting"));
  auto back = studio.connect();
  REQUIRE(back->resume(*rigging, "rigging"));
  CHECK(back->welcome.resumed);
}

namespace {

// The boss has asked for a restart in call 900; checked() ends the look that comes first.
struct CheckedRestart {
  std::function<void(Result<void>)> checked;
  ServerOptions looking() {
    ServerOptions options;
    options.check_restart = [this](auto then) { checked = std::move(then); };
    return options;
  }
};
struct RestartAsked : CheckedRestart, Led {
  RestartAsked() : Led(CheckedRestart::looking()) {
    begin_call(*boss, 900, "server.restart");
    REQUIRE(loop.run_until([this] { return checked != nullptr; }, kPatience));
  }
};

}  // namespace

TEST_CASE("a restart is not begun for somebody who does not wait for it any more") {
  RestartAsked studio;
  SECTION("they cancelled it") {
    protocol::CallCancelAsk cancel;
    cancel.call = 900;
    studio.boss->ask_for<protocol::Ok>(cancel);
  }
  SECTION("they have left") {
    studio.boss->say(protocol::Bye{Outcome::done, "home"});
    REQUIRE(studio.lead->comes_to_see(2));
    studio.boss = studio.join_with(studio.boss_key);
  }
  studio.checked({});
  CHECK(studio.audit_of("restart").empty());
  CHECK(call(*studio.boss, "server.stop", "{}"));
  REQUIRE(studio.loop.run_until([&] { return studio.stopped.has_value(); }, kPatience));
  CHECK_FALSE(studio.stopped->listening);
}

TEST_CASE("a restart is begun, and noted, also when the connection of whoever asked is lost meanwhile") {
  RestartAsked studio;
  studio.boss->close();
  REQUIRE(studio.lead->comes_to_see(2));
  studio.checked({});
  REQUIRE(studio.loop.run_until([&] { return studio.stopped.has_value(); }, kPatience));
  CHECK(studio.stopped->listening);
  studio.server.reset();
  studio.start();
  studio.boss = studio.join_with(studio.boss_key);
  REQUIRE(studio.audit_of("restart").size() == 1);
  CHECK(studio.audit_of("restart")[0].user == "boss");
}

TEST_CASE("a restart is not said to begin when the server is to stop meanwhile") {
  RestartAsked studio;
  CHECK(call(*studio.boss, "server.stop", R"({"reason":"new disks"})"));
  studio.checked({});
  const auto told = studio.boss->expect<protocol::ErrorAnswer>();
  CHECK((told.re == 900 && told.outcome == Outcome::interrupted));
  CHECK_THAT(told.text, Contains("new disks"));
  REQUIRE(studio.loop.run_until([&] { return studio.stopped.has_value(); }, kPatience));
  CHECK_FALSE(studio.stopped->listening);
  studio.server.reset();
  studio.start();
  studio.boss = studio.join_with(studio.boss_key);
  CHECK(studio.audit_of("restart").empty());
}

TEST_CASE("nothing is looked at for a restart that comes when the server is about to end") {
  CheckedRestart restart;
  Led studio(restart.looking());
  studio.boss->say(protocol::TurnRequest{});
  studio.boss->expect<protocol::Yours>();
  protocol::CallAsk ask;
  for (const char* name : {"server.stop", "server.restart"}) {
    ++ask.id;
    ask.name = name;
    studio.boss->say(ask);
  }
  studio.boss->say(protocol::Yours{});
  const auto told = studio.boss->expect<protocol::ErrorAnswer>();
  CHECK((told.re == 2 && told.outcome == Outcome::interrupted));
  CHECK(restart.checked == nullptr);
}

TEST_CASE("the log is read over a session: the newest, what comes, at the level that is wanted") {
  Led studio;
  const auto page = call(*studio.boss, "server.log", R"({"newest":2})");
  REQUIRE(page);
  CHECK_THAT(*page, Contains("session opened") && Contains("\"user\":\"boss\""));
  const auto json = document::parse(*page);
  REQUIRE(json);
  CHECK((*json)->member("events")->array()->size() == 2);
  CHECK_THAT(refusal_of(*studio.boss, "server.log", R"({"level":"loud"})"), Contains("expected debug"));
  // Waits until something happens.
  const std::string last = document::print(*(*json)->member("last"));
  protocol::CallAsk waiting;
  waiting.id = 900;
  waiting.name = "server.log";
  waiting.arguments =
      std::make_shared<const std::string>(R"({"wait":true,"level":"error","since":)" + last + "}");
  studio.boss->say(protocol::TurnRequest{});
  studio.boss->expect<protocol::Yours>();
  studio.boss->say(waiting);
  studio.boss->say(protocol::Yours{});
  const auto path = studio.project_folder() / "keys";
  std::filesystem::resize_file(path, 20);
  const auto told = studio.boss->expect<protocol::CallResult>();
  CHECK(told.re == 900);
  CHECK_THAT(*told.value, Contains("keys not read again") && !Contains("session opened"));
}

}  // namespace callboard::people_test
