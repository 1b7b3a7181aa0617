// Servers with keys: who is let in, as whom, and for how long.
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "protocol/datagram_signature.h"
#include "server/gate.h"
#include "tests/unit/server/keyed_studio.h"

namespace callboard::keys_test {
using namespace callboard::server;
using Catch::Contains;

namespace {

struct TestClock final : Clock {
  Timestamp now{1'000'000};
  Timestamp wall() const override { return now; }
  Instant monotonic() const override { return system_clock().monotonic(); }
};

KeyEntry entry(const std::string& name) { return key_entry(name); }

void wait_for_end(TestClient& client) {
  while (client.next()) {
  }
}

std::string last_reason(TestClient& client) {
  std::string reason;
  for (auto heard = client.next(); heard; heard = client.next()) {
    if (const auto* bye = std::get_if<protocol::Bye>(&*heard)) reason = bye->reason;
  }
  return reason;
}

}  // namespace

TEST_CASE("a name has one key, and what is written of a ring reads the same") {
  KeyRing ring;
  KeyEntry once = entry("lighting");
  once.once = true;
  once.expires = Timestamp{1'763'733'999'999};
  REQUIRE(ring.add(entry("rigging")));
  REQUIRE(ring.add(once));
  CHECK(ring.add(entry("rigging")).error().outcome == Outcome::refused);
  ring.set_used(once.key.identity);
  CHECK(ring.revoke("nobody").error().outcome == Outcome::not_found);
  const Bytes bytes = encoded(ring);
  const auto again = key_ring_from(bytes);
  REQUIRE(again);
  REQUIRE(again->entries().size() == 2);
  const KeyEntry& read = *again->find(once.key.identity);
  CHECK((read.name == "lighting" && read.key == once.key && read.role == "artist" && read.once && read.used));
  CHECK((read.created == once.created && read.expires == once.expires));
  CHECK_FALSE(again->find_name("rigging")->expires);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(key_ring_from(ByteView(bytes).first(size)));
  Bytes damaged = bytes;
  damaged[20] ^= std::byte{1};
  CHECK_FALSE(key_ring_from(damaged));
  const AccessKey fresh = make_access_key(system_random());
  REQUIRE(ring.rotate("lighting", fresh));
  CHECK(ring.find(once.key.identity) == nullptr);
  CHECK_FALSE(ring.find(fresh.identity)->used);
}

TEST_CASE("the file of the keys is its owner's alone, or is not read") {
  const TemporaryFolder folder;
  const KeyFile file(folder.path(), "p");
  CHECK_FALSE(file.read()->has_value());
  const FileStamp none = file.stamp();
  REQUIRE(file.update([](KeyRing& ring) { return ring.add(entry("rigging")); }));
  const auto path = folder.path() / "p" / "keys";
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(file.stamp() != none);
  CHECK((*file.read())->entries().size() == 1);
  const auto failed = file.update([](KeyRing& ring) -> Result<void> {
    REQUIRE(ring.revoke("rigging"));
    return Error{Outcome::failed, "no"};
  });
  CHECK_FALSE(failed);
  CHECK((*file.read())->entries().size() == 1);
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  const auto refused = file.read();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome == Outcome::refused);
  CHECK_THAT(refused.error().text, Contains("chmod 600"));
}

TEST_CASE("what is done to the keys is written beside them until somebody has it") {
  const TemporaryFolder folder;
  const KeyFile file(folder.path(), "p");
  CHECK(file.changes()->changes.empty());
  const KeyEntry rigging = key_entry("rigging \n\"1\"", "lead");
  REQUIRE(file.update([&](KeyRing& ring) { return ring.add(rigging); }));
  const AccessKey fresh = make_access_key(system_random());
  REQUIRE(file.update([&](KeyRing& ring) { return ring.rotate(rigging.name, fresh); }));
  CHECK_FALSE(file.update([&](KeyRing&) -> Result<void> { return Error{Outcome::failed, "no"}; }));
  REQUIRE(file.update([&](KeyRing& ring) {
    ring.set_used(fresh.identity);
    return Result<void>();
  }));
  REQUIRE(file.update([&](KeyRing& ring) { return ring.revoke(rigging.name); }));
  const auto changes = file.changes()->changes;
  REQUIRE(changes.size() == 3);
  CHECK((changes[0].entry.what == "key_add" && changes[0].entry.about == rigging.name));
  CHECK((changes[0].entry.key == rigging.key.identity && changes[0].entry.text == "role lead"));
  CHECK((changes[1].entry.what == "key_rotate" && changes[1].entry.key == fresh.identity));
  CHECK((changes[2].entry.what == "key_revoke" && changes[2].entry.key == fresh.identity));
  CHECK((changes[0].entry.timestamp > Timestamp{} && changes[0].id != changes[1].id));
  // Nothing that proves a key is in there.
  std::ifstream lines(folder.path() / "p" / "keys.changes");
  const std::string text{std::istreambuf_iterator<char>(lines), {}};
  CHECK_FALSE(text.empty());
  for (const AccessKey& key : {rigging.key, fresh}) {
    const std::string line = to_line(key);
    CHECK(text.find(line.substr(line.rfind('_') + 1)) == std::string::npos);
  }
  REQUIRE(file.forget_changes({changes[0].id, changes[2].id}));
  REQUIRE(file.changes()->changes.size() == 1);
  CHECK(file.changes()->changes.at(0).id == changes[1].id);
}

TEST_CASE("what is not understood of what was done to the keys stays where it is") {
  const TemporaryFolder folder;
  const KeyFile file(folder.path(), "p");
  REQUIRE(file.update([&](KeyRing& ring) { return ring.add(key_entry("rigging")); }));
  std::ofstream(folder.path() / "p" / "keys.changes", std::ios::app) << "of another version\n";
  REQUIRE(file.update([&](KeyRing& ring) { return ring.revoke("rigging"); }));
  const KeyChanges changes = *file.changes();
  REQUIRE(changes.changes.size() == 2);
  REQUIRE(file.forget_changes({changes.changes[0].id, changes.changes[1].id}));
  CHECK(file.changes()->changes.empty());
  CHECK(file.changes()->not_understood == std::vector<std::string>{"of another version"});
}

TEST_CASE("lines that are no change of a key are passed over") {
  const KeyChange change{
      UniqueId{1, 2}, {.timestamp = {5}, .what = "key_rotate", .about = "rigging"}, "0123456789abcdef"};
  const std::string line = to_line(change);
  for (std::size_t size = 0; size + 2 < line.size(); ++size)
    CHECK(key_changes_from(as_bytes(line.substr(0, size) + "\n")).changes.empty());
  for (const char* garbage : {"", " ", "  \n", "x y z\n", "\n\n"})
    CHECK(key_changes_from(as_bytes(garbage + line + garbage)).changes.size() <= 1);
  const auto read = key_changes_from(as_bytes(line + "garbage\n" + line));
  CHECK(read.not_understood == std::vector<std::string>{"garbage"});
  CHECK(to_lines(read) == line + line + "garbage\n");
  const std::vector<KeyChange>& two = read.changes;
  REQUIRE(two.size() == 2);
  CHECK((two[1].id == change.id && two[1].replaces == change.replaces && two[1].entry.about == "rigging" &&
         two[1].entry.timestamp == Timestamp{5}));
}

TEST_CASE("a key lets in until its time is over, and whoever watches is told then") {
  const TemporaryFolder folder;
  const KeyFile file(folder.path(), "p");
  KeyEntry short_lived = entry("rigging");
  short_lived.expires = Timestamp{2'000'000};
  REQUIRE(file.update([&](KeyRing& ring) { return ring.add(short_lived); }));
  net::Loop loop;
  TestClock clock;
  EventLog events(std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()));
  int changes = 0;
  Gate gate(loop, clock, events, Gate::Source{file, *file.read(), RolesFile(folder.path(), "p")},
            {.on_change = [&] { ++changes; },
             .on_seen = [](const AuditEntry&) {},
             .on_key_change = [](const KeyChange&) {},
             .on_rotated = [](const std::string&, const std::string&) {},
             .on_keyed = [] {}});
  gate.look();
  changes = 0;
  Identity identity;
  identity.key = short_lived.key.identity;
  clock.now = {1'999'999};
  gate.look();
  CHECK((gate.is_welcome(identity) && gate.find_secret(identity.key) && gate.let_in(identity, false)));
  CHECK(changes == 0);
  clock.now = {2'000'000};
  gate.look();
  CHECK(changes == 1);
  CHECK_FALSE(gate.is_welcome(identity));
  CHECK_FALSE(gate.find_secret(identity.key));
  CHECK_FALSE(gate.let_in(identity, true));
  gate.look();
  CHECK(changes == 1);
}

TEST_CASE("a server stays keyed whatever becomes of its file") {
  KeyedStudio studio;
  const AccessKey key = studio.add("rigging");
  auto rigging = studio.join_with(key);
  const auto path = studio.data() / folder_name("Moria's Race") / "keys";
  const bool is_removed = GENERATE(true, false);
  if (is_removed) {
    std::filesystem::remove(path);
  } else {
    std::filesystem::resize_file(path, 20);
  }
  CHECK(studio.refusal(studio.connect()).outcome == Outcome::refused);
  const auto again = studio.join_with(key, "again");
  CHECK(rigging->ask_for<protocol::Users>(protocol::UsersAsk{}).users.size() == 2);
}

TEST_CASE("the holder of a key is let in under the key's name, whatever it says to be called") {
  KeyedStudio studio;
  auto rigging = studio.join_with(studio.add("rigging"), "lighting");
  CHECK(rigging->name == "rigging");
  protocol::MessageAsk say;
  say.text = "it is me";
  say.op = UniqueId{1, 1};
  CHECK(rigging->ask_for<protocol::Ok>(say).number == 1);
  auto lighting = studio.join_with(studio.add("lighting"));
  CHECK(lighting->told<protocol::Messages>().at(0).messages.at(0).user == "rigging");
}

TEST_CASE("without a key, or with one that is not the server's, nobody is let in and nothing is said") {
  KeyedStudio studio;
  const AccessKey key = studio.add("rigging");
  AccessKey forged = key;
  forged.secret[0] ^= 1;
  const Error plain = studio.refusal(studio.connect());
  CHECK(plain.outcome == Outcome::refused);
  CHECK_THAT(plain.text, Contains("asks for a key"));
  CHECK_THAT(studio.refusal(studio.connect(forged)).text, Contains("does not take this key"));
  CHECK_THAT(studio.refusal(studio.connect(make_access_key(system_random()))).text,
             Contains("does not take this key"));
  auto knocking = studio.connect();
  knocking->say(protocol::UnknownTell{"knock"});
  CHECK_THAT(last_reason(*knocking), Contains("asks for a key"));
  // Garbage is no knock, and a ticket that nobody was given opens nothing.
  auto ticket = studio.connect();
  ticket->say(protocol::Ticket{UniqueId{1, 2}});
  CHECK_THAT(last_reason(*ticket), Contains("ticket is not good"));
  auto garbage = studio.connect();
  garbage->say_bytes(Bytes(100, std::byte{'x'}));
  CHECK_FALSE(last_reason(*garbage).empty());
  auto rigging = studio.join_with(key);
  CHECK(rigging->ask_for<protocol::Status>(protocol::StatusAsk{}).sessions == 1);
}

TEST_CASE("the first key turns out who is there without one") {
  KeyedStudio studio;
  auto open = studio.join("rigging");
  const AccessKey key = studio.add("lighting");
  CHECK_THAT(last_reason(*open), Contains("asks for a key"));
  auto lighting = studio.join_with(key);
  CHECK(lighting->comes_to_see(1));
}

TEST_CASE("a key that is revoked, or made anew, ends its sessions and transfers at once, and no other's") {
  KeyedStudio studio;
  auto giver = studio.join_with(studio.add("rigging"));
  auto taker = studio.join_with(studio.add("lighting"), "lighting", true);
  auto witness = studio.join_with(studio.add("layout"));
  protocol::GetAsk get;
  get.user = "rigging";
  get.item = "/dev";
  const auto granted = taker->ask_for<protocol::TransferGranted>(get);
  auto giving = studio.connect();
  giving->say(protocol::Ticket{giver->told<protocol::Give>().at(0).ticket});
  auto taking = studio.connect();
  taking->say(protocol::Ticket{granted.ticket});
  taking->expect<protocol::Ready>();
  const bool is_rotated = GENERATE(false, true);
  if (is_rotated) {
    REQUIRE(studio.file.update(
        [](KeyRing& ring) { return ring.rotate("lighting", make_access_key(system_random())); }));
  } else {
    studio.revoke("lighting");
  }
  CHECK_THAT(last_reason(*taker), Contains("no longer good"));
  wait_for_end(*taking);
  const auto over = giver->told<protocol::TransferOver>();
  REQUIRE(over.size() == 1);
  CHECK(over[0].outcome == Outcome::interrupted);
  // It is not away: nobody comes back with a key that is none.
  CHECK(witness->ask_for<protocol::Status>(protocol::StatusAsk{}).away == 0);
  CHECK(witness->comes_to_see(2));
}

TEST_CASE("a session is gone on with by its own key, also by the next server, and by no other") {
  KeyedStudio studio;
  const AccessKey key = studio.add("rigging");
  const AccessKey other = studio.add("lighting");
  auto witness = studio.join_with(other);
  auto lost = studio.join_with(key, "rigging", true);
  const bool is_restarted = GENERATE(false, true);
  if (is_restarted) {
    studio.stop();
    studio.start();
    witness = studio.join_with(other);
  } else {
    studio.lose(*lost, *witness);
  }
  auto thief = studio.connect(other);
  REQUIRE(thief->resume(*lost, "rigging"));
  CHECK_FALSE(thief->welcome.resumed);
  CHECK(thief->session != lost->session);
  auto back = studio.connect(key);
  REQUIRE(back->resume(*lost, "rigging"));
  CHECK(back->welcome.resumed);
  CHECK(back->session == lost->session);
  // Nor while it is here.
  auto second = studio.connect(other);
  REQUIRE(second->resume(*lost, "rigging"));
  CHECK_FALSE(second->welcome.resumed);
  CHECK(back->ask_for<protocol::Users>(protocol::UsersAsk{}).users.size() >= 3);
}

TEST_CASE("another key with the same workstation's number does not end anybody's session") {
  KeyedStudio studio;
  const UniqueId workstation{7, 7};
  auto rigging = studio.connect(studio.add("rigging"));
  rigging->workstation = workstation;
  REQUIRE(rigging->join("rigging"));
  auto other = studio.connect(studio.add("lighting"));
  other->workstation = workstation;
  REQUIRE(other->join("rigging"));
  CHECK(rigging->ask_for<protocol::Users>(protocol::UsersAsk{}).users.size() == 2);
}

TEST_CASE("a key that is good once lets in one session, which may come back, also after a restart") {
  KeyedStudio studio;
  KeyEntry made = entry("guest");
  made.once = true;
  const AccessKey key = studio.add(made);
  auto witness = studio.join_with(studio.add("rigging"));
  auto guest = studio.join_with(key, "guest", true);
  CHECK_THAT(studio.refusal(studio.connect(key)).text, Contains("was used"));
  studio.lose(*guest, *witness);
  CHECK_THAT(studio.refusal(studio.connect(key)).text, Contains("was used"));
  auto back = studio.connect(key);
  REQUIRE(back->resume(*guest, "guest"));
  CHECK(back->welcome.resumed);
  witness->wait([&] { return (*studio.file.read())->find(key.identity)->used; });
  back.reset();
  studio.stop();
  studio.start();
  CHECK_THAT(studio.refusal(studio.connect(key)).text, Contains("was used"));
}

TEST_CASE("a ticket is not shown beneath TLS, where the relay could not go on") {
  KeyedStudio studio;
  auto inside = studio.connect(studio.add("rigging"));
  inside->say(protocol::Ticket{UniqueId{1, 2}});
  CHECK_THAT(last_reason(*inside), Contains("without TLS"));
}

TEST_CASE("a server with keys says so when it announces itself, and obeys no abort that anybody can send") {
  KeyedStudio studio;
  studio.add("rigging");
  CHECK(studio.refusal(studio.connect()).outcome == Outcome::refused);
  studio.broadcasts.clear();
  auto voice = *net::UdpSocket::open(
      studio.loop, {}, {.on_datagram = [](ByteView, const net::Endpoint&) {}, .on_trouble = {}});
  for (const auto& datagram :
       {protocol::Datagram(protocol::Abort{}), protocol::Datagram(protocol::Abort{"Moria's Race"})}) {
    REQUIRE(voice->send(studio.broadcast(), as_bytes(protocol::format(datagram))));
  }
  const auto announced = [&] {
    for (const auto& datagram : studio.broadcasts) {
      const auto* one = std::get_if<protocol::Announcement>(&datagram);
      if (one != nullptr && one->access == "key") return true;
    }
    return false;
  };
  REQUIRE(studio.loop.run_until(announced, kPatience));
  CHECK_FALSE(studio.stopped);
  for (const auto& datagram : studio.broadcasts)
    CHECK_FALSE(std::holds_alternative<protocol::AbortAcknowledged>(datagram));
}

TEST_CASE("a server whose keys are damaged does not start, least of all as an open one") {
  KeyedStudio studio;
  studio.add("rigging");
  studio.stop();
  const auto path = studio.data() / folder_name("Moria's Race") / "keys";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  const auto started = studio.try_another();
  REQUIRE_FALSE(started);
  CHECK_THAT(started.error().text, Contains("keys"));
}

namespace {

protocol::DocumentWrite write_of(protocol::DocumentRecord record, std::uint64_t op) {
  protocol::DocumentWrite write;
  write.record = record;
  write.timestamp = system_clock().wall();
  write.op = UniqueId{op, op};
  write.document = std::make_shared<const std::string>("{}");
  return write;
}

}  // namespace

TEST_CASE("a role permits what its row in the documents says, and refuses the rest by name") {
  KeyedStudio studio;
  auto giver = studio.join_with(studio.add("giver"));
  const std::string role = GENERATE("viewer", "artist", "lead", "admin", "unheard of");
  INFO(role);
  auto client = studio.join_with(studio.add_with_role(role));
  const bool may_write = role == "artist" || role == "lead" || role == "admin";
  const auto expected = [&](bool may, const std::string& permission) {
    return may ? "" : permission + ": ask whoever runs the server";
  };
  CHECK(refused_for(*client, write_of(protocol::DocumentRecord::story, 1)) ==
        expected(may_write, "story.write"));
  CHECK(refused_for(*client, write_of(protocol::DocumentRecord::analytics, 2)) ==
        expected(may_write, "analytics.write"));
  protocol::MessageAsk say;
  say.text = "hello";
  say.op = UniqueId{3, 3};
  CHECK(refused_for(*client, say) == expected(may_write, "messages.write"));
  protocol::AssetsChange change;
  change.items.emplace("/dev/chr/Moria", system_clock().wall());
  CHECK(refused_for(*client, change) == expected(may_write, "assets.write"));
  protocol::GetAsk get;
  get.user = "giver";
  get.item = "/dev";
  CHECK(refused_for(*client, get) == expected(role != "unheard of", "pull"));
  // Nothing of what was refused is there, and who may not serve is asked for nothing.
  const auto story = giver->ask_for<protocol::DocumentState>(protocol::DocumentRead{});
  CHECK((story.revision > 0) == may_write);
  CHECK(giver->ask_for<protocol::Assets>(protocol::AssetsRead{}).items.empty() == !may_write);
  CHECK(giver->ask_for<protocol::Messages>(protocol::MessagesAsk{}).messages.empty() == !may_write);
  get.user = role;
  const auto answer = giver->ask(get);
  CHECK(std::holds_alternative<protocol::TransferGranted>(answer) == may_write);
  // Everybody who is in may look.
  CHECK(client->ask_for<protocol::Users>(protocol::UsersAsk{}).users.size() == 2);
  CHECK(client->ask_for<protocol::DocumentState>(protocol::DocumentRead{}).revision == story.revision);
  for (const char* name : {"ping", "server.info", "disk.free"}) {
    protocol::CallAsk call;
    call.name = name;
    CHECK(client->ask_for<protocol::CallResult>(call).value != nullptr);
  }
}

TEST_CASE("what a viewer brings to the join does not count") {
  KeyedStudio studio;
  auto viewer = studio.connect(studio.add_with_role("viewer"));
  viewer->items = {{"/dev/chr/Moria", system_clock().wall()}};
  REQUIRE(viewer->join("viewer"));
  CHECK(viewer->assets.items.empty());
  CHECK(viewer->ask_for<protocol::Assets>(protocol::AssetsRead{}).items.empty());
  CHECK_FALSE(viewer->ask_for<protocol::Users>(protocol::UsersAsk{}).users.at(0).shares);
}

namespace {

// Somebody who sends datagrams and hears what comes back.
struct Voice {
  KeyedStudio& studio;
  std::vector<std::string> heard;
  std::unique_ptr<net::UdpSocket> socket;

  explicit Voice(KeyedStudio& in) : studio(in) {
    socket = *net::UdpSocket::open(
        studio.loop, {},
        {.on_datagram = [this](ByteView bytes, const net::Endpoint&) { heard.emplace_back(as_text(bytes)); },
         .on_trouble = {}});
  }
  void send(const std::string& line) { REQUIRE(socket->send(studio.broadcast(), as_bytes(line))); }
  // The server answers everything in order: what was sent before has been heard then.
  protocol::Announcement ask(protocol::Search search = {}) {
    heard.clear();
    send(protocol::format(search));
    const auto is_answered = [&] {
      return !heard.empty() && heard.back().starts_with("VCStudio MULTIUSER SERVER");
    };
    REQUIRE(studio.loop.run_until(is_answered, kPatience));
    return std::get<protocol::Announcement>(*protocol::parse_datagram(as_bytes(heard.back())));
  }
  bool is_obeyed(const std::string& line) {
    send(line);
    heard.clear();
    send(protocol::format(protocol::Search{}));
    REQUIRE(studio.loop.run_until([&] { return !heard.empty() || studio.stopped; }, kPatience));
    return heard.empty() || heard[0].starts_with("VCStudio MULTIUSER ABORTED");
  }
};

protocol::Abort abort_of(const KeyedStudio& studio, const AccessKey& key, std::int64_t age_ms = 0) {
  protocol::Abort abort{"Moria's Race", studio.server->id(), {}};
  abort.signature = {{system_clock().wall().ms - age_ms}, key.identity, UniqueId{5, 5}};
  return abort;
}

}  // namespace

TEST_CASE(
    "a signed abort is obeyed when a key that may stop wrote it for this run, a moment ago, and as it is") {
  KeyedStudio studio;
  const AccessKey artist = studio.add("artist");
  const AccessKey admin = studio.add_with_role("admin");
  AccessKey forged = admin;
  forged.secret[3] ^= 1;
  static_cast<void>(studio.join_with(artist));
  Voice voice(studio);
  const std::string good = protocol::format_signed(abort_of(studio, admin), admin.secret);
  CHECK_FALSE(voice.is_obeyed(protocol::format(protocol::Abort{})));
  CHECK_FALSE(voice.is_obeyed(protocol::format(protocol::Abort{"Moria's Race"})));
  CHECK_FALSE(voice.is_obeyed(good.substr(0, good.rfind(" | mac="))));
  CHECK_FALSE(voice.is_obeyed(protocol::format_signed(abort_of(studio, admin), forged.secret)));
  CHECK_FALSE(voice.is_obeyed(protocol::format_signed(abort_of(studio, artist), artist.secret)));
  CHECK_FALSE(voice.is_obeyed(protocol::format_signed(abort_of(studio, artist), admin.secret)));
  CHECK_FALSE(voice.is_obeyed(protocol::format_signed(abort_of(studio, admin, 40'000), admin.secret)));
  CHECK_FALSE(voice.is_obeyed(protocol::format_signed(abort_of(studio, admin, -40'000), admin.secret)));
  auto elsewhere = abort_of(studio, admin);
  elsewhere.id = UniqueId{1, 1};
  CHECK_FALSE(voice.is_obeyed(protocol::format_signed(elsewhere, admin.secret)));
  elsewhere = abort_of(studio, admin);
  elsewhere.project.reset();
  CHECK_FALSE(voice.is_obeyed(protocol::format_signed(elsewhere, admin.secret)));
  for (std::size_t at = 30; at < good.size(); at += 7) {
    std::string changed = good;
    changed[at] = changed[at] == 'a' ? 'b' : 'a';
    CHECK_FALSE(voice.is_obeyed(changed));
  }
  REQUIRE_FALSE(studio.stopped);
  CHECK(voice.is_obeyed(good));
  REQUIRE(
      studio.loop.run_until([&] { return studio.stopped.has_value() && !voice.heard.empty(); }, kPatience));
  // That it obeys is said in a way that only this server can, and about this abort.
  const auto heard = protocol::parse_datagram(as_bytes(voice.heard.at(0)));
  REQUIRE(heard);
  const auto& obeyed = std::get<protocol::AbortAcknowledged>(*heard);
  REQUIRE(obeyed.signature);
  CHECK((obeyed.signature->nonce == UniqueId{5, 5} && obeyed.signature->by == admin.identity));
  CHECK(obeyed.id == abort_of(studio, admin).id);
  CHECK(protocol::is_signed_with(as_bytes(voice.heard[0]), admin.secret));
  studio.server.reset();
  // The next run is another one: what was good for the first is heard in vain.
  studio.start();
  auto boss = studio.join_with(admin);
  CHECK_FALSE(voice.is_obeyed(good));
  // Both are known: the one that was obeyed by its key, and that others were tried.
  const auto told = boss->ask_for<protocol::AuditEntries>(protocol::AuditAsk{}).entries;
  const auto find = [&](const std::string& what) {
    const auto found = std::ranges::find(told, what, &protocol::AuditEntry::what);
    REQUIRE(found != told.end());
    return *found;
  };
  CHECK((find("abort").user == "admin" && find("abort").key == admin.identity));
  CHECK(find("abort_ignored").from == "127.0.0.1");
}

TEST_CASE("who asks with a key's identity is answered in a way that only the server of that key can") {
  KeyedStudio studio;
  const AccessKey key = studio.add("rigging");
  static_cast<void>(studio.join_with(key));
  Voice voice(studio);
  CHECK_FALSE(voice.ask().signature);
  const auto signed_answer = voice.ask({"Moria's Race", protocol::Challenge{key.identity, UniqueId{6, 7}}});
  REQUIRE(signed_answer.signature);
  CHECK((signed_answer.signature->nonce == UniqueId{6, 7} && signed_answer.signature->by == key.identity));
  CHECK(signed_answer.access == "key");
  CHECK(protocol::is_signed_with(as_bytes(voice.heard.back()), key.secret));
  CHECK_FALSE(
      protocol::is_signed_with(as_bytes(voice.heard.back()), make_access_key(system_random()).secret));
  CHECK_FALSE(voice.ask({std::nullopt, protocol::Challenge{"0123456789abcdef", UniqueId{6, 7}}}).signature);
}

TEST_CASE("giver and taker on a server with keys are told one key for their transfer, each time another") {
  KeyedStudio studio;
  auto giver = studio.join_with(studio.add("rigging"));
  auto taker = studio.join_with(studio.add("lighting"));
  protocol::GetAsk get;
  get.user = "rigging";
  get.item = "/dev";
  const auto first = taker->ask_for<protocol::TransferGranted>(get);
  const auto second = taker->ask_for<protocol::TransferGranted>(get);
  const auto gives = giver->told<protocol::Give>();
  REQUIRE(gives.size() == 2);
  REQUIRE((first.key && second.key));
  CHECK((gives[0].key == first.key && gives[1].key == second.key));
  CHECK(first.key->secret != second.key->secret);
}

}  // namespace callboard::keys_test
