// Locks through a real server.
#include <catch2/catch.hpp>

#include "tests/unit/server/studio.h"

using namespace callboard;
using namespace callboard::server;

namespace {

protocol::CallAsk call(const std::string& name, const std::string& arguments) {
  protocol::CallAsk ask;
  ask.name = name;
  ask.op = make_unique_id(system_random());
  ask.arguments = std::make_shared<const std::string>(arguments);
  return ask;
}

std::string lock_words(const std::string& item, const std::string& more = "") {
  return "{\"item\":\"" + item + "\"" + more + "}";
}

std::string done(TestClient& client, const std::string& name, const std::string& arguments) {
  return *client.ask_for<protocol::CallResult>(call(name, arguments)).value;
}

std::string refused(TestClient& client, const std::string& name, const std::string& arguments) {
  const auto error = client.ask_for<protocol::ErrorAnswer>(call(name, arguments));
  return std::string(to_text(error.outcome)) + ": " + error.text;
}

std::string locks(TestClient& client) {
  return *client.ask_for<protocol::Records>(protocol::RecordsRead{0, "/locks", ""}).records;
}

// Asks and does not wait for the answer.
void say_call(TestClient& client, protocol::AskId id, const std::string& arguments) {
  auto ask = call("lock", arguments);
  ask.id = id;
  client.say(protocol::TurnRequest{});
  client.expect<protocol::Yours>();
  client.say(ask);
  client.say(protocol::Yours{});
  client.expect<protocol::CallProgress>();
}

ServerOptions with_grace(Duration grace) {
  ServerOptions options;
  options.grace = grace;
  return options;
}

}  // namespace

TEST_CASE("an item that is locked is refused to others until it is unlocked") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  CHECK(done(*rigging, "lock", lock_words("/dev/chr/Moria", R"(,"note":"new rig")"))
            .find("\"user\":\"rigging\"") != std::string::npos);
  CHECK(refused(*lighting, "lock", lock_words("/dev/chr/Moria")) ==
        "locked: \"/dev/chr/Moria\" is locked by \"rigging\": new rig");
  CHECK(refused(*lighting, "unlock", lock_words("/dev/chr/Moria")).starts_with("locked: "));
  CHECK(refused(*lighting, "unlock", lock_words("/dev/chr/Balin")) ==
        "not_found: \"/dev/chr/Balin\" is not locked");
  // What is one's own is renewed.
  done(*rigging, "lock", lock_words("/dev/chr/Moria", R"(,"note":"newer rig")"));
  CHECK(locks(*lighting).find("newer rig") != std::string::npos);
  done(*rigging, "unlock", lock_words("/dev/chr/Moria"));
  done(*lighting, "lock", lock_words("/dev/chr/Moria"));
}

TEST_CASE("nobody but the calls makes or changes a lock") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  protocol::RecordAsk ask;
  ask.op = UniqueId{1, 1};
  ask.path = "/locks/a";
  ask.action = RecordAction::make;
  ask.record_class = "lock";
  ask.fields = std::make_shared<const std::string>("{}");
  CHECK(rigging->ask_for<protocol::ErrorAnswer>(ask).outcome == Outcome::refused);
}

TEST_CASE("those who wait for an item get it in the order of asking") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  done(*rigging, "lock", lock_words("/a"));
  say_call(*lighting, 901, lock_words("/a", R"(,"wait":true)"));
  say_call(*comp, 902, lock_words("/a", R"(,"wait":true)"));
  done(*rigging, "unlock", lock_words("/a"));
  CHECK(lighting->expect<protocol::CallResult>().re == 901);
  CHECK(refused(*rigging, "lock", lock_words("/a")) == "locked: \"/a\" is locked by \"lighting\"");
  done(*lighting, "unlock", lock_words("/a"));
  CHECK(comp->expect<protocol::CallResult>().re == 902);
  CHECK(refused(*rigging, "lock", lock_words("/a")) == "locked: \"/a\" is locked by \"comp\"");
}

TEST_CASE("who has left waits no more, and has nothing locked any more") {
  Studio studio(with_grace(0s));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  done(*rigging, "lock", lock_words("/a"));
  say_call(*lighting, 901, lock_words("/a", R"(,"wait":true)"));
  say_call(*comp, 902, lock_words("/a", R"(,"wait":true)"));
  lighting->say(protocol::Bye{Outcome::done, "left"});
  studio.loop.run_until([&] { return lighting->is_ended(); }, kPatience);
  rigging->close();
  CHECK(comp->expect<protocol::CallResult>().re == 902);
  CHECK(locks(*comp).find("\"user\":\"comp\"") != std::string::npos);
}

TEST_CASE("a lock outlives a lost connection and a restart of the server, and its owner has it still") {
  Studio studio;
  auto rigging = studio.join_resumable("rigging");
  done(*rigging, "lock", lock_words("/a"));
  // From the answer on who is here outlives the server.
  rigging->ask_for<protocol::Ok>(protocol::AtAsk{0, "/a"});
  studio.kill();
  studio.start();
  const auto lighting = studio.join("lighting");
  CHECK(refused(*lighting, "lock", lock_words("/a")) == "locked: \"/a\" is locked by \"rigging\"");
  auto back = studio.connect();
  REQUIRE(back->resume(*rigging, "rigging"));
  REQUIRE(back->welcome.resumed);
  done(*back, "unlock", lock_words("/a"));
  done(*lighting, "lock", lock_words("/a"));
}

TEST_CASE("a lock without a session that could come back is free some time after a restart") {
  Studio studio(with_grace(50ms));
  done(*studio.join("rigging"), "lock", lock_words("/a"));
  studio.kill();
  studio.start();
  const auto lighting = studio.join("lighting");
  while (locks(*lighting) != "[]") {
  }
  done(*lighting, "lock", lock_words("/a"));
}

TEST_CASE("a lease holds whether or not one is here, and ends") {
  Studio studio(with_grace(0s));
  const auto lighting = studio.join("lighting");
  CHECK(
      refused(*lighting, "lock", lock_words("/a", R"(,"lease_s":0)")).starts_with("usage: lock: lease_s: "));
  {
    const auto visit = studio.visit("rigging");
    done(*visit, "lock", lock_words("/a", R"(,"lease_s":1)"));
    done(*visit, "lock", lock_words("/b"));
  }
  CHECK(refused(*lighting, "lock", lock_words("/b")).starts_with("locked: "));
  say_call(*lighting, 901, lock_words("/a", R"(,"wait":true)"));
  CHECK(lighting->expect<protocol::CallResult>().re == 901);
  // Somebody who has not joined has it for hours.
  CHECK(locks(*lighting).find("\"until\":") != std::string::npos);
}

TEST_CASE("an owner is asked to hand over, and a lock is broken") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  done(*rigging, "lock", lock_words("/a/b"));
  CHECK(done(*lighting, "lock.ask", lock_words("/a/b")) == "\"rigging\"");
  CHECK(done(*lighting, "lock.ask", lock_words("/a/b")) == "\"rigging\"");
  CHECK(locks(*rigging).find(R"("wanted":["lighting"])") != std::string::npos);
  CHECK(done(*lighting, "locks", "{}").find(R"("item":"/a/b","user":"rigging")") != std::string::npos);
  CHECK(done(*lighting, "locks", R"({"zone":"/c"})") == "[]");
  done(*lighting, "lock.break", lock_words("/a/b"));
  CHECK(locks(*rigging) == "[]");
  CHECK(refused(*lighting, "lock.break", lock_words("/a/b")) == "not_found: \"/a/b\" is not locked");
}

TEST_CASE("two who lock at once: one has it, the other is told who, or waits") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  auto first = call("lock", lock_words("/a"));
  auto second = call("lock", lock_words("/a"));
  first.id = 901;
  second.id = 902;
  const auto lighting = studio.join("lighting");
  for (auto* each : {&rigging, &lighting}) {
    (*each)->say(protocol::TurnRequest{});
    (*each)->expect<protocol::Yours>();
  }
  rigging->say(first);
  lighting->say(second);
  rigging->say(protocol::Yours{});
  lighting->say(protocol::Yours{});
  CHECK(rigging->expect<protocol::CallResult>().re == 901);
  CHECK(lighting->expect<protocol::ErrorAnswer>().outcome == Outcome::locked);
}
