// Keys that are changed over a connection: by whom, and what is seen of it.
#include <fcntl.h>
#include <sys/file.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/document/members.h"
#include "base/document/parse.h"
#include "server/keys.h"
#include "tests/unit/server/keyed_studio.h"

namespace callboard::key_calls_test {
using namespace callboard::server;
using Catch::Contains;

namespace {

// A server with a boss, who may everything, and a deputy, who is a lead and may change keys.
struct Office : KeyedStudio {
  AccessKey boss_key = add("boss", "admin");
  AccessKey deputy_key;
  std::unique_ptr<TestClient> boss;
  std::unique_ptr<TestClient> deputy;

  Office() {
    write_roles(
        R"({"deputy":["pull","call","keys","kick"],"guest":["pull","call"],"chief":["pull","stop"]})");
    deputy_key = add("deputy", "deputy");
    boss = join_with(boss_key);
    deputy = join_with(deputy_key);
  }
  static protocol::CallAsk asking(const std::string& name, const std::string& arguments) {
    protocol::CallAsk ask;
    ask.name = name;
    ask.op = make_unique_id(system_random());
    ask.arguments = std::make_shared<const std::string>(arguments);
    return ask;
  }
  // As somebody else who changes the keys at this moment.
  Fd hold_keys() const {
    Fd lock(::open((project_folder() / "keys.lock").c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
    return lock;
  }
  // Asked when this returns, and not answered: the first waits for the file, others for the first.
  void ask_for_guests(unsigned count) {
    deputy->say(protocol::TurnRequest{});
    deputy->expect<protocol::Yours>();
    for (unsigned i = 0; i < count; ++i) {
      auto ask = asking("key.add", R"({"name":"guest)" + std::to_string(i) + R"(","role":"guest"})");
      ask.id = 1000 + i;
      deputy->say(ask);
    }
    deputy->say(protocol::Yours{});
    static_cast<void>(deputy->ask(protocol::UsersAsk{}));
  }
  static std::string done(TestClient& client, const std::string& name, const std::string& arguments) {
    return *client.ask_for<protocol::CallResult>(asking(name, arguments)).value;
  }
  static Error refused(TestClient& client, const std::string& name, const std::string& arguments) {
    const auto error = client.ask_for<protocol::ErrorAnswer>(asking(name, arguments));
    return {error.outcome, error.text};
  }
  static AccessKey key_in(const std::string& answer) {
    return access_key_from(document::text_in(**document::parse(answer), "key")).value();
  }
  std::vector<protocol::AuditEntry> audit_of(const std::string& what) {
    std::vector<protocol::AuditEntry> found;
    // What was done to the keys comes there from their file.
    for (int asked = 0; asked < 10'000 && found.empty(); ++asked) {
      for (auto& each : boss->ask_for<protocol::AuditEntries>(protocol::AuditAsk{}).entries) {
        if (each.what == what && !each.user.empty()) found.push_back(std::move(each));
      }
    }
    return found;
  }
  bool is_anywhere_on_disk(const std::string& secret) const {
    for (const auto& each : std::filesystem::recursive_directory_iterator(data())) {
      if (!each.is_regular_file() || each.path().filename() == "keys") continue;
      std::ifstream stream(each.path(), std::ios::binary);
      const std::string content{std::istreambuf_iterator<char>(stream), {}};
      if (content.find(secret) != std::string::npos) return true;
    }
    return false;
  }
};

}  // namespace

TEST_CASE("who may change keys makes one, which lets in, and is known in the audit and nowhere else") {
  Office office;
  auto ask = Office::asking("key.add", R"({"name":"guest","role":"guest","expires_s":3600,"once":true})");
  const std::string answer = *office.deputy->ask_for<protocol::CallResult>(ask).value;
  const AccessKey key = Office::key_in(answer);
  CHECK_THAT(answer, Contains(R"("name":"guest","role":"guest")") && Contains(R"("once":true)") &&
                         Contains("\"expires\":"));
  const std::string line = to_line(key);
  CHECK_FALSE(office.is_anywhere_on_disk(line.substr(line.rfind('_') + 1)));
  // Whoever lost the answer gets it again.
  CHECK(*office.deputy->ask_for<protocol::CallResult>(ask).value == answer);
  const auto guest = office.join_with(key);
  CHECK(guest->name == "guest");
  const auto noted = office.audit_of("key_add");
  REQUIRE(noted.size() == 1);
  CHECK((noted[0].user == "deputy" && noted[0].about == "guest" && noted[0].from == "127.0.0.1"));
  const std::string listed = Office::done(*office.deputy, "key.list", "{}");
  CHECK_THAT(listed, Contains(key.identity) && !Contains(line) && !Contains("\"key\""));
}

TEST_CASE("nobody hands out, replaces or takes away a key that permits what they may not") {
  Office office;
  CHECK(Office::refused(*office.deputy, "key.add", R"({"name":"chief","role":"chief"})").outcome ==
        Outcome::refused);
  CHECK(Office::refused(*office.deputy, "key.add", R"({"name":"twin","role":"admin"})").outcome ==
        Outcome::refused);
  CHECK(Office::refused(*office.deputy, "key.rotate", R"({"name":"boss"})").outcome == Outcome::refused);
  CHECK(Office::refused(*office.deputy, "key.revoke", R"({"name":"boss"})").outcome == Outcome::refused);
  CHECK(Office::refused(*office.deputy, "key.add", R"({"name":"x","role":"nobody knows"})").outcome ==
        Outcome::usage);
  CHECK(Office::refused(*office.deputy, "key.revoke", R"({"name":"nobody"})").outcome == Outcome::not_found);
  CHECK(office.file.read().value()->entries().size() == 2);
  // By taking a permission away from somebody they cannot hand it out any more either.
  Office::done(*office.boss, "revoke", R"({"user":"deputy","permission":["kick"]})");
  CHECK(Office::refused(*office.deputy, "key.add", R"({"name":"twin","role":"deputy"})").outcome ==
        Outcome::refused);
  Office::done(*office.deputy, "key.add", R"({"name":"guest","role":"guest"})");
}

TEST_CASE("who has no such permission, or would change their own key, is refused") {
  Office office;
  const auto artist = office.join_with(office.add("artist"));
  for (const char* each : {"key.list", "key.add", "key.rotate", "key.revoke"}) {
    const auto why = Office::refused(*artist, each, "{}");
    CHECK(why.outcome == Outcome::refused);
    CHECK_THAT(why.text, Contains("lack the permission keys"));
  }
  CHECK_THAT(Office::refused(*office.boss, "key.rotate", R"({"name":"boss"})").text,
             Contains("the key you are here with"));
  CHECK_THAT(Office::refused(*office.boss, "key.revoke", R"({"name":"boss"})").text,
             Contains("the key you are here with"));
}

TEST_CASE(
    "who may not change keys any more when it is done changes nothing, though they might when they asked") {
  Office office;
  Fd lock = office.hold_keys();
  office.ask_for_guests(1);
  office.write_roles(R"({"deputy":["pull","call"],"guest":["pull","call"]})");
  lock = Fd();
  CHECK_THAT(office.deputy->expect<protocol::ErrorAnswer>().text, Contains("lack the permission keys"));
  CHECK(office.file.read().value()->entries().size() == 2);
}

TEST_CASE("who is told meanwhile that they may not change keys changes nothing") {
  Office office;
  Fd lock = office.hold_keys();
  office.ask_for_guests(2);
  Office::done(*office.boss, "revoke", R"({"user":"deputy","permission":["keys"]})");
  lock = Fd();
  for (int i = 0; i < 2; ++i)
    CHECK_THAT(office.deputy->expect<protocol::ErrorAnswer>().text, Contains("lack the permission keys"));
  CHECK(office.file.read().value()->entries().size() == 2);
}

TEST_CASE("who was granted that they may change keys does so, whatever their role says") {
  Office office;
  const auto artist = office.join_with(office.add("artist"));
  Office::done(*office.boss, "grant", R"({"user":"artist","permission":["keys"]})");
  Office::done(*artist, "key.add", R"({"name":"guest","role":"guest"})");
  CHECK(office.file.read().value()->find_name("guest") != nullptr);
}

TEST_CASE("a key is replaced and taken away over a connection, at once") {
  Office office;
  const AccessKey before = office.add("artist");
  const auto artist = office.join_with(before);
  const AccessKey fresh = Office::key_in(Office::done(*office.boss, "key.rotate", R"({"name":"artist"})"));
  CHECK(fresh.identity != before.identity);
  REQUIRE(office.loop.run_until([&] { return artist->is_ended(); }, kPatience));
  const auto back = office.join_with(fresh);
  CHECK(Office::done(*office.boss, "key.revoke", R"({"name":"artist"})") == "null");
  REQUIRE(office.loop.run_until([&] { return back->is_ended(); }, kPatience));
}

TEST_CASE("a key of a role that is not known is changed by who may everything alone") {
  Office office;
  office.add("anna", "chief");
  office.write_roles(R"({"deputy":["pull","call","keys","kick"]})");
  CHECK(Office::refused(*office.deputy, "key.rotate", R"({"name":"anna"})").text ==
        "the role \"chief\" is not known");
  CHECK(Office::refused(*office.deputy, "key.revoke", R"({"name":"anna"})").outcome == Outcome::refused);
  CHECK(Office::done(*office.boss, "key.revoke", R"({"name":"anna"})") == "null");
}

TEST_CASE("a key is good for a second at least and a thousand years at most, whoever makes it") {
  using std::chrono::seconds;
  constexpr std::int64_t kMax = std::int64_t{1000} * 365 * 24 * 60 * 60;
  for (const std::int64_t count :
       {std::int64_t{0}, std::int64_t{-1}, kMax + 1, std::numeric_limits<std::int64_t>::max()})
    CHECK(make_key({.name = "guest", .good_for = seconds(count)}).error().outcome == Outcome::usage);
  CHECK(make_key({.name = "guest", .good_for = seconds(1)}).has_value());
  CHECK(make_key({.name = "guest", .good_for = seconds(kMax)}).has_value());
  Office office;
  CHECK(Office::refused(*office.boss, "key.add", R"({"name":"guest","expires_s":0})").outcome ==
        Outcome::usage);
}

TEST_CASE("what is wrong with the name of a key is said of that name, wherever it came from") {
  CHECK(make_key({.name = "rigging ", .good_for = {}}).error().text ==
        "name \"rigging \": expected no space at its ends");
}

TEST_CASE("of a file of keys that is gone nobody makes one that sends everybody off") {
  Office office;
  const auto file = office.project_folder() / "keys";
  REQUIRE(std::filesystem::remove(file));
  CHECK(Office::refused(*office.boss, "key.add", R"({"name":"guest"})").text ==
        "the key you are here with is none of the server's any more");
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("the first key is not made over a connection: it would turn out everybody") {
  Studio studio;
  const auto rigging = studio.join("rigging");
  const auto why = Office::refused(*rigging, "key.add", R"({"name":"rigging","role":"admin"})");
  CHECK(why.outcome == Outcome::refused);
  CHECK_THAT(why.text, Contains("callboard key add NAME --data DIR"));
  CHECK_FALSE(*KeyFile(studio.data(), "Moria's Race").read());
}

}  // namespace callboard::key_calls_test
