#include "server/away.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "server/backup.h"
#include "server/board/kept_sessions.h"
#include "server/session_book.h"
#include "server/store/data_folder.h"
#include "server/store/session_file.h"
#include "tests/unit/server/studio.h"

namespace callboard::away_test {
using namespace callboard::server;

namespace {

std::vector<protocol::UserLeft> departures(const std::vector<protocol::Users>& tells) {
  std::vector<protocol::UserLeft> result;
  for (const auto& tell : tells) result.insert(result.end(), tell.left.begin(), tell.left.end());
  return result;
}

// What was told between two moments.
template <class T>
std::vector<T> told_anew(TestClient& client) {
  client.heard.clear();
  return client.told<T>();
}

std::vector<std::string> texts(const std::vector<protocol::Messages>& tells) {
  std::vector<std::string> result;
  for (const auto& tell : tells) {
    for (const auto& each : tell.messages) result.push_back(each.text);
  }
  return result;
}

std::uint64_t say(TestClient& client, const std::string& text, std::uint64_t op) {
  protocol::MessageAsk ask;
  ask.text = text;
  ask.op = UniqueId{9, op};
  return *client.ask_for<protocol::Ok>(ask).number;
}

protocol::AtAsk at(const std::string& item) {
  protocol::AtAsk ask;
  ask.item = item;
  return ask;
}

std::vector<protocol::User> users(TestClient& client) {
  return client.ask_for<protocol::Users>(protocol::UsersAsk{}).users;
}

ServerOptions with_grace(Duration grace) {
  ServerOptions options;
  options.grace = grace;
  return options;
}

Away one_away(std::uint64_t id, const std::string& name) {
  Away away;
  away.identity.id = SessionId{id};
  away.identity.asked_name = name;
  away.identity.secret = sha256_of(UniqueId{id, id});
  away.identity.workstation = UniqueId{id, 0};
  return away;
}

const Instant kStart{};

}  // namespace

// --- Who is away ----------------------------------------------------------------------------------------------------

TEST_CASE("a session that is away is given back to the right secret alone, and once") {
  AwaySessions away;
  CHECK_FALSE(away.add(one_away(1, "rigging"), kStart + 60s));
  CHECK_FALSE(away.take(SessionId{1}, sha256_of(UniqueId{2, 2})));
  CHECK_FALSE(away.take(SessionId{2}, sha256_of(UniqueId{1, 1})));
  const auto taken = away.take(SessionId{1}, sha256_of(UniqueId{1, 1}));
  REQUIRE(taken);
  CHECK(taken->identity.asked_name == "rigging");
  CHECK_FALSE(away.take(SessionId{1}, sha256_of(UniqueId{1, 1})));
  CHECK_FALSE(away.next_deadline());
}

TEST_CASE("those who are away for too long are given up in their order, none before its time") {
  AwaySessions away;
  away.add(one_away(1, "rigging"), kStart + 60s);
  away.add(one_away(2, "lighting"), kStart + 50s);
  CHECK(away.next_deadline() == kStart + 50s);
  CHECK(away.take_due(kStart + 49s).empty());
  const auto due = away.take_due(kStart + 60s);
  REQUIRE(due.size() == 2);
  CHECK(due[0].identity.asked_name == "lighting");
  CHECK(due[1].identity.asked_name == "rigging");
  CHECK(away.size() == 0);
}

TEST_CASE("when too many are away, the one whose time is over first makes room") {
  AwaySessions away(2);
  CHECK_FALSE(away.add(one_away(1, "rigging"), kStart + 60s));
  CHECK_FALSE(away.add(one_away(2, "lighting"), kStart + 50s));
  const auto displaced = away.add(one_away(3, "layout"), kStart + 70s);
  REQUIRE(displaced);
  CHECK(displaced->identity.asked_name == "lighting");
  CHECK(away.contains(SessionId{1}));
  CHECK(away.contains(SessionId{3}));
  CHECK(away.size() == 2);
  CHECK(away.take_of(UniqueId{1, 0}, "rigging"));
  CHECK_FALSE(away.take_of(UniqueId{3, 0}, "rigging"));
}

TEST_CASE("whoever fills the places of those who are away takes them from themselves") {
  AwaySessions away(4);
  const auto one = [](std::uint64_t id, const std::string& origin, const std::string& name) {
    Away made = one_away(id, name);
    made.identity.origin = origin;
    return made;
  };
  // The honest one's time would be over first.
  CHECK_FALSE(away.add(one(1, "10.0.0.5", "rigging"), kStart + 10s));
  for (std::uint64_t id = 2; id <= 4; ++id)
    CHECK_FALSE(away.add(one(id, "10.0.0.6", "flood"), kStart + 20s + id * 1s));
  for (std::uint64_t id = 5; id <= 20; ++id) {
    const auto displaced = away.add(one(id, "10.0.0.6", "flood"), kStart + 20s + id * 1s);
    REQUIRE(displaced);
    CHECK(displaced->identity.id == SessionId{id - 3});
  }
  // Others who come take from whoever has the most, too, until they have as many.
  const auto displaced = away.add(one(21, "10.0.0.7", "lighting"), kStart + 50s);
  REQUIRE(displaced);
  CHECK(displaced->identity.origin == "10.0.0.6");
  CHECK(away.contains(SessionId{1}));
  const auto second = away.add(one(22, "10.0.0.7", "lighting"), kStart + 51s);
  REQUIRE(second);
  CHECK(second->identity.id == SessionId{21});
  CHECK(away.contains(SessionId{1}));
  CHECK(away.size() == 4);
}

// --- Losing the connection ------------------------------------------------------------------------------------------

TEST_CASE("a lost connection is nobody's news, and its session goes on where it was") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto lost = studio.join_resumable("rigging");
  REQUIRE(lost->secret);
  CHECK(lost->welcome.grace == std::chrono::milliseconds(kGrace));
  CHECK_FALSE(lost->welcome.resumed);
  lost->ask(at("/dev/chr/Moria"));
  static_cast<void>(witness->told<protocol::Users>());

  studio.lose(*lost, *witness);
  const auto present = users(*witness);
  REQUIRE(present.size() == 2);
  for (const auto& user : present) CHECK(user.away == (user.name == "rigging"));
  const auto status = witness->ask_for<protocol::Status>(protocol::StatusAsk{});
  CHECK(status.sessions == 1);
  CHECK(status.away == 1);

  auto back = studio.connect();
  REQUIRE(back->resume(*lost, "rigging"));
  CHECK(back->welcome.resumed);
  CHECK_FALSE(back->welcome.secret);
  CHECK(back->session == lost->session);
  CHECK(back->name == "rigging");
  CHECK(told_anew<protocol::Users>(*witness).empty());
  CHECK(told_anew<protocol::AtTell>(*witness).empty());
  for (const auto& user : users(*witness)) {
    CHECK_FALSE(user.away);
    if (user.name == "rigging") CHECK(user.at == "/dev/chr/Moria");
  }
  // It knows who is here: nothing of that is told again.
  CHECK(back->told<protocol::Users>().empty());
}

TEST_CASE("who comes back is told what was said meanwhile, each once, and nothing that it had heard") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto lost = studio.join_resumable("rigging");
  say(*witness, "before", 1);
  REQUIRE(texts(lost->told<protocol::Messages>()) == std::vector<std::string>{"before"});
  studio.lose(*lost, *witness);
  say(*witness, "meanwhile 1", 2);
  say(*witness, "meanwhile 2", 3);
  auto layout = studio.join("layout");
  witness->ask(at("/pln"));

  auto back = studio.connect();
  REQUIRE(back->resume(*lost, "rigging", 1));
  CHECK(texts(back->told<protocol::Messages>()) == std::vector<std::string>{"meanwhile 1", "meanwhile 2"});
  const auto tells = back->told<protocol::Users>();
  REQUIRE(tells.size() == 1);
  CHECK_FALSE(tells[0].full);
  REQUIRE(tells[0].users.size() == 1);
  CHECK(tells[0].users[0].name == "layout");
  const auto ats = back->told<protocol::AtTell>();
  REQUIRE(ats.size() == 1);
  CHECK(ats[0].item == "/pln");
}

TEST_CASE("what was told into a connection that was lost is told again") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto lost = studio.join_resumable("rigging");
  lost->told<protocol::Users>();
  // It takes nothing any more, though the server has sent it.
  lost->pause_reading();
  say(*witness, "into the void", 1);
  studio.lose(*lost, *witness);
  auto back = studio.connect();
  REQUIRE(back->resume(*lost, "rigging"));
  CHECK(texts(back->told<protocol::Messages>()) == std::vector<std::string>{"into the void"});
}

TEST_CASE("a session that does not come back is told as left, once, when its time is over") {
  Studio studio(with_grace(50ms));
  auto witness = studio.join("lighting");
  auto lost = studio.join_resumable("rigging");
  static_cast<void>(witness->told<protocol::Users>());
  witness->heard.clear();
  lost->close();
  std::vector<protocol::UserLeft> left;
  while (left.empty()) left = departures(witness->told<protocol::Users>());
  static_cast<void>(witness->told<protocol::Users>());
  left = departures(witness->told<protocol::Users>());
  REQUIRE(left.size() == 1);
  CHECK(left[0].session == lost->session);
  CHECK(left[0].reason == "connection closed");
  auto late = studio.connect();
  REQUIRE(late->resume(*lost, "rigging"));
  CHECK_FALSE(late->welcome.resumed);
  CHECK(late->session != lost->session);
  CHECK(late->name == "rigging");
  CHECK(late->secret != lost->secret);
}

TEST_CASE("a wrong secret and an unknown session join anew, and look the same") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto lost = studio.join_resumable("rigging");
  studio.lose(*lost, *witness);
  auto thief = studio.connect();
  TestClient& wrong = *lost;
  const auto right = lost->secret;
  wrong.secret = UniqueId{1, 1};
  REQUIRE(thief->resume(wrong, "rigging"));
  CHECK_FALSE(thief->welcome.resumed);
  CHECK(thief->name == "rigging (2)");
  CHECK(thief->session != lost->session);
  auto stranger = studio.connect();
  wrong.session = SessionId{1};
  REQUIRE(stranger->resume(wrong, "rigging"));
  CHECK_FALSE(stranger->welcome.resumed);
  CHECK(stranger->name == "rigging (3)");
  // The one that it was can still come back.
  wrong.session = {users(*witness)[1].session};
  for (const auto& user : users(*witness)) {
    if (user.away) wrong.session = user.session;
  }
  wrong.secret = right;
  auto back = studio.connect();
  REQUIRE(back->resume(wrong, "rigging"));
  CHECK(back->welcome.resumed);
  CHECK(back->name == "rigging");
}

TEST_CASE("a connection that is not known to be lost is taken over by the right secret alone") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto former = studio.join_resumable("rigging");
  static_cast<void>(witness->told<protocol::Users>());
  TestClient guess(studio.loop, studio.server->listening());
  guess.session = former->session;
  guess.secret = UniqueId{4, 4};
  auto thief = studio.connect();
  REQUIRE(thief->resume(guess, "rigging"));
  CHECK_FALSE(thief->welcome.resumed);
  thief->close();
  REQUIRE(former->ask_for<protocol::Ok>(at("/pln")).re > 0);

  auto back = studio.connect();
  REQUIRE(back->resume(*former, "rigging"));
  CHECK(back->welcome.resumed);
  const auto bye = former->expect<protocol::Bye>();
  CHECK(bye.outcome == Outcome::superseded);
  for (const auto& left : departures(told_anew<protocol::Users>(*witness)))
    CHECK(left.session != former->session);
  CHECK(back->ask_for<protocol::Ok>(at("/dev/chr/Moria")).re > 0);
  for (const auto& user : users(*witness)) {
    if (user.session == back->session) CHECK(user.at == "/dev/chr/Moria");
  }
}

TEST_CASE("who says goodbye, speaks garbage or never meant to come back leaves at once") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto polite = studio.join_resumable("rigging");
  auto rude = studio.join_resumable("layout");
  auto old = studio.join("sound");
  CHECK_FALSE(old->secret);
  static_cast<void>(witness->told<protocol::Users>());
  polite->say(protocol::Bye{Outcome::done, "home"});
  rude->say_bytes(Bytes(8, std::byte{0xff}));
  old->close();
  std::size_t left = 0;
  while (left < 3) left = departures(witness->told<protocol::Users>()).size();
  CHECK(users(*witness).size() == 1);
  CHECK(witness->ask_for<protocol::Status>(protocol::StatusAsk{}).away == 0);
  auto back = studio.connect();
  REQUIRE(back->resume(*polite, "rigging"));
  CHECK_FALSE(back->welcome.resumed);
}

TEST_CASE("a client that goes because it heard nothing comes back like one that was cut off") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto lost = studio.join_resumable("rigging");
  lost->say(protocol::Bye{Outcome::timed_out, "the server said nothing for 45 s"});
  while (witness->ask_for<protocol::Status>(protocol::StatusAsk{}).away == 0) {
  }
  auto back = studio.connect();
  REQUIRE(back->resume(*lost, "rigging"));
  CHECK(back->welcome.resumed);
}

TEST_CASE("without a grace nobody is kept, and nobody is told that it could come back") {
  Studio studio(with_grace(0s));
  auto witness = studio.join("lighting");
  auto lost = studio.join_resumable("rigging");
  CHECK_FALSE(lost->secret);
  CHECK(lost->welcome.grace == 0ms);
  static_cast<void>(witness->told<protocol::Users>());
  lost->close();
  while (departures(witness->told<protocol::Users>()).empty()) {
  }
  CHECK(users(*witness).size() == 1);
  CHECK_FALSE(std::filesystem::exists(studio.data() / "Moria%27s Race" / "sessions"));
}

TEST_CASE("a workstation that joins anew takes the place of its session that is away") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto lost = studio.connect();
  lost->resumable = true;
  lost->workstation = UniqueId{1, 2};
  REQUIRE(lost->join("rigging"));
  static_cast<void>(witness->told<protocol::Users>());
  studio.lose(*lost, *witness);
  witness->heard.clear();
  auto again = studio.join_from(UniqueId{1, 2}, "rigging");
  CHECK(again->name == "rigging");
  const auto left = departures(witness->told<protocol::Users>());
  REQUIRE(left.size() == 1);
  CHECK(left[0].session == lost->session);
  CHECK(left[0].reason == "the same workstation joined again");
}

// --- Copies ---------------------------------------------------------------------------------------------------------

TEST_CASE("copies of one who is away stay on the board, and are given by others where there are any") {
  Studio studio;
  const std::string item = "/dev/chr/Moria";
  auto witness = studio.join("lighting");
  auto lost = studio.join_resumable("rigging", {{item, {2000}}, {"/dev/chr/Balin", {2000}}});
  auto older = studio.join_resumable("layout", {{item, {1000}}});
  static_cast<void>(witness->told<protocol::Assets>());
  studio.lose(*lost, *witness);
  CHECK(told_anew<protocol::Assets>(*witness).empty());
  const auto board = witness->ask_for<protocol::Assets>(protocol::AssetsRead{});
  CHECK(board.items.at(item)->user == "rigging");

  protocol::GetAsk get;
  get.newest = true;
  get.item = item;
  CHECK(witness->ask_for<protocol::TransferGranted>(get).user == "layout");
  get.item = "/dev/chr/Balin";
  auto refused = witness->ask_for<protocol::ErrorAnswer>(get);
  CHECK(refused.outcome == Outcome::not_found);
  CHECK(
      refused.text ==
      "only \"rigging\" has \"/dev/chr/Balin\", and is away: the connection was lost; try again in a moment");
  get.newest = false;
  get.user = "rigging";
  refused = witness->ask_for<protocol::ErrorAnswer>(get);
  CHECK(refused.outcome == Outcome::not_found);
  CHECK(refused.text == "\"rigging\" is away: the connection was lost; try again in a moment");

  // It comes back without one of them, and with a newer one of the other.
  auto back = studio.connect();
  back->items = {{item, {3000}}};
  REQUIRE(back->resume(*lost, "rigging"));
  CHECK_FALSE(back->assets.full);
  CHECK(back->assets.items.empty());
  const auto told = told_anew<protocol::Assets>(*witness);
  std::map<std::string, std::optional<protocol::AssetCopy>> news;
  for (const auto& tell : told) news.insert(tell.items.begin(), tell.items.end());
  REQUIRE(news.size() == 2);
  CHECK_FALSE(news.at("/dev/chr/Balin"));
  CHECK(news.at(item)->timestamp.ms == 3000);
}

TEST_CASE("a time that the clocks' difference takes before 1970 is told as its beginning") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto ahead = studio.connect();
  ahead->clock_skew_ms = 60'000;
  ahead->items = {{"/dev/chr/Moria", {5}}};
  REQUIRE(ahead->join("rigging"));
  CHECK(ahead->assets.items.at("/dev/chr/Moria")->timestamp.ms == 0);
}

// --- The next server ------------------------------------------------------------------------------------------------

TEST_CASE("sessions outlive the server that they were of, killed or stopped, with name and place") {
  const bool is_killed = GENERATE(true, false);
  CAPTURE(is_killed);
  Studio studio;
  auto first = studio.join_resumable("rigging", {{"/dev/chr/Moria", {2000}}});
  auto second = studio.join_resumable("rigging");
  REQUIRE(second->name == "rigging (2)");
  second->ask(at("/rnd/scene-01/shot-03"));
  const SessionFile file(studio.data(), "Moria's Race");
  first->wait([&] {
    const auto kept = file.read();
    return kept && kept->sessions.size() == 2 && kept->sessions[1].at.item == "/rnd/scene-01/shot-03";
  });
  if (is_killed) {
    studio.kill();
  } else {
    studio.stop();
  }
  studio.start();

  auto stranger = studio.join("rigging");
  CHECK(stranger->name == "rigging (3)");
  auto second_back = studio.connect();
  REQUIRE(second_back->resume(*second, "rigging"));
  CHECK(second_back->welcome.resumed);
  CHECK(second_back->name == "rigging (2)");
  // The copies of those that are still to come are not told as missing.
  CHECK(second_back->told<protocol::Assets>().empty());
  auto first_back = studio.connect();
  first_back->items = {{"/dev/chr/Moria", {2000}}};
  REQUIRE(first_back->resume(*first, "rigging"));
  CHECK(first_back->session == first->session);
  const auto copies = second_back->told<protocol::Assets>();
  REQUIRE(copies.size() == 1);
  CHECK(copies[0].full);
  CHECK(copies[0].items.at("/dev/chr/Moria")->session == first->session);
  CHECK(departures(second_back->told<protocol::Users>()).empty());
  for (const auto& user : users(*second_back)) {
    CHECK_FALSE(user.away);
    if (user.session == second->session) CHECK(user.at == "/rnd/scene-01/shot-03");
  }
}

TEST_CASE(
    "what is written down last stays, whatever changes while the server waits for its last connections") {
  net::Loop loop;
  EventLog events(nullptr);
  std::vector<std::string> written;
  std::string now = "everybody";
  SessionBook book(loop, events,
                   {.content = [&] { return Bytes(as_bytes(now).begin(), as_bytes(now).end()); },
                    .write = [&](ByteView bytes) -> Result<void> {
                      written.emplace_back(as_text(bytes));
                      return {};
                    }});
  bool is_done = false;
  book.finish([&] { is_done = true; });
  REQUIRE(loop.run_until([&] { return is_done; }, 5s));
  now = "nobody";
  book.on_change(0s);
  loop.run();
  CHECK(written == std::vector<std::string>{"everybody"});
}

TEST_CASE(
    "who waits until what there is now is written hears of it after that writing, and not of one before") {
  net::Loop loop;
  EventLog events(nullptr);
  std::vector<std::string> written;
  std::string now = "rigging";
  SessionBook book(loop, events,
                   {.content = [&] { return Bytes(as_bytes(now).begin(), as_bytes(now).end()); },
                    .write = [&](ByteView bytes) -> Result<void> {
                      written.emplace_back(as_text(bytes));
                      return Error{Outcome::failed, "the disk is full"};
                    }});
  std::vector<std::string> at_first;
  std::vector<std::string> at_second;
  book.on_written_now([&] {
    at_first = written;
    now = "rigging, lighting";
    book.on_written_now([&] { at_second = written; });
    CHECK(at_second.empty());
  });
  CHECK(at_first.empty());
  REQUIRE(loop.run_until([&] { return !at_second.empty(); }, 5s));
  CHECK(at_first == std::vector<std::string>{"rigging"});
  CHECK(at_second == std::vector<std::string>{"rigging", "rigging, lighting"});
  bool is_told = false;
  SessionBook nothing(loop, events, {.content = [] { return Bytes(); }, .write = nullptr});
  nothing.on_written_now([&] { is_told = true; });
  CHECK(is_told);
}

TEST_CASE("after a stop that was longer than the grace nobody is expected back") {
  const SessionId id{5};
  KeptSessions kept;
  kept.stopped = {system_clock().wall().ms - 120'000};
  kept.sessions.push_back({id, sha256_of(UniqueId{1, 1}), {}, {}, {}});
  kept.sessions[0].user.name = kept.sessions[0].user.asked_name = "rigging";
  Studio studio;
  studio.stop();
  REQUIRE(SessionFile(studio.data(), "Moria's Race").write(encoded(kept)));
  studio.start();
  auto witness = studio.join("rigging");
  CHECK(witness->name == "rigging");
  CHECK(users(*witness).size() == 1);
  studio.stop();
  kept.stopped = {};
  REQUIRE(SessionFile(studio.data(), "Moria's Race").write(encoded(kept)));
  studio.start();
  CHECK(studio.join("rigging")->name == "rigging (2)");
}

TEST_CASE("nobody comes back to a board that was restored from before what they have heard") {
  Studio studio;
  const TemporaryFolder elsewhere;
  const std::string project = "Moria's Race";
  REQUIRE(back_up(studio.data(), project, elsewhere.path() / "copy"));
  auto rigging = studio.join_resumable("rigging");
  const std::uint64_t heard = say(*rigging, "said after the backup", 1);
  studio.stop();
  std::filesystem::rename(studio.data() / folder_name(project) / "board.sqlite", elsewhere.path() / "old");
  REQUIRE(restore(elsewhere.path() / "copy", studio.data(), project));
  studio.start();
  auto back = studio.connect();
  REQUIRE(back->resume(*rigging, "rigging", heard));
  // Who went on would take what is said from now on for what it has heard.
  CHECK_FALSE(back->welcome.resumed);
}

TEST_CASE("a file of sessions that is damaged anywhere is refused, and the server starts without it") {
  KeptSessions kept;
  KeptSession one;
  one.id = SessionId{7};
  one.secret = sha256_of(UniqueId{1, 2});
  one.workstation = UniqueId{3, 4};
  one.user = {"rigging (2)", "rigging", "ws-07", true, {1000}, -5, 6};
  one.at = {"/dev/chr/Moria", {2000}};
  kept.sessions = {one, one};
  const Bytes good = encoded(kept);
  const auto read = kept_sessions_from(good);
  REQUIRE(read);
  REQUIRE(read->sessions.size() == 2);
  const KeptSession& back = read->sessions[1];
  CHECK(back.id == one.id);
  CHECK(back.secret == one.secret);
  CHECK(back.workstation == one.workstation);
  CHECK(back.user.name == "rigging (2)");
  CHECK(back.user.asked_name == "rigging");
  CHECK(back.user.host == "ws-07");
  CHECK(back.user.shares);
  CHECK(back.user.joined.ms == 1000);
  CHECK(back.user.camera_x == -5);
  CHECK(back.user.camera_y == 6);
  CHECK(back.at.item == "/dev/chr/Moria");
  CHECK(back.at.since.ms == 2000);
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{1};
    CHECK_FALSE(kept_sessions_from(bad));
    CHECK_FALSE(kept_sessions_from(ByteView(good).first(i)));
  }
  Studio studio;
  studio.stop();
  REQUIRE(SessionFile(studio.data(), "Moria's Race").write(ByteView(good).first(40)));
  studio.start();
  CHECK(studio.join("rigging")->name == "rigging");
}

}  // namespace callboard::away_test
