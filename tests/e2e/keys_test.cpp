// A server with keys, from `key add` on, as people type it.
#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/keyed_studio.h"

namespace callboard::e2e::keys_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::read_file;
using support::write_file;

// What is secret of a key.
std::string secret_of(const std::string& line) { return line.substr(line.rfind('_') + 1); }

std::string command_line_of(pid_t process) {
  return read_file("/proc/" + std::to_string(process) + "/cmdline");
}

TEST_CASE("keys are made, kept, used, and taken back while the server runs") {
  KeyedStudio studio;
  write_file(studio.rigging / "dev/chr/Moria/moria.blend", "BLENDER");
  studio.serve();
  const std::string rigging_key = studio.add("rigging");
  CHECK(rigging_key.size() == 85);
  CHECK_THAT(rigging_key, Catch::StartsWith("cb1_"));
  const std::string lighting_key = studio.add("lighting", {"--expires", "30d"});

  const auto found = objects(studio.run("rigging", {"discover", "--wait", "0.2", "--json"}).out);
  REQUIRE(found.size() == 1);
  CHECK(found[0].at("access") == "key");
  CHECK_FALSE(found[0].contains("proven"));
  const auto keyless = studio.run("rigging", {"users"});
  CHECK(keyless.ending.exit_code == 4);
  CHECK_THAT(keyless.err, Contains("the server asks for a key"));
  // By address there is nobody to announce it: the server says so itself.
  const auto by_address = studio.run("rigging", {"users", "--server", studio.server_address()});
  CHECK(by_address.ending.exit_code == 4);
  CHECK_THAT(by_address.err, Contains("the server asks for a key"));
  CHECK(studio.run("rigging", {"join"}).ending.exit_code == 4);
  const auto joining = studio.run("rigging", {"join", "--server", studio.server_address()});
  CHECK(joining.ending.exit_code == 4);
  CHECK_THAT(joining.err, Contains("the server asks for a key") && !Contains("looking for the server"));

  studio.keep("rigging", rigging_key);
  const auto shown = objects(studio.run("rigging", {"discover", "--wait", "0.2", "--json"}).out);
  REQUIRE(shown.size() == 1);
  CHECK(shown[0].at("proven") == true);
  CHECK_THAT(studio.run("rigging", {"discover", "--wait", "0.2"}).out, Contains("  proven  "));
  const auto rigging = studio.join("rigging");
  write_file(studio.home() / "elsewhere", lighting_key);
  fs::permissions(studio.home() / "elsewhere", fs::perms(0600));
  const std::string elsewhere = (studio.home() / "elsewhere").string();
  const auto pulled = studio.run("lighting", {"pull", "/dev", "--from", "rigging", "--key-file", elsewhere});
  CHECK(pulled.err == "");
  CHECK(pulled.ending.exit_code == 0);
  CHECK(read_file(studio.lighting / "dev/chr/Moria/moria.blend") == "BLENDER");
  auto said = studio.command(0, {"say", "hello", "--project", studio.project(), "--name", "somebody else"});
  said.environment.push_back("CALLBOARD_KEY=" + lighting_key);
  CHECK(support::run(said).ending.exit_code == 0);
  CHECK(wait_for_event(*rigging, "message").at("user") == "lighting");
  // Through the agent, with the same key.
  CHECK(studio.run("rigging", {"say", "hello yourself"}).ending.exit_code == 0);

  const auto abort = studio.run("lighting", {"abort"});
  CHECK(abort.ending.exit_code == 4);
  CHECK_THAT(abort.out, Contains("still running"));

  CHECK(studio.key({"revoke", "rigging"}).ending.exit_code == 0);
  CHECK(exit_code(*rigging) == 4);
  CHECK_THAT(rigging->printed(Stream::err), Contains("does not take this key"));
  CHECK(studio.run("lighting", {"users", "--key-file", elsewhere}).ending.exit_code == 0);
  CHECK(studio.key({"revoke", "lighting"}).ending.exit_code == 0);
  CHECK(studio.run("lighting", {"users", "--key-file", elsewhere}).ending.exit_code == 4);
  const auto unproven =
      objects(studio.run("lighting", {"discover", "--wait", "0.2", "--json", "--key-file", elsewhere}).out);
  REQUIRE(unproven.size() == 1);
  CHECK(unproven[0].at("proven") == false);
  // No key is left, and nobody gets in by that.
  CHECK_THAT(studio.key({"list"}).err, Contains("no key is left, and nobody is let in"));
  CHECK(studio.run("lighting", {"users"}).ending.exit_code == 4);
}

TEST_CASE("who may change keys does so from a workstation, and nobody who may not") {
  KeyedStudio studio;
  studio.serve();
  const auto first =
      studio.run("rigging", {"key", "add", "boss", "--role", "admin", "--server", studio.server_address()});
  CHECK(first.ending.exit_code == 4);
  CHECK_THAT(first.err, Contains("callboard key add NAME --data DIR"));
  studio.keep("rigging", studio.add("boss", {"--role", "admin"}));
  const auto made = studio.run("rigging", {"key", "add", "guest", "--role", "viewer", "--expires", "1h"});
  CHECK(made.err == "");
  REQUIRE(made.ending.exit_code == 0);
  const std::string line = made.out.substr(0, made.out.find('\n'));
  CHECK_THAT(line, Catch::StartsWith("cb1_"));
  studio.keep("lighting", line);
  CHECK(studio.run("lighting", {"users"}).ending.exit_code == 0);
  const auto refused = studio.run("lighting", {"key", "list"});
  CHECK(refused.ending.exit_code == 4);
  CHECK_THAT(refused.err, Contains("you lack the permission keys"));
  const auto listed = studio.run("rigging", {"key", "list", "--json"});
  CHECK(objects(listed.out).size() == 2);
  CHECK_THAT(listed.out, !Contains(secret_of(line)));
  CHECK(studio.key({"list", "--json"}).out == listed.out);
  const auto rotated = studio.run("rigging", {"key", "rotate", "guest", "--json"});
  CHECK(objects(rotated.out).at(0).at("key") != line);
  CHECK(studio.run("lighting", {"users"}).ending.exit_code == 4);
  CHECK(studio.run("rigging", {"key", "revoke", "guest"}).out == "revoked the key of \"guest\"\n");
  CHECK_THAT(studio.run("rigging", {"audit"}).out, Contains("key_revoke  boss -> guest"));
  studio.kill_server();
  const auto nobody = studio.run("rigging", {"key", "list"});
  CHECK(nobody.ending.exit_code == 3);
  CHECK_THAT(nobody.err, Contains("--data DIR does it without a server"));
}

TEST_CASE("a workstation with a key does not join an open server, nor with a key that others can read") {
  KeyedStudio studio;
  studio.serve();
  write_file(studio.rigging / ".callboard/key", "cb1_0123456789abcdef_" + std::string(64, 'a') + "\n");
  fs::permissions(studio.rigging / ".callboard/key", fs::perms(0644));
  const auto readable = studio.run("rigging", {"users"});
  CHECK(readable.ending.exit_code == 4);
  CHECK_THAT(readable.err, Contains("chmod 600 '") && Contains(".callboard/key'"));
  fs::permissions(studio.rigging / ".callboard/key", fs::perms(0600));
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"users"}, {"users", "--server", studio.server_address()}}) {
    const auto open = studio.run("rigging", words);
    CHECK(open.ending.exit_code == 4);
    CHECK_THAT(open.err, Contains("is open, it has no keys"));
  }
  CHECK(studio.run("lighting", {"users"}).ending.exit_code == 0);
}

TEST_CASE("keys are listed without what proves them, and what makes no sense is refused") {
  KeyedStudio studio;
  CHECK_THAT(studio.key({"list"}).err, Contains("open"));
  const std::string line = studio.add("rigging", {"--once"});
  const std::string too_early = "has been here yet: the keys are for one that will be";
  CHECK_THAT(studio.key({"list"}).err, Contains(too_early));
  studio.serve();
  CHECK_THAT(studio.key({"list"}).err, !Contains(too_early));
  const auto listed = studio.key({"list", "--json"});
  REQUIRE(objects(listed.out).size() == 1);
  CHECK(objects(listed.out)[0].at("name") == "rigging");
  CHECK(objects(listed.out)[0].at("once") == true);
  CHECK(objects(listed.out)[0].at("used") == false);
  for (const auto& printed : {listed.out, studio.key({"list"}).out})
    CHECK(printed.find(secret_of(line)) == std::string::npos);
  CHECK(studio.key({"add", "rigging"}).ending.exit_code == 4);
  CHECK(studio.key({"rotate", "nobody"}).ending.exit_code == 3);
  CHECK(studio.key({"revoke", "nobody"}).ending.exit_code == 3);
  for (const auto* time : {"30", "d", "0d", "-1d", "1y", "30dd"}) {
    INFO(time);
    CHECK(studio.key({"add", "x", "--expires", time}).ending.exit_code == 2);
  }
  CHECK(studio.key({"add", " x"}).ending.exit_code == 2);
  const auto rotated = objects(studio.key({"rotate", "rigging", "--json"}).out);
  REQUIRE(rotated.size() == 1);
  CHECK(rotated[0].at("key") != line);
  CHECK((fs::status(studio.keys()).permissions() & fs::perms(0777)) == fs::perms(0600));
}

TEST_CASE("a join takes the key that was put in place of a rotated one, and ends where there is none") {
  KeyedStudio studio;
  studio.serve();
  studio.keep("rigging", studio.add("rigging"));
  const auto rigging = studio.join("rigging");
  const auto rotate = [&] {
    const auto rotated = studio.key({"rotate", "rigging"});
    REQUIRE(rotated.ending.exit_code == 0);
    return rotated.out.substr(0, rotated.out.find('\n'));
  };
  SECTION("while it is in, again and again") {
    for (int i = 0; i < 2; ++i) {
      // It learns that the key is worthless when the next one is there.
      rigging->send_signal(SIGSTOP);
      studio.keep("rigging", rotate());
      rigging->send_signal(SIGCONT);
      wait_for_event(*rigging, "joined");
    }
  }
  SECTION("while there is no server") {
    studio.kill_server();
    wait_for_event(*rigging, "left");
    studio.keep("rigging", rotate());
    studio.serve();
    wait_for_event(*rigging, "joined");
  }
  // Through the agent, with the same key.
  CHECK(events(studio.run("rigging", {"status", "--json"}).out, "workstation").at(0).at("joined") == true);
  rotate();
  CHECK(exit_code(*rigging) == 4);
}

TEST_CASE("a join that looks for its server takes the key that is put there however late") {
  KeyedStudio studio;
  studio.serve();
  studio.keep("rigging", studio.add("rigging"));
  const auto rotated = studio.key({"rotate", "rigging"});
  REQUIRE(rotated.ending.exit_code == 0);
  const auto rigging = studio.start("rigging", {"join", "--json"});
  wait_for_event(*rigging, "searching", [](const Json& searching) {
    return searching.at("why").get<std::string>().find("does not take this key") != std::string::npos;
  });
  studio.keep("rigging", rotated.out.substr(0, rotated.out.find('\n')));
  wait_for_event(*rigging, "joined");
}

TEST_CASE("what a role does not permit is refused with exit code 4 and the reason") {
  KeyedStudio studio;
  studio.serve();
  studio.keep("rigging", studio.add("rigging"));
  studio.keep("lighting", studio.add("lighting", {"--role", "viewer"}));
  const auto rigging = studio.join("rigging");
  const auto said = studio.run("lighting", {"say", "hello"});
  CHECK(said.ending.exit_code == 4);
  CHECK_THAT(said.err, Contains("messages.write"));
  write_file(studio.lighting / "story.json", "{}");
  CHECK(studio.run("lighting", {"story", "set", "story.json"}).ending.exit_code == 4);
  CHECK(studio.run("lighting", {"pull", "/", "--from", "rigging"}).ending.exit_code == 0);
  // Through a join it is the same.
  const auto lighting = studio.join("lighting");
  CHECK(studio.run("lighting", {"say", "hello"}).ending.exit_code == 4);
  CHECK(studio.run("rigging", {"pull", "/", "--from", "lighting"}).ending.exit_code == 4);
  CHECK(studio.run("rigging", {"say", "hello"}).ending.exit_code == 0);
  CHECK(studio.key({"add", "x", "--role", "king"}).ending.exit_code == 2);
}

TEST_CASE("an abort stops a server with keys for who may, and only then") {
  KeyedStudio studio;
  studio.serve();
  studio.keep("rigging", studio.add("rigging"));
  studio.keep("lighting", studio.add("lighting", {"--role", "admin"}));
  CHECK(studio.run("rigging", {"users"}).ending.exit_code == 0);
  const auto refused = studio.run("rigging", {"abort"});
  CHECK(refused.ending.exit_code == 4);
  CHECK_THAT(refused.out, Contains("still running"));
  CHECK(studio.run("lighting", {"abort", "--all"}).ending.exit_code == 4);
  const auto obeyed = studio.run("lighting", {"abort"});
  CHECK(obeyed.ending.exit_code == 0);
  CHECK_THAT(obeyed.out, Contains("stopped"));
  CHECK(exit_code(studio.server()) == 0);
}

TEST_CASE("no secret of a key is in a log, an error, --json, or the list of processes") {
  KeyedStudio studio;
  const std::string log = (studio.home() / "log").string();
  const std::string good = studio.add("rigging", {"--role", "admin"});
  const std::string other = studio.add("lighting");
  std::string forged = good;
  forged.back() = forged.back() == '0' ? '1' : '0';
  studio.serve({"--log-file", log, "--log-level", "trace", "--broadcast-log"});
  studio.keep("rigging", good);
  const auto joined = studio.join("rigging");
  std::string printed = command_line_of(joined->id()) + command_line_of(studio.server().id());
  const auto note = [&](const Finished& finished) { printed += finished.out + finished.err; };
  studio.keep("lighting", forged);
  note(studio.run("lighting", {"users", "--json"}));
  studio.keep("lighting", other.substr(0, 70));
  note(studio.run("lighting", {"users"}));
  studio.keep("lighting", "x" + other);
  note(studio.run("lighting", {"users", "--json"}));
  auto in_variable = studio.command(0, {"users", "--project", studio.project(), "--name", "x", "--json"});
  in_variable.environment.push_back("CALLBOARD_KEY=" + other + "0");
  note(support::run(in_variable));
  studio.keep("lighting", other);
  note(studio.run("lighting", {"status", "--json"}));
  note(studio.run("rigging", {"status", "--json"}));
  printed += joined->printed(Stream::out);
  // Somebody shows a key to everybody, whole, cut, and as somebody's fault: what they say is said, but is in no log.
  const auto joined_too = studio.join("lighting");
  for (const std::string& planted : {good, other.substr(0, 60), secret_of(good)}) {
    studio.run("rigging", {"say", "mine is " + planted});
    studio.run("rigging", {"at", "/dev/" + planted});
    studio.run("rigging", {"mute", "lighting", "--reason", planted});
    studio.run("rigging", {"pull", "/dev/" + planted, "--from", "lighting"});
    note(studio.run("rigging", {"kick", planted}));
  }
  note(studio.run("rigging", {"log", "--json", "--level", "debug", "--lines", "100"}));
  note(studio.run("rigging", {"log", "--level", "debug"}));
  note(studio.run("rigging", {"audit"}));
  note(studio.run("rigging", {"audit", "--json"}));
  note(studio.key({"list", "--json"}));
  note(studio.key({"revoke", "lighting"}));
  studio.server().send_signal(SIGTERM);
  CHECK(exit_code(studio.server()) == 0);
  printed += studio.server().printed(Stream::out) + studio.server().printed(Stream::err);
  joined->send_signal(SIGTERM);
  CHECK(exit_code(*joined) == 0);
  // What was said is on its screen, as it was said.
  printed += joined->printed(Stream::err) + read_file(log);
  CHECK_THAT(printed, Contains("session opened") && Contains("_***"));
  for (const std::string& line : {good, other, forged}) {
    const std::string secret = secret_of(line);
    // In pieces, too: an error may cut what it quotes.
    for (std::size_t at = 0; at + 16 <= secret.size(); at += 8)
      CHECK(printed.find(secret.substr(at, 16)) == std::string::npos);
  }
}

TEST_CASE("a session outlives a killed server with its key, as without one") {
  KeyedStudio studio;
  const std::string line = studio.add("rigging");
  studio.keep("rigging", line);
  studio.serve();
  const auto rigging = studio.join("rigging");
  const auto before = objects(studio.run("rigging", {"users", "--json"}).out).at(0).at("session");
  // Who is here is written down some milliseconds after a join.
  const fs::path book = studio.home() / "data/callboard" / "Moria%27s Race" / "sessions";
  for (int asks = 0; asks < 1000 && !fs::exists(book); ++asks) studio.run("rigging", {"users"});
  REQUIRE(fs::exists(book));
  studio.kill_server();
  studio.serve();
  wait_for_event(*rigging, "joined");
  const auto after = objects(studio.run("rigging", {"users", "--json"}).out).at(0).at("session");
  CHECK(before == after);
}

}  // namespace
}  // namespace callboard::e2e::keys_test
