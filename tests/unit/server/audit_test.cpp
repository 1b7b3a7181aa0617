// What is written down of who did what, and who may read it.
#include <catch2/catch.hpp>

#include "server/audit.h"
#include "tests/unit/server/keyed_studio.h"
#include "tests/unit/server/small_disk.h"

namespace callboard::audit_test {
using namespace callboard::server;
using Catch::Contains;

namespace {

using Listed = std::vector<protocol::AuditEntry>;

// Everything after `since`, as somebody who may read it is told.
Listed audit_of(TestClient& reader, std::uint64_t since = 0) {
  return reader.ask_for<protocol::AuditEntries>(protocol::AuditAsk{.id = 0, .since = since}).entries;
}

Listed of_kind(const Listed& all, const std::string& what) {
  Listed found;
  for (const auto& each : all) {
    if (each.what == what) found.push_back(each);
  }
  return found;
}

}  // namespace

TEST_CASE("what happens all the time is worth a line now and then, which says how often it was") {
  Occasions occasions(60s, 2);
  const Instant start = system_clock().monotonic();
  CHECK(occasions.note("a", start) == std::uint64_t{1});
  CHECK_FALSE(occasions.note("a", start + 1s));
  CHECK_FALSE(occasions.note("a", start + 59s));
  CHECK(occasions.note("b", start + 59s) == std::uint64_t{1});
  CHECK(occasions.note("a", start + 60s) == std::uint64_t{3});
  // There are no more kinds than that: what comes now is one.
  CHECK_FALSE(occasions.note("a", start + 61s));
  CHECK(occasions.note("c", start + 61s) == std::uint64_t{1});
  CHECK_FALSE(occasions.note("d", start + 61s));
  CHECK_FALSE(occasions.note("e", start + 62s));
  // Those of long ago make room.
  CHECK(occasions.note("f", start + 1h) == std::uint64_t{1});
}

TEST_CASE("an entry is an operation of the log and reads the same again") {
  AuditEntry entry{.session = SessionId{7},
                   .user = "rigging",
                   .what = "kick",
                   .about = "lighting \"2\"",
                   .key = "0123456789abcdef",
                   .from = "10.0.0.7",
                   .text = "line\nbreak"};
  entry.timestamp = {5};
  const Operation operation = operation_of(entry, UniqueId{1, 2});
  CHECK((operation.record == Record::audit && operation.id == UniqueId{1, 2} && operation.user == "rigging"));
  const AuditEntry again = audit_entry_of(812, operation);
  CHECK((again.number == 812 && again.timestamp == Timestamp{5} && again.session == SessionId{7}));
  CHECK((again.user == entry.user && again.what == entry.what && again.about == entry.about));
  CHECK((again.key == entry.key && again.from == entry.from && again.text == entry.text));
  Operation damaged = operation;
  damaged.value = std::make_shared<const std::string>("{\"what\":");
  CHECK(audit_entry_of(813, damaged).what.empty());
}

TEST_CASE(
    "who is let in, keys and roles that change, and who is turned away are in the audit, also after a "
    "restart") {
  KeyedStudio studio;
  const AccessKey admin_key = studio.add("boss", "admin");
  auto boss = studio.join_with(admin_key);
  const AccessKey rigging_key = studio.add("rigging");
  auto rigging = studio.join_with(rigging_key);
  studio.write_roles(R"({"td": ["kick"]})");
  static_cast<void>(studio.refusal(studio.connect()));
  static_cast<void>(studio.refusal(studio.connect(make_access_key(system_random()))));
  const AccessKey fresh = make_access_key(system_random());
  REQUIRE(studio.file.update([&](KeyRing& ring) { return ring.rotate("rigging", fresh); }));
  static_cast<void>(studio.refusal(studio.connect(rigging_key)));
  studio.revoke("rigging");
  static_cast<void>(studio.refusal(studio.connect(fresh)));
  const bool is_restarted = GENERATE(false, true);
  if (is_restarted) {
    studio.stop();
    studio.start();
    boss = studio.join_with(admin_key);
  }
  const Listed all = audit_of(*boss);
  const Listed let_in = of_kind(all, "let_in");
  REQUIRE(let_in.size() == (is_restarted ? 3 : 2));
  CHECK((let_in[0].user == "boss" && let_in[0].key == admin_key.identity && let_in[0].from == "127.0.0.1"));
  CHECK((let_in[1].user == "rigging" && let_in[1].key == rigging_key.identity));
  const Listed added = of_kind(all, "key_add");
  REQUIRE(added.size() == 2);
  CHECK((added[0].about == "boss" && added[0].text == "role admin" && added[0].user.empty()));
  CHECK(added[1].about == "rigging");
  const Listed rotated = of_kind(all, "key_rotate");
  REQUIRE(rotated.size() == 1);
  CHECK((rotated[0].about == "rigging" && rotated[0].key == fresh.identity));
  REQUIRE(of_kind(all, "key_revoke").size() == 1);
  const Listed roles = of_kind(all, "role");
  REQUIRE(roles.size() == 1);
  CHECK((roles[0].about == "td" && roles[0].text == "kick"));
  // All from one address: one entry a minute.
  const Listed refused = of_kind(all, "refused");
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].from == "127.0.0.1");
  CHECK_THAT(refused[0].text, Contains("asks for a key"));
  // Numbers grow, and an ask goes on where the last one ended.
  for (std::size_t i = 1; i < all.size(); ++i) CHECK(all[i - 1].number < all[i].number);
  CHECK(audit_of(*boss, all[2].number).size() == all.size() - 3);
  const auto none =
      boss->ask_for<protocol::AuditEntries>(protocol::AuditAsk{.id = 0, .since = all.back().number});
  CHECK((none.entries.empty() && none.last == all.back().number));
}

TEST_CASE(
    "of one key's commands from one place the audit has one entry in ten minutes, of its sessions each") {
  KeyedStudio studio;
  const AccessKey key = studio.add("boss", "admin");
  auto boss = studio.join_with(key);
  for (int i = 0; i < 3; ++i) {
    auto visit = studio.connect(key);
    REQUIRE(visit->visit("boss"));
  }
  auto second = studio.join_with(key);
  const Listed let_in = of_kind(audit_of(*boss), "let_in");
  REQUIRE(let_in.size() == 3);
  CHECK_THAT(let_in[1].text, Contains("a command"));
  CHECK(let_in[2].text.empty());
}

TEST_CASE(
    "what was done to the keys while no server ran is in the audit of the next one, once, and from then") {
  KeyedStudio studio;
  const AccessKey key = studio.add("boss", "admin");
  static_cast<void>(studio.join_with(key));
  studio.stop();
  const Timestamp before = system_clock().wall();
  studio.add("rigging");
  const AccessKey fresh = make_access_key(system_random());
  REQUIRE(studio.file.update([&](KeyRing& ring) { return ring.rotate("rigging", fresh); }));
  studio.revoke("rigging");
  const Timestamp after = system_clock().wall();
  Listed all;
  // A server that ends before the file is told so puts the same into the log again.
  for (int start = 0; start < 3; ++start) {
    studio.start();
    auto boss = studio.join_with(key);
    all = audit_of(*boss);
    studio.stop();
  }
  for (const char* what : {"key_rotate", "key_revoke"}) {
    const Listed found = of_kind(all, what);
    REQUIRE(found.size() == 1);
    CHECK((found[0].about == "rigging" && found[0].key == fresh.identity));
    CHECK((found[0].timestamp >= before && found[0].timestamp <= after));
  }
  const Listed added = of_kind(all, "key_add");
  REQUIRE(added.size() == 2);
  CHECK((added[0].about == "boss" && added[1].about == "rigging"));
}

TEST_CASE("what was done to the keys while the disk was full is in the audit once it has room") {
  ServerOptions options;
  options.disk_probe_period = 10ms;
  KeyedStudio studio(options);
  const AccessKey key = studio.add("boss", "admin");
  auto boss = studio.join_with(key);
  studio.add("rigging");
  {
    const SmallDisk full(0);
    // The keys are looked at when somebody comes.
    auto visit = studio.connect(key);
    REQUIRE(visit->visit("boss"));
    CHECK_FALSE(boss->expect<protocol::Writable>().writable);
  }
  CHECK(boss->expect<protocol::Writable>().writable);
  const auto added = [&] { return of_kind(audit_of(*boss), "key_add"); };
  for (int asked = 0; asked < 10'000 && added().size() < 2; ++asked) {
  }
  const Listed both = added();
  REQUIRE(both.size() == 2);
  // In whatever order: the first may have met the full disk, too.
  CHECK(both[0].about != both[1].about);
  CHECK((both[0].about == "rigging" || both[1].about == "rigging"));
}

TEST_CASE("of two changes of a key, of which the keys show the first alone yet, each is in the audit once") {
  KeyedStudio studio;
  const AccessKey key = studio.add("boss", "admin");
  auto boss = studio.join_with(key);
  const AccessKey first = studio.add("rigging");
  const AccessKey second = make_access_key(system_random());
  // Written down, and not done yet.
  const KeyChange rotated{make_operation_id(system_clock().wall(), system_random()),
                          {.timestamp = system_clock().wall(),
                           .what = "key_rotate",
                           .about = "rigging",
                           .key = second.identity,
                           .text = "role artist"}};
  const auto changes_path = studio.project_folder() / "keys.changes";
  REQUIRE_FALSE(studio.file.update([&](KeyRing&) -> Result<void> {
    std::ofstream(changes_path, std::ios::app) << to_line(rotated);
    return Error{Outcome::cancelled, "not done yet"};
  }));
  REQUIRE(studio.connect(key)->visit("boss"));
  const auto of_rigging = [&] {
    Listed found;
    for (const auto& each : audit_of(*boss)) {
      if (each.about == "rigging") found.push_back(each);
    }
    return found;
  };
  Listed told = of_rigging();
  REQUIRE(told.size() == 2);
  CHECK((told[0].what == "key_add" && told[0].key == first.identity));
  CHECK((told[1].what == "key_rotate" && told[1].key == second.identity));
}

TEST_CASE("a key that is taken out of the file by hand is in the audit, whatever else is on its way there") {
  KeyedStudio studio;
  const AccessKey key = studio.add("boss", "admin");
  studio.add("rigging");
  auto boss = studio.join_with(key);
  const auto put = [&](const std::string& name, ByteView content) {
    const auto path = studio.project_folder() / name;
    const auto fresh = studio.project_folder() / "by_hand";
    std::ofstream(fresh) << as_text(content);
    std::filesystem::permissions(fresh, std::filesystem::perms(0600));
    std::filesystem::rename(fresh, path);
  };
  const KeyChange other{make_operation_id(system_clock().wall(), system_random()),
                        {.timestamp = system_clock().wall(), .what = "key_add", .about = "lighting"}};
  // While nobody else writes there; what `update` was to change is not.
  const auto done = studio.file.update([&](KeyRing& ring) -> Result<void> {
    REQUIRE(ring.revoke("rigging"));
    put("keys.changes", as_bytes(to_line(other)));
    put("keys", encoded(ring));
    return Error{Outcome::cancelled, "done by hand"};
  });
  REQUIRE_FALSE(done);
  REQUIRE(studio.connect(key)->visit("boss"));
  Listed revoked = of_kind(audit_of(*boss), "key_revoke");
  REQUIRE(revoked.size() == 1);
  CHECK(revoked[0].about == "rigging");
  studio.add("comp");
  REQUIRE(studio.connect(key)->visit("boss"));
  const Listed all = audit_of(*boss);
  CHECK(of_kind(all, "key_revoke").size() == 1);
  const Listed added = of_kind(all, "key_add");
  REQUIRE(added.size() == 4);
  CHECK((added[2].about == "lighting" && added[3].about == "comp"));
}

TEST_CASE("the audit is read by who may, and an answer has a hundred entries at most") {
  KeyedStudio studio;
  const AccessKey key = studio.add("boss", "admin");
  auto boss = studio.join_with(key);
  auto lead = studio.join_with(studio.add("lead", "lead"));
  CHECK(refused_for(*lead, protocol::AuditAsk{}) == "audit: ask whoever runs the server");
  std::vector<std::unique_ptr<TestClient>> more;
  for (int i = 0; i < 110; ++i) more.push_back(studio.join_with(key));
  const Listed first = audit_of(*boss);
  REQUIRE(first.size() == 100);
  CHECK(audit_of(*boss, first.back().number).size() >= 10);
}

TEST_CASE("a key that somebody gives as a reason is not in the audit") {
  const AccessKey key = make_access_key(system_random());
  EventLog events(std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()));
  std::vector<Operation> appended;
  Audit audit(system_clock(), system_random(), events,
              [&](Operation operation, const std::function<void(bool)>& done) {
                appended.push_back(std::move(operation));
                done(true);
              });
  audit.note({.user = "boss", .what = "mute", .about = to_line(key), .text = "it is " + to_line(key)});
  REQUIRE(appended.size() == 1);
  const AuditEntry entry = audit_entry_of(1, appended[0]);
  CHECK(entry.about == "cb1_" + key.identity + "_***");
  CHECK(entry.text == "it is cb1_" + key.identity + "_***");
}

TEST_CASE("what waits for the audit goes on when all before it is written, at once when it is") {
  EventLog events(std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()));
  std::vector<std::function<void(bool)>> pending;
  Audit audit(system_clock(), system_random(), events,
              [&](const Operation&, std::function<void(bool)> done) { pending.push_back(std::move(done)); });
  std::string went;
  audit.when_written([&] { went += "a"; });
  CHECK(went == "a");
  audit.note({.what = "kick"});
  audit.when_written([&] { went += "b"; });
  audit.note({.what = "kick"});
  audit.when_written([&] { went += "c"; });
  CHECK(went == "a");
  pending[0](true);
  CHECK(went == "ab");
  pending[1](true);
  CHECK(went == "abc");
}

TEST_CASE("however many addresses one machine has, its refusals are one entry a minute") {
  EventLog events(std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()));
  std::size_t entries = 0;
  Audit audit(system_clock(), system_random(), events,
              [&](const Operation&, const std::function<void(bool)>&) { ++entries; });
  for (const char* from : {"2001:db8:0:7::1", "2001:db8:0:7::2", "::ffff:10.0.0.7", "10.0.0.7"}) {
    AuditEntry entry;
    entry.from = from;
    audit.note_refused(std::move(entry));
  }
  CHECK(entries == 2);
}

TEST_CASE("an open server's audit is for everybody, and has no sessions in it") {
  Studio studio;
  auto rigging = studio.join("rigging");
  const auto told = rigging->ask_for<protocol::AuditEntries>(protocol::AuditAsk{});
  CHECK((told.entries.empty() && told.last == 0));
}

TEST_CASE("who switched a service off, or on, is in the audit") {
  KeyedStudio studio;
  auto boss = studio.join_with(studio.add("boss", "admin"));
  for (const char* call : {"services.disable", "services.enable"}) {
    protocol::CallAsk ask;
    ask.name = call;
    ask.arguments = std::make_shared<const std::string>(R"(["backup"])");
    boss->ask_for<protocol::CallResult>(ask);
  }
  const Listed all = audit_of(*boss);
  for (const char* what : {"service_off", "service_on"}) {
    const Listed found = of_kind(all, what);
    REQUIRE(found.size() == 1);
    CHECK((found[0].user == "boss" && found[0].about == "backup"));
  }
}

}  // namespace callboard::audit_test
