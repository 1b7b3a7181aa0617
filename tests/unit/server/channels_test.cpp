// Channels as the server sees them: who may be reached under which name, two tickets, one relay; and the ports that data
// connections are told to come to. Spoken by hand.
#include <catch2/catch.hpp>
#include <tuple>

#include "net/tcp_listener.h"
#include "server/server_channels.h"
#include "server/store/key_file.h"
#include "tests/unit/server/studio.h"

namespace callboard::server::channels_test {
namespace {

using Catch::Contains;

void offer(TestClient& client, const std::vector<protocol::ChannelOffer>& channels) {
  client.ask_for<protocol::Ok>(protocol::ChannelsAsk{0, channels});
}

protocol::ErrorAnswer refused(TestClient& client, const std::string& user, const std::string& name) {
  return client.ask_for<protocol::ErrorAnswer>(protocol::ChannelAsk{0, user, name});
}

protocol::ChannelGranted opened(TestClient& client, const std::string& user, const std::string& name) {
  return client.ask_for<protocol::ChannelGranted>(protocol::ChannelAsk{0, user, name});
}

// A data connection whose ticket was shown.
std::unique_ptr<TestClient> data_connection(Studio& studio, const net::Endpoint& at, UniqueId ticket) {
  auto data = std::make_unique<TestClient>(studio.loop, at);
  data->say(protocol::Ticket{ticket});
  return data;
}

struct TwoSides {
  Studio studio;
  std::unique_ptr<TestClient> lighting = studio.join("lighting");
  std::unique_ptr<TestClient> rigging = studio.join("rigging");
};

TEST_CASE("a channel goes to who offers it, and carries both ways what is said on it") {
  TwoSides here;
  offer(*here.lighting, {{"playblast"}, {"viewport"}});
  const auto granted = opened(*here.rigging, "lighting", "playblast");
  CHECK(granted.user == "lighting");
  CHECK(granted.session == here.lighting->session);
  CHECK_FALSE(granted.key);
  CHECK(granted.port == 0);
  const auto told = here.lighting->told<protocol::ChannelTell>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].transfer == granted.transfer);
  CHECK(told[0].by == "rigging");
  CHECK(told[0].name == "playblast");
  CHECK(told[0].ticket != granted.ticket);

  const auto at = here.studio.server->listening();
  const auto theirs = data_connection(here.studio, at, told[0].ticket);
  const auto ours = data_connection(here.studio, at, granted.ticket);
  theirs->expect<protocol::Ready>();
  ours->expect<protocol::Ready>();
  ours->say_bytes(Bytes(3, std::byte{'a'}));
  theirs->wait([&] { return theirs->data == "aaa"; });
  theirs->say_bytes(Bytes(2, std::byte{'b'}));
  ours->wait([&] { return ours->data == "bb"; });
  ours->close();
  theirs->close();
  std::vector<protocol::TransferOver> over;
  while (over.empty()) over = here.rigging->told<protocol::TransferOver>();
  CHECK(over.at(0).transfer == granted.transfer);
  CHECK(over.at(0).bytes == 5);
}

TEST_CASE("a channel is in the status, as one") {
  TwoSides here;
  offer(*here.lighting, {{"playblast"}});
  const auto granted = opened(*here.rigging, "lighting", "playblast");
  const auto status = here.rigging->ask_for<protocol::Status>(protocol::StatusAsk{});
  REQUIRE(status.transfers.size() == 1);
  CHECK(status.transfers[0].channel);
  CHECK(status.transfers[0].item == "/playblast");
  CHECK(status.transfers[0].giver == "lighting");
  CHECK(status.transfers[0].taker == "rigging");
  CHECK(status.transfers[0].transfer == granted.transfer);
}

TEST_CASE("nobody is told of a channel that is not to be had, and why is said") {
  TwoSides here;
  CHECK(refused(*here.rigging, "lighting", "playblast").text ==
        "\"lighting\" offers no channel \"playblast\"");
  offer(*here.lighting, {{"playblast"}});
  const auto other = refused(*here.rigging, "lighting", "viewport");
  CHECK(other.outcome == Outcome::not_found);
  CHECK(other.text == "\"lighting\" offers no channel \"viewport\"");
  const auto nobody = refused(*here.rigging, "layout", "playblast");
  CHECK(nobody.outcome == Outcome::not_found);
  CHECK(nobody.text == "nobody named \"layout\" is here");
  const auto oneself = refused(*here.lighting, "lighting", "playblast");
  CHECK(oneself.outcome == Outcome::usage);
  CHECK_THAT(oneself.text, Contains("yourself"));
  // What is offered later takes the place of what was.
  offer(*here.lighting, {});
  CHECK(refused(*here.rigging, "lighting", "playblast").outcome == Outcome::not_found);
  CHECK(here.lighting->told<protocol::ChannelTell>().empty());
}

TEST_CASE("who is away offers nothing, and is said to be away") {
  Studio studio;
  auto rigging = studio.join("rigging");
  auto lighting = studio.join_resumable("lighting");
  offer(*lighting, {{"playblast"}});
  studio.lose(*lighting, *rigging);
  const auto away = refused(*rigging, "lighting", "playblast");
  CHECK(away.outcome == Outcome::not_found);
  CHECK_THAT(away.text, Contains("is away"));
  // The offer was the connection's.
  auto back = studio.connect();
  REQUIRE(back->resume(*lighting, "lighting"));
  CHECK(refused(*rigging, "lighting", "playblast").text == "\"lighting\" offers no channel \"playblast\"");
}

TEST_CASE("a visit offers under its user's name, and the session comes first where both do") {
  TwoSides here;
  auto visit = here.studio.visit("lighting");
  offer(*visit, {{"playblast"}});
  CHECK(opened(*here.rigging, "lighting", "playblast").session == visit->session);
  CHECK(visit->told<protocol::ChannelTell>().size() == 1);
  offer(*here.lighting, {{"playblast"}});
  CHECK(opened(*here.rigging, "lighting", "playblast").session == here.lighting->session);
  // One's own visit is somebody else, where that offers it.
  offer(*here.lighting, {});
  CHECK(opened(*here.lighting, "lighting", "playblast").session == visit->session);
}

TEST_CASE("who does not take a channel says why, and that is what its opener hears") {
  TwoSides here;
  offer(*here.lighting, {{"playblast"}});
  const auto granted = opened(*here.rigging, "lighting", "playblast");
  const auto ours = data_connection(here.studio, here.studio.server->listening(), granted.ticket);
  const auto told = here.lighting->told<protocol::ChannelTell>().at(0);
  here.lighting->ask_for<protocol::Ok>(
      protocol::CancelAsk{0, told.transfer, Outcome::refused, "renders at the moment"});
  const auto bye = ours->expect<protocol::Bye>();
  CHECK(bye.outcome == Outcome::refused);
  CHECK(bye.reason == "\"lighting\": renders at the moment");
  const auto over = here.rigging->told<protocol::TransferOver>();
  REQUIRE(over.size() == 1);
  CHECK(over[0].outcome == Outcome::refused);
}

TEST_CASE("a channel ends when one of the two leaves, and when the server stops") {
  TwoSides here;
  offer(*here.lighting, {{"playblast"}});
  const auto granted = opened(*here.rigging, "lighting", "playblast");
  const auto at = here.studio.server->listening();
  const auto ours = data_connection(here.studio, at, granted.ticket);
  const auto theirs =
      data_connection(here.studio, at, here.lighting->told<protocol::ChannelTell>().at(0).ticket);
  ours->expect<protocol::Ready>();
  const bool is_stop = GENERATE(false, true);
  if (is_stop) {
    here.studio.stop();
    CHECK(here.rigging->expect<protocol::TransferOver>().text == "the server stops: the test is over");
  } else {
    here.lighting->close();
    CHECK(here.rigging->expect<protocol::TransferOver>().text == "\"lighting\" left");
    ours->wait([&] { return ours->is_ended(); });
  }
}

TEST_CASE("with keys both sides are told one for the channel, and roles say who may") {
  Studio studio;
  const KeyFile file(studio.data(), "Moria's Race");
  const AccessKey lighting_key = make_access_key(system_random());
  const AccessKey rigging_key = make_access_key(system_random());
  const AccessKey viewer_key = make_access_key(system_random());
  REQUIRE(file.update([&](KeyRing& ring) {
    for (const auto& [name, role, key] :
         {std::tuple("lighting", "artist", lighting_key), std::tuple("rigging", "artist", rigging_key),
          std::tuple("viewer", "viewer", viewer_key)}) {
      KeyEntry entry;
      entry.name = name;
      entry.role = role;
      entry.key = key;
      if (auto added = ring.add(entry); !added) return added;
    }
    return Result<void>();
  }));
  auto lighting = studio.connect(lighting_key);
  REQUIRE(lighting->join("lighting"));
  offer(*lighting, {{"playblast"}});
  auto rigging = studio.connect(rigging_key);
  REQUIRE(rigging->join("rigging"));
  const auto granted = opened(*rigging, "lighting", "playblast");
  REQUIRE(granted.key);
  CHECK(lighting->told<protocol::ChannelTell>().at(0).key == granted.key);
  auto viewer = studio.connect(viewer_key);
  REQUIRE(viewer->join("viewer"));
  CHECK_THAT(refused(*viewer, "lighting", "playblast").text, Contains("messages.write"));
  const auto no_offer = viewer->ask_for<protocol::ErrorAnswer>(protocol::ChannelsAsk{0, {{"playblast"}}});
  CHECK_THAT(no_offer.text, Contains("serve"));
}

TEST_CASE("a channel to the server that no plugin takes is not to be had") {
  Studio studio;
  auto rigging = studio.join("rigging");
  const auto none = refused(*rigging, "", "words");
  CHECK(none.outcome == Outcome::not_found);
  CHECK(none.text == "the server takes no channel \"words\"");
}

// --- The server's own end -------------------------------------------------------------------------------------------

struct OwnEnds {
  net::Loop loop;
  std::vector<Error> cancelled;
  ServerChannels channels{loop, [this](Transfers::Id, const Error& why) { cancelled.push_back(why); }};
  std::vector<ServerChannels::Taken> taken;
  Result<void> answer;

  Result<void> offer(const std::string& name, const std::string& permission = "") {
    return channels.offer({name, permission, [this](ServerChannels::Taken one) {
                             taken.push_back(std::move(one));
                             return answer;
                           }});
  }
};

TEST_CASE("the server's end of a channel is told who opened it, and is a socket to the relay") {
  OwnEnds ends;
  REQUIRE(ends.offer("words"));
  CHECK(ends.channels.check("words", Permissions()));
  ends.channels.expect(7, "words", "rigging", std::nullopt);
  auto socket = ends.channels.open(7);
  REQUIRE(socket);
  REQUIRE(ends.taken.size() == 1);
  CHECK(ends.taken[0].by == "rigging");
  net::DataSocket relay(std::move(*socket));
  REQUIRE(relay.write(as_bytes("hello")));
  Bytes heard(5);
  REQUIRE(ends.taken[0].line->socket.read_exactly(heard));
  CHECK(as_text(heard) == "hello");
  ends.channels.on_over(7, {Outcome::interrupted, "\"rigging\" left"});
  CHECK(ends.taken[0].line->cause_of({Outcome::interrupted, ""}).text == "\"rigging\" left");
  // It is over: nobody is told once more.
  ends.taken[0].line->abandon({Outcome::refused, "no"});
  ends.loop.run();
  CHECK(ends.cancelled.empty());
}

TEST_CASE("an end that is broken off ends its channel with the reason, unless nobody is there any more") {
  OwnEnds ends;
  REQUIRE(ends.offer("words"));
  ends.channels.expect(7, "words", "rigging", std::nullopt);
  REQUIRE(ends.channels.open(7));
  ends.taken[0].line->abandon({Outcome::refused, "renders at the moment"});
  CHECK(ends.loop.run_until([&] { return !ends.cancelled.empty(); }, kPatience));
  CHECK(ends.cancelled[0].text == "renders at the moment");
}

TEST_CASE("who cannot take a channel says why, and its socket is gone") {
  OwnEnds ends;
  REQUIRE(ends.offer("words"));
  ends.answer = Error{Outcome::refused, "has too many channels"};
  ends.channels.expect(7, "words", "rigging", std::nullopt);
  CHECK(ends.channels.open(7).error().text == "the server: has too many channels");
  CHECK(ends.taken[0].line->is_ended());
}

TEST_CASE("a channel of the server's has a name of its own, and may ask for a permission") {
  OwnEnds ends;
  REQUIRE(ends.offer("words", "words.count"));
  CHECK(ends.offer("words").error().outcome == Outcome::refused);
  CHECK(ends.offer("two\nlines").error().outcome == Outcome::usage);
  CHECK(ends.offer("others", "no such name").error().outcome == Outcome::usage);
  CHECK_THAT(ends.channels.check("words", Permissions()).error().text, Contains("words.count"));
  CHECK(ends.channels.check("words", Permissions::all()));
}

ServerOptions with_data_ports(const std::string& ports) {
  ServerOptions options;
  options.data_ports = PortChoice::from(ports).value();
  return options;
}

TEST_CASE(
    "the first free data port is taken and told with every ticket, and tickets are good at both ports") {
  // Somebody has the first.
  net::Loop loop;
  const auto taken = net::TcpListener::listen(loop, {"127.0.0.1", 0}, {}).value();
  const std::uint16_t first = taken->local().port;
  Studio studio(with_data_ports(">" + std::to_string(first)));
  const std::uint16_t port = studio.server->data_port();
  CHECK(port > first);
  auto lighting = studio.join("lighting");
  auto rigging = studio.join("rigging");
  offer(*lighting, {{"playblast"}});
  const bool is_channel = GENERATE(true, false);
  UniqueId ticket;
  UniqueId other_ticket;
  if (is_channel) {
    const auto granted = opened(*rigging, "lighting", "playblast");
    CHECK(granted.port == port);
    ticket = granted.ticket;
    const auto told = lighting->told<protocol::ChannelTell>().at(0);
    CHECK(told.port == port);
    other_ticket = told.ticket;
  } else {
    protocol::GetAsk get;
    get.user = "lighting";
    get.item = "/dev";
    const auto granted = rigging->ask_for<protocol::TransferGranted>(get);
    CHECK(granted.port == port);
    ticket = granted.ticket;
    const auto told = lighting->told<protocol::Give>().at(0);
    CHECK(told.port == port);
    other_ticket = told.ticket;
  }
  const auto at_data_port = data_connection(studio, {"127.0.0.1", port}, ticket);
  const auto at_session_port = data_connection(studio, studio.server->listening(), other_ticket);
  at_data_port->expect<protocol::Ready>();
  at_session_port->expect<protocol::Ready>();
}

TEST_CASE("a server none of whose data ports is free does not start, and makes no board") {
  Studio studio;
  auto options = studio.options();
  TemporaryFolder data;
  options.data = data.path();
  options.data_ports = PortChoice::from(std::to_string(studio.server->listening().port)).value();
  const auto another = studio.try_another(options);
  REQUIRE_FALSE(another);
  CHECK(another.error().outcome == Outcome::locked);
  CHECK_THAT(another.error().text, Contains("none of --data-ports"));
  CHECK(std::filesystem::is_empty(data.path()));
}

}  // namespace
}  // namespace callboard::server::channels_test
