// Locks through a real server.
#include <catch2/catch.hpp>

#include "base/document/parse.h"
#include "tests/unit/server/lock_words.h"
#include "tests/unit/server/small_disk.h"
#include "tests/unit/server/studio.h"

namespace callboard::locks_test {
using namespace callboard::server;

namespace {

bool comes_to_be(TestClient& client, const std::string& all) {
  for (int asked = 0; asked < 10'000; ++asked) {
    if (locks(client) == all) return true;
  }
  return false;
}

ServerOptions refusing() {
  ServerOptions options;
  options.locks = LockPolicy::refuse;
  options.schema = *document::Schema::from(
      R"({"classes":[{"name":"review","fields":[{"name":"status","type":"text"}]}]})");
  return options;
}

protocol::RecordAsk put_review(const std::string& path) {
  protocol::RecordAsk ask;
  ask.op = make_unique_id(system_random());
  ask.path = path;
  ask.action = RecordAction::put;
  ask.record_class = "review";
  ask.fields = std::make_shared<const std::string>(R"({"status":"ok"})");
  return ask;
}

protocol::DocumentWrite story(const std::string& content, const std::optional<std::string>& at = {}) {
  protocol::DocumentWrite write;
  write.timestamp = system_clock().wall();
  write.op = make_unique_id(system_random());
  write.document = std::make_shared<const std::string>(content);
  write.at = at;
  return write;
}

std::string refused_ask(TestClient& client, const protocol::ClientMessage& ask) {
  const auto error = client.ask_for<protocol::ErrorAnswer>(ask);
  return std::string(to_text(error.outcome)) + ": " + error.text;
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

TEST_CASE("what lies within a locked item, or encloses it, is nobody else's either") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  done(*rigging, "lock", lock_words("/dev/chr/Moria"));
  const std::string by_rigging = "locked: \"/dev/chr/Moria\" is locked by \"rigging\"";
  CHECK(refused(*lighting, "lock", lock_words("/dev/chr/Moria/rig.txt")) == by_rigging);
  CHECK(refused(*lighting, "lock", lock_words("/dev")) == by_rigging);
  CHECK(refused(*lighting, "unlock", lock_words("/dev/chr/Moria/rig.txt")) == by_rigging);
  done(*lighting, "lock", lock_words("/dev/chr/Balin"));
  // One's own within one's own.
  done(*rigging, "lock", lock_words("/dev/chr/Moria/rig.txt"));
  done(*rigging, "unlock", lock_words("/dev/chr/Moria/rig.txt"));

  const auto comp = studio.join("comp");
  say_call(*lighting, 901, lock_words("/dev/chr/Moria/a", R"(,"wait":true)"));
  say_call(*comp, 902, lock_words("/dev/chr/Moria/b", R"(,"wait":true)"));
  REQUIRE(comes_to_show(*rigging, R"("waiting":["lighting","comp"])"));
  done(*rigging, "unlock", lock_words("/dev/chr/Moria"));
  CHECK(lighting->expect<protocol::CallResult>().re == 901);
  CHECK(comp->expect<protocol::CallResult>().re == 902);
}

TEST_CASE(
    "who waits for a part gets it once nothing that encloses it is locked, and in the order of asking") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  SECTION("one's own lock around it stays") {
    done(*rigging, "lock", lock_words("/x"));
    done(*rigging, "lock", lock_words("/x/y"));
    say_call(*lighting, 901, lock_words("/x/y", R"(,"wait":true)"));
    CHECK(refused(*rigging, "unlock", R"({"item":"/x/y","to":"lighting"})") ==
          "locked: \"/x\" is locked by \"rigging\"");
    done(*rigging, "unlock", lock_words("/x/y"));
    REQUIRE(comes_to_show(*rigging, R"("waiting":["lighting"])"));
    CHECK(refused(*comp, "lock", lock_words("/x/y")) == "locked: \"/x\" is locked by \"rigging\"");
    done(*rigging, "unlock", lock_words("/x"));
    CHECK(lighting->expect<protocol::CallResult>().re == 901);
  }
  SECTION("what was asked for first comes first") {
    done(*rigging, "lock", lock_words("/a/b"));
    say_call(*comp, 902, lock_words("/a", R"(,"wait":true)"));
    say_call(*lighting, 901, lock_words("/a/b", R"(,"wait":true)"));
    done(*rigging, "unlock", lock_words("/a/b"));
    CHECK(comp->expect<protocol::CallResult>().re == 902);
    REQUIRE(comes_to_show(*rigging, R"("waiting":["lighting"])"));
    done(*comp, "unlock", lock_words("/a"));
    CHECK(lighting->expect<protocol::CallResult>().re == 901);
  }
}

TEST_CASE(
    "an item that is unlocked and locked again, or unlocked twice, in one breath keeps nobody waiting for "
    "ever") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  const char* second = GENERATE("lock", "unlock");
  done(*rigging, "lock", lock_words("/a/b"));
  say_call(*lighting, 901, lock_words("/a/b", R"(,"wait":true)"));
  say_call(*comp, 902, lock_words("/a", R"(,"wait":true)"));
  rigging->say(protocol::TurnRequest{});
  rigging->expect<protocol::Yours>();
  for (const char* name : {"unlock", second}) {
    auto ask = call(name, lock_words("/a/b"));
    ask.id = name == second ? 802 : 801;
    rigging->say(ask);
  }
  rigging->say(protocol::Yours{});
  CHECK(lighting->expect<protocol::CallResult>().re == 901);
  done(*lighting, "unlock", lock_words("/a/b"));
  CHECK(comp->expect<protocol::CallResult>().re == 902);
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

TEST_CASE("a command that waits for a lock is told that its user has left meanwhile") {
  Studio studio(with_grace(0s));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  done(*rigging, "lock", lock_words("/a"));
  const auto visit = studio.visit("lighting");
  say_call(*visit, 901, lock_words("/a", R"(,"wait":true)"));
  lighting->say(protocol::Bye{Outcome::done, "left"});
  const auto why = visit->expect<protocol::ErrorAnswer>();
  CHECK((why.re == 901 && why.outcome == Outcome::cancelled));
  CHECK(why.text == "\"lighting\" has left before it was locked");
  done(*rigging, "unlock", lock_words("/a"));
  CHECK(locks(*rigging) == "[]");
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

TEST_CASE("what somebody had who left while the disk was full is free once it is not") {
  ServerOptions options = with_grace(0s);
  options.disk_probe_period = 5ms;
  Studio studio(options);
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  done(*rigging, "lock", lock_words("/a"));
  {
    const SmallDisk full(0);
    rigging->say(protocol::Bye{Outcome::done, "left"});
    studio.loop.run_until([&] { return rigging->is_ended(); }, kPatience);
    // By then it was tried.
    while (lighting->told<protocol::Writable>().empty()) {
    }
    CHECK(locks(*lighting).find("\"user\":\"rigging\"") != std::string::npos);
  }
  CHECK(comes_to_be(*lighting, "[]"));
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

TEST_CASE("who locks again what they have, without a lease, has it as long as they are here") {
  Studio studio(with_grace(0s));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  done(*rigging, "lock", lock_words("/a", R"(,"lease_s":3600,"note":"rig")"));
  done(*rigging, "lock", lock_words("/a"));
  CHECK(locks(*lighting).find("\"until\"") == std::string::npos);
  CHECK(locks(*lighting).find("\"note\":\"rig\"") != std::string::npos);
  rigging->close();
  for (int asked = 0; asked < 10'000 && locks(*lighting) != "[]"; ++asked) {
  }
  CHECK(locks(*lighting) == "[]");
}

TEST_CASE("who is lost while their lock is being made does not have it") {
  Studio studio(with_grace(0s));
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  lighting->say(protocol::TurnRequest{});
  lighting->expect<protocol::Yours>();
  lighting->say(call("lock", lock_words("/a")));
  lighting->close();
  CHECK(rigging->comes_to_see(1));
  done(*rigging, "lock", lock_words("/b"));
  for (int asked = 0; asked < 10'000 && locks(*rigging).find("/locks/a") != std::string::npos; ++asked) {
  }
  CHECK(locks(*rigging).find("/locks/a") == std::string::npos);
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

TEST_CASE("everybody sees who waits for an item, until they have it or wait no more") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  done(*rigging, "lock", lock_words("/a"));
  say_call(*lighting, 901, lock_words("/a", R"(,"wait":true)"));
  say_call(*comp, 902, lock_words("/a", R"(,"wait":true)"));
  CHECK(comes_to_show(*rigging, R"("waiting":["lighting","comp"])"));
  done(*rigging, "unlock", lock_words("/a"));
  CHECK(lighting->expect<protocol::CallResult>().re == 901);
  CHECK(comes_to_show(*rigging, R"("waiting":["comp"])"));
  comp->say(protocol::Bye{Outcome::done, "left"});
  CHECK(rigging->comes_to_see(2));
  while (locks(*rigging).find("waiting") != std::string::npos) {
  }
  CHECK(locks(*rigging).find(R"("user":"lighting")") != std::string::npos);
}

TEST_CASE("an item is handed to whoever asked for it, before those who wait") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  done(*rigging, "lock", lock_words("/a", R"(,"note":"new rig")"));
  say_call(*lighting, 901, lock_words("/a", R"(,"wait":true)"));
  CHECK(refused(*rigging, "unlock", lock_words("/a", R"(,"to":"nobody")")) ==
        "not_found: nobody named \"nobody\" is here");
  CHECK(refused(*comp, "unlock", lock_words("/a", R"(,"to":"comp")")).starts_with("locked: "));
  CHECK(done(*rigging, "unlock", lock_words("/a", R"(,"to":"comp")")).find(R"("user":"comp")") !=
        std::string::npos);
  CHECK(refused(*rigging, "lock", lock_words("/a")) == "locked: \"/a\" is locked by \"comp\"");
  CHECK(comes_to_show(*rigging, R"("waiting":["lighting"])"));
  // One who waits gets what they wait for.
  CHECK(done(*comp, "unlock", lock_words("/a", R"(,"to":"lighting")")) == "null");
  CHECK(lighting->expect<protocol::CallResult>().re == 901);
  CHECK(locks(*rigging).find("waiting") == std::string::npos);
}

TEST_CASE("locks of a zone that cannot be meant are refused, not none") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  done(*rigging, "lock", lock_words("/dev/chr/Moria"));
  CHECK(done(*rigging, "locks", R"(["/dev/*/Moria"])").find("/dev/chr/Moria") != std::string::npos);
  CHECK(refused(*rigging, "locks", R"(["/dev/c*"])") ==
        "usage: zone: expected \"*\" for a whole component, got \"/dev/c*\"");
  CHECK(refused(*rigging, "locks", R"(["dev"])").starts_with("usage: "));
}

TEST_CASE("what a service locks is its own for some hours, not for ever") {
  Service guard;
  guard.name = "guard";
  guard.call = "lock";
  guard.arguments = document::parse(R"({"item":"/dev/chr/Moria"})").value();
  ServerOptions options;
  options.services = {guard};
  Studio studio(options);
  const auto rigging = studio.join("rigging");
  done(*rigging, "services.run", R"({"name":"guard","wait":true})");
  CHECK(locks(*rigging).find("\"until\":") != std::string::npos);
}

TEST_CASE("what others have locked is told at the item, above it and, if that is asked, below it") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  done(*rigging, "lock", lock_words("/dev/chr", R"(,"note":"moves")"));
  const auto check = [](TestClient& client, const std::string& words) {
    return done(client, "lock.check", words);
  };
  const std::string nothing = R"({"refused":false,"locks":[]})";
  CHECK(check(*lighting, R"({"whole":false,"item":["/dev/chr/Moria","/rnd"]})")
            .starts_with(R"({"refused":false,"locks":[{"item":"/dev/chr","user":"rigging")"));
  CHECK(check(*lighting, R"({"whole":false,"item":["/dev/chr"]})") != nothing);
  CHECK(check(*lighting, R"({"whole":true,"item":["/dev"]})") != nothing);
  CHECK(check(*lighting, R"({"whole":true,"item":["/"]})") != nothing);
  CHECK(check(*lighting, R"({"whole":false,"item":["/dev","/dev/chrome"]})") == nothing);
  CHECK(check(*rigging, R"({"whole":true,"item":["/dev"]})") == nothing);
}

TEST_CASE("a lock that is in the way of more items than an answer has room for leaves room for the others") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  done(*rigging, "lock", lock_words("/a"));
  done(*rigging, "lock", lock_words("/b"));
  std::string items;
  for (int i = 100; i < 300; ++i) items += "\"/a/" + std::to_string(i) + "\",";
  const std::string locked =
      done(*lighting, "lock.check", R"({"whole":false,"item":[)" + items + R"("/b/x"]})");
  CHECK(locked.find(R"("item":"/a")") == locked.rfind(R"("item":"/a")"));
  CHECK(locked.find(R"("item":"/b")") != std::string::npos);
}

TEST_CASE("where the server is told so, a write to what somebody else has locked is refused") {
  Studio studio(refusing());
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  done(*rigging, "lock", lock_words("/reviews/sc01", R"(,"note":"mine")"));
  CHECK(refused_ask(*lighting, put_review("/reviews/sc01/shot")) ==
        "locked: \"/reviews/sc01\" is locked by \"rigging\": mine");
  CHECK(refused_ask(*lighting, protocol::AtAsk{0, "/reviews/sc01"}).starts_with("locked: "));
  lighting->ask_for<protocol::Ok>(protocol::AtAsk{0, ""});
  lighting->ask_for<protocol::Ok>(put_review("/reviews/sc02"));
  rigging->ask_for<protocol::Ok>(put_review("/reviews/sc01"));
  done(*rigging, "unlock", lock_words("/reviews/sc01"));
  lighting->ask_for<protocol::Ok>(put_review("/reviews/sc01"));
}

TEST_CASE("a document, or a place in it, is locked like an item") {
  Studio studio(refusing());
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  lighting->ask_for<protocol::DocumentState>(story(R"({"scenes":[{"note":"dark"},{"note":"bright"}]})"));
  done(*rigging, "lock", lock_words("/story/scenes/1"));
  CHECK(refused_ask(*lighting, story("{}")).starts_with("locked: \"/story/scenes/1\""));
  CHECK(refused_ask(*lighting, story("\"x\"", "/scenes/1/note")).starts_with("locked: "));
  CHECK(refused_ask(*lighting, story("[]", "/scenes")).starts_with("locked: "));
  CHECK(lighting->ask_for<protocol::DocumentState>(story("\"dim\"", "/scenes/0/note")).won);
  auto patch = story(R"([{"op":"replace","path":"/scenes/0/note","value":"dusk"}])");
  patch.patch = true;
  const auto seen = lighting->ask_for<protocol::DocumentState>(patch);
  CHECK(seen.won);
  patch = story(R"([{"op":"move","from":"/scenes/1/note","path":"/scenes/0/note"}])");
  patch.patch = true;
  CHECK(refused_ask(*lighting, patch).starts_with("locked: "));
  // Of two who write in one millisecond, who has seen the other's is later.
  auto own = story("\"dusk\"", "/scenes/1/note");
  own.base = seen.revision;
  CHECK(rigging->ask_for<protocol::DocumentState>(own).won);
}

TEST_CASE("two who ask for an item at once are both heard") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto lighting = studio.join("lighting");
  const auto comp = studio.join("comp");
  done(*rigging, "lock", lock_words("/a"));
  auto first = call("lock.ask", lock_words("/a"));
  auto second = call("lock.ask", lock_words("/a"));
  first.id = 901;
  second.id = 902;
  for (auto* each : {&lighting, &comp}) {
    (*each)->say(protocol::TurnRequest{});
    (*each)->expect<protocol::Yours>();
  }
  lighting->say(first);
  comp->say(second);
  lighting->say(protocol::Yours{});
  comp->say(protocol::Yours{});
  CHECK(lighting->expect<protocol::CallResult>().re == 901);
  CHECK(comp->expect<protocol::CallResult>().re == 902);
  CHECK(locks(*rigging).find(R"("wanted":["lighting","comp"])") != std::string::npos);
}

}  // namespace callboard::locks_test
