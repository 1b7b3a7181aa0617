#include "server/server.h"

#include <catch2/catch.hpp>

#include "protocol/datagram.h"
#include "tests/unit/server/small_disk.h"
#include "tests/unit/server/studio.h"

namespace callboard::server_test {
using namespace callboard::server;
namespace {

protocol::DocumentWrite story(const std::string& text, Timestamp timestamp, std::uint64_t op) {
  protocol::DocumentWrite write;
  write.timestamp = timestamp;
  write.op = UniqueId{3, op};
  write.document = std::make_shared<const std::string>(text);
  return write;
}

Timestamp ago(std::int64_t ms) { return Timestamp{system_clock().wall().ms - ms}; }

protocol::GetAsk get(const std::string& user, bool newest = false) {
  protocol::GetAsk ask;
  ask.user = user;
  ask.newest = newest;
  ask.item = "/dev/chr/Moria";
  return ask;
}

std::vector<protocol::UserLeft> departures(const std::vector<protocol::Users>& tells) {
  std::vector<protocol::UserLeft> result;
  for (const auto& tell : tells) result.insert(result.end(), tell.left.begin(), tell.left.end());
  return result;
}

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

}  // namespace

TEST_CASE("two users of one name join and see one another under different names") {
  Studio studio;
  auto first = studio.join("rigging");
  auto second = studio.join("rigging");

  CHECK(first->name == "rigging");
  CHECK(second->name == "rigging (2)");
  const auto told = second->told<protocol::Users>();
  REQUIRE_FALSE(told.empty());
  CHECK(told[0].full);
  CHECK(told[0].users.size() == 2);
  const auto news = first->told<protocol::Users>();
  REQUIRE(news.size() == 2);
  CHECK_FALSE(news[1].full);
  REQUIRE(news[1].users.size() == 1);
  CHECK(news[1].users[0].name == "rigging (2)");
}

TEST_CASE("a workstation that joins again takes the place and the name of its lost session, told once") {
  Studio studio;
  auto witness = studio.join("lighting");
  auto lost = studio.join_from(UniqueId{1, 2}, "rigging");
  static_cast<void>(witness->told<protocol::Users>());
  auto again = studio.join_from(UniqueId{1, 2}, "rigging");
  CHECK(again->name == "rigging");
  const auto gone = departures(witness->told<protocol::Users>());
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].session == lost->session);
  CHECK(gone[0].name == "rigging");
  CHECK(gone[0].reason == "the same workstation joined again");
  const auto bye = lost->expect<protocol::Bye>();
  CHECK(bye.outcome == Outcome::superseded);
  CHECK(bye.reason == "the same workstation joined again");
  const auto present = witness->ask_for<protocol::Users>(protocol::UsersAsk{}).users;
  CHECK(present.size() == 2);
  // Who is pulled from is the one that is there.
  CHECK(witness->ask_for<protocol::TransferGranted>(get("rigging")).session == again->session);
}

TEST_CASE("another workstation, another name or none to tell takes nobody's place") {
  Studio studio;
  auto first = studio.join_from(UniqueId{1, 2}, "rigging");
  CHECK(studio.join_from(UniqueId{1, 3}, "rigging")->name == "rigging (2)");
  auto third = studio.join("rigging");
  CHECK(third->name.starts_with("rigging ("));
  auto other = studio.join_from(UniqueId{1, 2}, "lighting");
  CHECK(other->name == "lighting");
  CHECK_FALSE(first->is_ended());
  CHECK(first->ask_for<protocol::Users>(protocol::UsersAsk{}).users.size() >= 3);
}

TEST_CASE("a lost session's transfers end when its workstation is back") {
  Studio studio;
  auto taker = studio.join("lighting");
  auto lost = studio.join_from(UniqueId{1, 2}, "rigging");
  const auto granted = taker->ask_for<protocol::TransferGranted>(get("rigging"));
  auto again = studio.join_from(UniqueId{1, 2}, "rigging");
  const auto overs = taker->told<protocol::TransferOver>();
  REQUIRE(overs.size() == 1);
  CHECK(overs[0].transfer == granted.transfer);
  CHECK(overs[0].outcome == Outcome::interrupted);
}

TEST_CASE("a wrong project is turned away and leaves no trace") {
  Studio studio;
  auto member = studio.join("rigging");
  auto stranger = studio.connect();
  CHECK_FALSE(stranger->join("lighting", true, "Another Film"));
  studio.loop.run_until([&] { return stranger->is_ended(); }, kPatience);

  CHECK(member->ask_for<protocol::Users>(protocol::UsersAsk{}).users.size() == 1);
  CHECK(departures(member->told<protocol::Users>()).empty());
}

TEST_CASE("a story goes to everybody else once, and an older one loses with the winner as answer") {
  Studio studio;
  auto writer = studio.join("rigging");
  auto reader = studio.join("lighting");
  const auto won = writer->ask_for<protocol::DocumentState>(story("{\"acts\":[]}", ago(100), 1));
  CHECK(won.won);
  CHECK(won.document == nullptr);
  const auto lost = reader->ask_for<protocol::DocumentState>(story("{\"old\":1}", ago(5000), 2));

  CHECK_FALSE(lost.won);
  CHECK(lost.revision == won.revision);
  REQUIRE(lost.document != nullptr);
  CHECK(*lost.document == "{\"acts\":[]}");
  const auto told = reader->told<protocol::DocumentState>();
  REQUIRE(told.size() == 2);  // The join's result, and the change.
  CHECK(*told[1].document == "{\"acts\":[]}");
  CHECK(told[1].by == "rigging");
  CHECK(writer->told<protocol::DocumentState>().size() == 1);

  auto late = studio.join("compositing");
  CHECK(*late->told<protocol::DocumentState>().at(0).document == "{\"acts\":[]}");
}

TEST_CASE("the same write again gets the same answer, and a document that is no JSON is refused") {
  Studio studio;
  auto writer = studio.join("rigging");
  const auto write = story("[1]", ago(100), 1);
  const auto first = writer->ask_for<protocol::DocumentState>(write);
  const auto newer = writer->ask_for<protocol::DocumentState>(story("[2]", ago(10), 2));
  const auto again = writer->ask_for<protocol::DocumentState>(write);

  CHECK(newer.revision > first.revision);
  CHECK(again.won);
  CHECK(again.revision == first.revision);
  CHECK(again.timestamp == first.timestamp);
  const auto refused = writer->ask_for<protocol::ErrorAnswer>(story("{\"acts\":", ago(0), 3));
  CHECK(refused.outcome == Outcome::usage);
  CHECK(writer->ask_for<protocol::DocumentState>(protocol::DocumentRead{}).revision == newer.revision);
}

TEST_CASE("a timestamp in the server's future is brought back to now") {
  Studio studio;
  auto writer = studio.join("rigging");
  const auto state = writer->ask_for<protocol::DocumentState>(story("1", ago(-3'600'000), 1));
  CHECK(state.timestamp <= system_clock().wall());
}

TEST_CASE("messages are numbered, told to the others and can be read again") {
  Studio studio;
  auto speaker = studio.join("rigging");
  auto listener = studio.join("lighting");
  protocol::MessageAsk ask;
  ask.text = "Moria is ready";
  ask.op = UniqueId{1, 1};
  CHECK(speaker->ask_for<protocol::Ok>(ask).number == 1);
  CHECK(speaker->ask_for<protocol::Ok>(ask).number == 1);
  auto visitor = studio.visit("render");
  ask.op = UniqueId{1, 2};
  CHECK(visitor->ask_for<protocol::Ok>(ask).number == 2);

  std::vector<std::string> users;
  for (const auto& tell : listener->told<protocol::Messages>()) {
    for (const auto& message : tell.messages) users.push_back(message.user);
  }
  CHECK(users == std::vector<std::string>{"rigging", "render"});
  protocol::MessagesAsk read;
  read.since = 1;
  const auto messages = speaker->ask_for<protocol::Messages>(read);
  CHECK(messages.last == 2);
  REQUIRE(messages.messages.size() == 1);
  CHECK(messages.messages[0].user == "render");
  auto late = studio.join("late");
  REQUIRE(late->told<protocol::Messages>().size() == 1);
  CHECK(late->told<protocol::Messages>()[0].messages.size() == 2);
}

TEST_CASE("what somebody works on is told, remembered for those who come later, and settable by a visit") {
  Studio studio;
  auto worker = studio.join("rigging");
  auto other = studio.join("lighting");
  worker->ask_for<protocol::Ok>(protocol::AtAsk{0, "/dev/chr/Moria"});
  const auto told = other->told<protocol::AtTell>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].user == "rigging");
  CHECK(told[0].item == "/dev/chr/Moria");
  CHECK(worker->told<protocol::AtTell>().empty());

  auto command = studio.visit("rigging");
  command->ask_for<protocol::Ok>(protocol::AtAsk{0, "/rnd"});
  auto late = studio.join("late");
  const auto everybody = late->told<protocol::Users>().at(0);
  for (const auto& user : everybody.users) {
    CHECK(user.at == (user.name == "rigging" ? "/rnd" : ""));
  }
  auto unknown = studio.visit("nobody");
  CHECK(unknown->ask_for<protocol::ErrorAnswer>(protocol::AtAsk{0, "/rnd"}).outcome == Outcome::not_found);
}

TEST_CASE("a camera that moves all the time is told now and then, and where it came to rest") {
  Studio studio;
  auto mover = studio.join("rigging");
  auto other = studio.join("lighting");
  for (std::int64_t i = 1; i <= 50; ++i) mover->ask_for<protocol::Ok>(protocol::CameraAsk{0, i, -i});
  const auto x_of_mover = [&] {
    const auto everybody = other->ask_for<protocol::Users>(protocol::UsersAsk{});
    for (const auto& user : everybody.users) {
      if (user.name == "rigging") return user.camera.x;
    }
    return std::int64_t{0};
  };
  while (x_of_mover() != 50) {
  }
  CHECK(other->told<protocol::Users>().size() < 50);
}

TEST_CASE("leaving is told exactly once, and the next newest copy takes over") {
  Studio studio;
  auto leaver = studio.join("rigging");
  auto stays = studio.join("lighting");
  auto watcher = studio.join("compositing");
  protocol::AssetsChange copies;
  copies.items["/dev/chr/Moria"] = ago(1000);
  leaver->ask_for<protocol::Ok>(copies);
  copies.items["/dev/chr/Moria"] = ago(9000);
  stays->ask_for<protocol::Ok>(copies);
  CHECK(watcher->ask_for<protocol::Assets>(protocol::AssetsRead{}).items.at("/dev/chr/Moria")->user ==
        "rigging");
  leaver->close();
  REQUIRE(watcher->comes_to_see(2));
  watcher->ask_for<protocol::Ok>(protocol::AtAsk{0, "/pln"});

  const auto left = departures(watcher->told<protocol::Users>());
  REQUIRE(left.size() == 1);
  CHECK(left[0].session == leaver->session);
  CHECK(left[0].name == "rigging");
  CHECK(departures(stays->told<protocol::Users>()).size() == 1);
  const auto assets = watcher->told<protocol::Assets>();
  REQUIRE_FALSE(assets.empty());
  CHECK(assets.back().items.at("/dev/chr/Moria")->user == "lighting");
}

TEST_CASE("a visit stands in no list but the status") {
  Studio studio;
  auto member = studio.join("rigging");
  auto visitor = studio.visit("lighting");
  CHECK(member->ask_for<protocol::Users>(protocol::UsersAsk{}).users.size() == 1);
  const auto status = visitor->ask_for<protocol::Status>(protocol::StatusAsk{});
  CHECK(status.sessions == 1);
  CHECK(status.visits == 1);
  CHECK(status.connections == 2);
  CHECK(status.project == "Moria's Race");
  CHECK(status.memory > 0);
  CHECK(visitor->told<protocol::Users>().empty());
}

TEST_CASE(
    "a pull from nobody, from oneself, from who shares nothing and of what nobody has is answered clearly") {
  Studio studio;
  auto taker = studio.join("rigging");
  auto silent = studio.join("lighting", false);
  const auto unknown = taker->ask_for<protocol::ErrorAnswer>(get("nobody"));
  CHECK(unknown.outcome == Outcome::not_found);
  CHECK(unknown.text == "nobody named \"nobody\" is here");
  CHECK(taker->ask_for<protocol::ErrorAnswer>(get("rigging")).outcome == Outcome::usage);
  const auto refused = taker->ask_for<protocol::ErrorAnswer>(get("lighting"));
  CHECK(refused.outcome == Outcome::refused);
  CHECK(refused.text == "\"lighting\" shares nothing");
  CHECK(taker->ask_for<protocol::ErrorAnswer>(get("", true)).outcome == Outcome::not_found);
}

TEST_CASE("the newest copy of an enclosing item is pulled, of those who share") {
  Studio studio;
  auto taker = studio.join("rigging");
  auto older = studio.join("lighting");
  auto newest_but_silent = studio.join("render", false);
  protocol::AssetsChange copies;
  copies.items["/dev/chr"] = ago(9000);
  older->ask_for<protocol::Ok>(copies);
  copies.items["/dev/chr"] = ago(10);
  newest_but_silent->ask_for<protocol::Ok>(copies);
  CHECK(taker->ask_for<protocol::TransferGranted>(get("", true)).user == "lighting");
  copies.items["/dev/chr"] = ago(5);
  taker->ask_for<protocol::Ok>(copies);
  CHECK(taker->ask_for<protocol::ErrorAnswer>(get("", true)).outcome == Outcome::superseded);
}

TEST_CASE(
    "two transfers in opposite directions run at once between the same two, and both learn their ends") {
  Studio studio;
  auto a = studio.join("rigging");
  auto b = studio.join("lighting");
  const auto to_a = a->ask_for<protocol::TransferGranted>(get("lighting"));
  const auto to_b = b->ask_for<protocol::TransferGranted>(get("rigging"));
  const auto give_b = b->told<protocol::Give>().at(0);
  const auto give_a = a->told<protocol::Give>().at(0);
  CHECK(give_b.user == "rigging");
  CHECK(give_b.item == "/dev/chr/Moria");
  const auto open = [&](UniqueId ticket) {
    auto connection = studio.connect();
    connection->say(protocol::Ticket{ticket});
    return connection;
  };
  auto taker_a = open(to_a.ticket);
  taker_a->say_bytes(bytes_of("wants"));
  auto giver_b = open(give_b.ticket);
  auto giver_a = open(give_a.ticket);
  auto taker_b = open(to_b.ticket);
  for (auto* connection : {taker_a.get(), giver_b.get(), giver_a.get(), taker_b.get()}) {
    connection->expect<protocol::Ready>();
  }
  giver_b->say_bytes(bytes_of(std::string(300'000, 'b')));
  giver_a->say_bytes(bytes_of("from a"));
  taker_a->wait([&] {
    return taker_a->data.size() == 300'000 && taker_b->data == "from a" && giver_b->data == "wants";
  });
  CHECK(a->ask_for<protocol::Status>(protocol::StatusAsk{}).transfers.size() == 2);

  auto reused = open(to_a.ticket);
  CHECK(reused->expect<protocol::Bye>().outcome == Outcome::refused);
  auto forged = open(UniqueId{1, 1});
  CHECK(forged->expect<protocol::Bye>().outcome == Outcome::refused);

  for (auto* connection : {taker_a.get(), giver_b.get(), giver_a.get(), taker_b.get()}) connection->close();
  for (auto* side : {a.get(), b.get()}) {
    while (side->told<protocol::TransferOver>().size() < 2) {
    }
  }
  for (const auto& over : a->told<protocol::TransferOver>()) {
    if (over.transfer == to_a.transfer) CHECK(over.bytes == 300'000);
  }
  CHECK(a->ask_for<protocol::Status>(protocol::StatusAsk{}).transfers.empty());
}

TEST_CASE("a giver who leaves ends the transfer, and the taker is told by name") {
  Studio studio;
  auto taker = studio.join("rigging");
  auto giver = studio.join("lighting");
  const auto granted = taker->ask_for<protocol::TransferGranted>(get("lighting"));
  auto data = studio.connect();
  data->say(protocol::Ticket{granted.ticket});
  data->expect<protocol::Greeting>();
  giver->close();
  while (taker->told<protocol::TransferOver>().empty()) {
  }

  const auto over = taker->told<protocol::TransferOver>();
  REQUIRE(over.size() == 1);
  CHECK(over[0].transfer == granted.transfer);
  CHECK(over[0].outcome == Outcome::interrupted);
  CHECK(over[0].text == "\"lighting\" left");
  CHECK(data->expect<protocol::Bye>().reason == "\"lighting\" left");
}

TEST_CASE("a transfer that is cancelled before its giver heard of it is told to the taker alone") {
  Studio studio;
  auto taker = studio.join("rigging");
  auto giver = studio.join("lighting");
  giver->say(protocol::TurnRequest{});
  giver->expect<protocol::Yours>();  // It has the turn, so nothing can be told to it.
  const auto granted = taker->ask_for<protocol::TransferGranted>(get("lighting"));
  taker->ask_for<protocol::Ok>(protocol::CancelAsk{0, granted.transfer});
  CHECK(taker->told<protocol::TransferOver>().at(0).outcome == Outcome::cancelled);
  giver->say(protocol::Yours{});
  CHECK(giver->told<protocol::Give>().empty());
  CHECK(giver->told<protocol::TransferOver>().empty());
}

TEST_CASE("who speaks out of turn, or garbage, is sent off with the reason and costs nobody else anything") {
  Studio studio;
  auto good = studio.join("lighting");
  auto hasty = studio.join("rigging");
  hasty->told<protocol::Users>();
  hasty->say(protocol::UsersAsk{7});
  CHECK(hasty->expect<protocol::Bye>().reason.find("out of turn") != std::string::npos);
  auto garbage = studio.connect();
  garbage->say_bytes(bytes_of("GET / HTTP/1.1\r\n\r\n"));
  garbage->expect<protocol::Bye>();
  CHECK_FALSE(garbage->next());
  CHECK(good->comes_to_see(1));
}

TEST_CASE("a session that does not read is told the newest story once it does, not every one on the way") {
  Studio studio;
  auto writer = studio.join("rigging");
  auto slow = studio.join("lighting");
  slow->told<protocol::Users>();
  slow->heard.clear();
  slow->pause_reading();
  const std::string filler(1 << 20, 'x');
  for (std::uint64_t i = 1; i <= 24; ++i) {
    writer->ask_for<protocol::DocumentState>(story("\"" + std::to_string(i) + filler + "\"", ago(0), i));
  }
  slow->resume_reading();
  std::string newest;
  std::size_t count = 0;
  while (newest.rfind("\"24x", 0) != 0) {
    newest = *slow->expect<protocol::DocumentState>().document;
    ++count;
  }
  CHECK(count < 20);
}

TEST_CASE("silent connections and too many strangers are closed, and members are not") {
  ServerOptions options;
  options.door.unadmitted = 4;
  options.handshake_limit = 1s;
  Studio studio(options);
  auto member = studio.join("rigging");
  std::vector<std::unique_ptr<TestClient>> strangers;
  for (int i = 0; i < 6; ++i) strangers.push_back(studio.connect());
  std::size_t greeted = 0;
  for (auto& stranger : strangers)
    greeted += std::holds_alternative<protocol::Greeting>(stranger->next().value()) ? 1U : 0U;
  CHECK(greeted == 4);
  for (auto& stranger : strangers) {
    studio.loop.run_until([&] { return stranger->is_ended(); }, kPatience);
    CHECK(stranger->is_ended());
  }
  CHECK(member->ask_for<protocol::Status>(protocol::StatusAsk{}).connections == 1);
}

TEST_CASE("a disk that is full refuses writes with the reason, and the server goes on until it clears") {
  Studio studio;
  auto writer = studio.join("rigging");
  const auto large = story("\"" + std::string(300'000, 'x') + "\"", ago(10), 1);
  {
    SmallDisk disk(64 * 1024);
    const auto refused = writer->ask_for<protocol::ErrorAnswer>(large);
    CHECK(refused.outcome == Outcome::failed);
    CHECK(refused.text.rfind("write to the project's log", 0) == 0);
    CHECK(writer->ask_for<protocol::DocumentState>(protocol::DocumentRead{}).revision == 0);
  }
  CHECK(writer->ask_for<protocol::DocumentState>(large).won);
}

TEST_CASE("a list too long for the loop is read in its place among other asks") {
  Studio studio;
  auto member = studio.join("rigging");
  auto watcher = studio.join("lighting");
  protocol::AssetsChange copies;
  for (int i = 0; i < 5000; ++i) copies.items["/rnd/scene-01/shot-" + std::to_string(i)] = ago(i);
  member->ask_for<protocol::Ok>(copies);
  CHECK(member->ask_for<protocol::Assets>(protocol::AssetsRead{}).items.size() == 5000);
  std::size_t told = 0;
  while (told < 5000) {
    told = 0;
    for (const auto& tell : watcher->told<protocol::Assets>()) told += tell.items.size();
  }
  CHECK(told == 5000);
  member->close();
  while (!watcher->ask_for<protocol::Assets>(protocol::AssetsRead{}).items.empty()) {
  }
}

TEST_CASE("the board comes back after a stop") {
  Studio studio;
  {
    auto writer = studio.join("rigging");
    writer->ask_for<protocol::DocumentState>(story("{\"kept\":true}", ago(10), 1));
    protocol::MessageAsk message;
    message.text = "kept too";
    message.op = UniqueId{1, 1};
    writer->ask_for<protocol::Ok>(message);
  }
  studio.stop();
  studio.start();
  auto reader = studio.join("lighting");
  CHECK(*reader->told<protocol::DocumentState>().at(0).document == "{\"kept\":true}");
  CHECK(*reader->ask_for<protocol::DocumentState>(protocol::DocumentRead{}).document == "{\"kept\":true}");
  CHECK(reader->ask_for<protocol::Messages>(protocol::MessagesAsk{}).last == 1);
}

TEST_CASE("a server that is cut off in the middle loses nothing it acknowledged") {
  Studio studio;
  auto writer = studio.join("rigging");
  writer->ask_for<protocol::DocumentState>(story("[7]", ago(10), 1));
  writer->say(protocol::TurnRequest{});
  writer->expect<protocol::Yours>();
  auto unanswered = story("[8]", ago(0), 2);
  unanswered.id = 900;
  writer->say(unanswered);
  studio.loop.run_until([] { return false; }, 1ms);
  studio.server.reset();
  while (writer->next()) {
  }
  studio.start();
  auto reader = studio.join("lighting");
  const std::string kept = *reader->ask_for<protocol::DocumentState>(protocol::DocumentRead{}).document;
  CHECK((kept == "[7]" || kept == "[8]"));
}

TEST_CASE("a second server of one project and data folder is refused and told which process has it") {
  Studio studio;
  const auto second = studio.try_another();
  REQUIRE_FALSE(second);
  CHECK(second.error().outcome == Outcome::refused);
  CHECK(second.error().text.find("in use by process") != std::string::npos);
  auto member = studio.join("rigging");
  CHECK(member->ask_for<protocol::Status>(protocol::StatusAsk{}).sessions == 1);
}

TEST_CASE("a server that stops ends its transfers, says so to both and only then says goodbye") {
  Studio studio;
  auto taker = studio.join("rigging");
  auto giver = studio.join("lighting");
  const auto granted = taker->ask_for<protocol::TransferGranted>(get("lighting"));
  auto giving = studio.connect();
  giving->say(protocol::Ticket{giver->told<protocol::Give>().at(0).ticket});
  auto taking = studio.connect();
  taking->say(protocol::Ticket{granted.ticket});
  giving->expect<protocol::Ready>();
  taking->expect<protocol::Ready>();
  studio.server->stop("lunch");
  for (auto* side : {taker.get(), giver.get()}) {
    const auto over = side->expect<protocol::TransferOver>();
    CHECK(over.outcome == Outcome::interrupted);
    CHECK(over.text == "the server stops: lunch");
    CHECK(side->expect<protocol::Bye>().reason == "lunch");
    CHECK_FALSE(side->next());
  }
  taking->wait([&] { return giving->is_ended() && taking->is_ended() && studio.stopped; });
}

TEST_CASE("a server announces itself, answers searches and obeys an abort for its project") {
  ServerOptions options;
  options.broadcast_log = true;
  Studio studio(options);
  auto member = studio.join("rigging");
  std::vector<protocol::Datagram> answers;
  auto searcher = *net::UdpSocket::open(studio.loop, {.at = {"0.0.0.0", 0}, .shares_port = false},
                                        {.on_datagram =
                                             [&](ByteView bytes, const net::Endpoint&) {
                                               if (auto one = protocol::parse_datagram(bytes))
                                                 answers.push_back(*one);
                                             },
                                         .on_trouble = {}});
  const auto send = [&](const protocol::Datagram& datagram) {
    const std::string text = protocol::format(datagram);
    REQUIRE(searcher->send(studio.broadcast(), as_bytes(text)));
  };
  member->wait([&] { return !studio.broadcasts.empty(); });
  CHECK(std::holds_alternative<protocol::Announcement>(studio.broadcasts[0]));

  send(protocol::Search{"Another Film"});
  send(protocol::Search{"Moria's Race"});
  member->wait([&] { return !answers.empty(); });
  REQUIRE(answers.size() == 1);
  const auto found = std::get<protocol::Announcement>(answers[0]);
  CHECK(found.address == "127.0.0.1");
  CHECK(found.port == studio.server->listening().port);
  CHECK(found.id == studio.server->id());
  CHECK(found.project == "Moria's Race");

  send(protocol::Abort{"Another Film"});
  send(protocol::Abort{});
  const auto bye = member->expect<protocol::Bye>();
  CHECK(bye.outcome == Outcome::cancelled);
  CHECK(bye.reason == "stopped by an abort from 127.0.0.1");
  member->wait([&] { return studio.stopped.has_value(); });
  CHECK(studio.stopped->reason == bye.reason);
  REQUIRE(answers.size() == 2);
  CHECK(std::get<protocol::AbortAcknowledged>(answers[1]).id == studio.server->id());
  studio.server.reset();
  const bool heard_connected =
      std::any_of(studio.broadcasts.begin(), studio.broadcasts.end(), [](const auto& one) {
        const auto* line = std::get_if<protocol::TerminalLine>(&one);
        return line != nullptr && line->user == "rigging" && line->text == "connected";
      });
  CHECK(heard_connected);
}

}  // namespace callboard::server_test
