// What strangers do to a server with keys while ten people work on it: none of them gets in, and nobody stops it.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "base/access_key.h"
#include "base/limits.h"
#include "net/tls_engine.h"
#include "protocol/datagram.h"
#include "protocol/datagram_signature.h"
#include "tests/e2e/abuse.h"
#include "tests/e2e/company.h"
#include "tests/e2e/stranger.h"
#include "tests/e2e/studio.h"

namespace callboard::e2e::abuse_keyed_test {
namespace {

using namespace std::chrono_literals;

std::string add_key(const Studio& studio, const std::string& name, const std::string& role) {
  const auto made =
      support::run(studio.command(0, {"key", "add", name, "--role", role, "--project", studio.project()}));
  REQUIRE(made.ending.exit_code == 0);
  return made.out.substr(0, made.out.find('\n'));
}

std::unique_ptr<net::TlsEngine> beginning(const AccessKey& key) {
  auto engine = net::TlsEngine::client(key);
  engine->start();
  return engine;
}

// Some strangers whose first words are cut off at another place each.
void shake_half_a_hand(const Abuse& abuse) {
  const Bytes hello = beginning(make_access_key(system_random()))->take_sealed();
  std::vector<std::unique_ptr<Stranger>> strangers;
  for (std::size_t i = 0; i < 500; ++i) {
    strangers.push_back(std::make_unique<Stranger>(abuse.server, 2 + static_cast<int>(i % 2)));
    strangers.back()->send(ByteView(hello).first(1 + i % (hello.size() - 1)));
  }
  abuse.go_on();
  // At most an alert, when their time is over.
  for (const auto& each : strangers) CHECK(each->take().size() < 64);
}

// Whether the server has proven that it has this key.
bool is_taken(const Abuse& abuse, const AccessKey& key) {
  Stranger stranger(abuse.server, 2);
  const auto engine = beginning(key);
  stranger.send(engine->take_sealed());
  Bytes plain;
  while (stranger.wait_readable()) {
    const Bytes said = stranger.take();
    if (!engine->receive(said, plain) || stranger.is_ended()) break;
    stranger.send(engine->take_sealed());
    if (engine->is_ready()) return true;
  }
  CHECK(plain.empty());
  return false;
}

void try_wrong_keys(const Abuse& abuse, const AccessKey& good) {
  AccessKey forged = good;
  while (abuse.goes_on()) {
    CHECK_FALSE(is_taken(abuse, make_access_key(system_random())));
    ++forged.secret[abuse.count % forged.secret.size()];
    CHECK_FALSE(is_taken(abuse, forged));
    abuse.count += 2;
  }
}

// Who speaks no TLS is told to get a key, whatever is said.
void come_without_a_key(const Abuse& abuse) {
  while (abuse.goes_on()) {
    Stranger stranger(abuse.server, 2);
    if (abuse.count % 2 == 0) {
      stranger.visit("stranger", abuse.project);
    } else {
      stranger.say(protocol::Ticket{UniqueId{7, abuse.count}});
    }
    const auto bye = stranger.wait_for<protocol::Bye>();
    REQUIRE(bye);
    CHECK(bye->outcome == Outcome::refused);
    CHECK(stranger.wait_for_end());
    ++abuse.count;
  }
}

void say_garbage_as_tls(const Abuse& abuse) {
  std::mt19937 random(1);
  while (abuse.goes_on()) {
    Stranger stranger(abuse.server, 2);
    // A record of a handshake that says how long it is, and lies.
    Bytes garbage(32 * KiB);
    for (std::byte& each : garbage) each = static_cast<std::byte>(random());
    garbage[0] = std::byte{0x16};
    garbage[1] = std::byte{0x03};
    garbage[2] = std::byte{0x01};
    if (random() % 2 == 0) {
      garbage[5] = std::byte{1};
      garbage[6] = std::byte{0};
    }
    stranger.send(garbage);
    ++abuse.count;
  }
}

struct Aborts {
  std::vector<std::string> lines;

  void add(const protocol::Abort& abort, const AccessKey& key) {
    lines.push_back(protocol::format_signed(abort, key.secret));
  }
};

// Plain ones, ones for the server's run before, old ones, ones by a key that may not, and good ones that were changed.
Aborts useless_aborts(const std::string& project, UniqueId now, UniqueId before, const AccessKey& admin,
                      const AccessKey& artist) {
  Aborts aborts;
  aborts.lines = {"VCStudio ABORT MULTIUSER", "VCStudio ABORT MULTIUSER | project=" + project};
  const Timestamp at = system_clock().wall();
  protocol::Abort abort;
  abort.project = project;
  abort.id = before;
  abort.signature = {at, admin.identity, make_unique_id(system_random())};
  aborts.add(abort, admin);
  abort.id = now;
  abort.signature->at = {at.ms - 31'000};
  aborts.add(abort, admin);
  abort.signature->at = {at.ms + 40'000};
  aborts.add(abort, admin);
  abort.signature->at = at;
  aborts.add(abort, artist);
  abort.signature->by = artist.identity;
  aborts.add(abort, artist);
  abort.signature->by = admin.identity;
  abort.project = "Another Film";
  aborts.add(abort, admin);
  std::string changed = aborts.lines.back();
  changed.replace(changed.find("Another Film"), 12, project);
  aborts.lines.push_back(changed);
  return aborts;
}

void replay(const Abuse& abuse, const Aborts& aborts) {
  const Datagrams datagrams(abuse.discovery_port);
  while (abuse.goes_on()) {
    for (const std::string& line : aborts.lines) datagrams.send(line);
    datagrams.send("VCStudio MULTIUSER WHERE | project=" + abuse.project +
                   " | by=0123456789abcdef | nonce=45c48cce2e2d7fbdea1afc51c7c6ad26");
    abuse.count += aborts.lines.size() + 1;
  }
}

UniqueId server_id(const Studio& studio, const std::string& key) {
  auto asked = studio.command(0, {"status", "--json", "--project", studio.project(), "--name", "x",
                                  "--server", studio.server_address()});
  asked.environment.push_back("CALLBOARD_KEY=" + key);
  const auto status = objects(support::run(asked).out).at(0);
  return unique_id_from(status.at("server").get<std::string>()).value();
}

}  // namespace

TEST_CASE("ten people work on a server with keys, nobody without one gets in, and nobody stops it") {
  Studio studio;
  const std::string log = (studio.home() / "log").string();
  const AccessKey admin = *access_key_from(add_key(studio, "boss", "admin"));
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < Company::kPeople; ++i)
    keys.push_back(add_key(studio, Company::name_of(i), "artist"));
  studio.serve({"--log-file", log});
  const UniqueId before = server_id(studio, to_line(admin));
  studio.kill_server();
  studio.serve({"--log-file", log});
  const UniqueId now = server_id(studio, to_line(admin));
  const AccessKey artist = *access_key_from(keys[0]);
  const Aborts aborts = useless_aborts(studio.project(), now, before, admin, artist);
  Company company(studio, keys);
  AbuseReport report(studio, company, log);
  report.run("nobody", [](const Abuse& abuse) { abuse.go_on(); });
  report.run("half a handshake", shake_half_a_hand);
  report.run("wrong keys", [&](const Abuse& abuse) { try_wrong_keys(abuse, artist); });
  report.run("no keys", come_without_a_key);
  report.run("garbage as TLS", say_garbage_as_tls);
  report.run("useless aborts", [&](const Abuse& abuse) { replay(abuse, aborts); });
  report.check_end();
}

}  // namespace callboard::e2e::abuse_keyed_test
