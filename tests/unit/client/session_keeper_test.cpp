#include "client/session_keeper.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "protocol/codec.h"
#include "protocol/server_asks.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/client/keeper_place.h"

namespace callboard::client::session_keeper_test {
namespace {

// Answers every ask for the users with nobody.
void answer_users(FakeSession& session, const protocol::ClientMessage& message) {
  if (const auto* ask = std::get_if<protocol::UsersAsk>(&message)) {
    protocol::Users users;
    users.re = ask->id;
    users.full = true;
    FakeServer::say(session, users);
  }
}

TEST_CASE("a workstation joins, asks and is answered") {
  Place here;
  here.server.on_ask = answer_users;
  here.start();
  here.until([&] { return here.joins == 1; });
  here.ask();
  here.until([&] { return here.answers.size() == 1; });
  CHECK(here.answers[0]);
  CHECK(here.endings.empty());
  CHECK(here.keeper->connection()->peer() == here.server.at());
}

TEST_CASE("a workstation without a key speaks first: a server with keys does not") {
  Place here;
  here.server.greets = false;
  here.start();
  here.until([&] { return !here.server.sessions().empty() && here.server.session().has_knocked; });
  CHECK(here.server.session().heard.empty());
}

TEST_CASE("asks made before the join are answered after it, in their order") {
  Place here;
  std::vector<protocol::AskId> asked;
  here.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    CHECK(session.is_joined);
    asked.push_back(std::get<protocol::UsersAsk>(message).id);
    answer_users(session, message);
  };
  here.start();
  here.ask();
  here.ask();
  here.until([&] { return here.answers.size() == 2; });
  CHECK(here.answers[0]);
  CHECK(here.answers[1]);
  REQUIRE(asked.size() == 2);
  CHECK(asked[0] < asked[1]);
}

TEST_CASE("a lost connection is told and followed by another join") {
  Place here;
  here.start();
  here.until([&] { return here.server.has_joined(); });
  here.until([&] { return here.joins == 1; });
  here.server.session().connection.reset();
  here.until([&] { return here.joins == 2; });
  REQUIRE(here.endings.size() == 1);
  CHECK(here.endings[0].will_rejoin);
  CHECK(here.endings[0].why.outcome != Outcome::done);
}

TEST_CASE("asks without an answer at the loss are asked again, in their order, before what waited") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  here.ask();
  here.ask(protocol::StatusAsk{});
  here.until([&] { return here.server.session().last<protocol::StatusAsk>() != nullptr; });
  std::vector<std::string> asked;
  here.server.on_ask = [&](FakeSession& session, const protocol::ClientMessage& message) {
    asked.emplace_back(protocol::verb_of(message));
    FakeServer::say(session, protocol::Ok{*protocol::ask_id_of(message), std::nullopt});
  };
  here.server.session().connection.reset();
  here.until([&] { return !here.endings.empty(); });
  here.ask(protocol::MessagesAsk{});
  here.until([&] { return here.answers.size() == 3; });
  here.settle();
  CHECK(asked == std::vector<std::string>{"users", "status", "messages"});
  CHECK(here.answers.size() == 3);
  for (const auto& answer : here.answers) CHECK(answer);
}

TEST_CASE(
    "where the next join is refused, what was asked ends as that, and what was written as interrupted") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  here.ask();
  here.ask(protocol::MessageAsk{0, "hello", UniqueId{1, 2}});
  here.until([&] { return here.server.session().last<protocol::MessageAsk>() != nullptr; });
  here.server.is_other_project = true;
  here.server.session().connection.reset();
  here.until([&] { return here.endings.size() == 2; });
  here.settle();
  REQUIRE(here.answers.size() == 2);
  CHECK(here.answers[0].error().outcome == Outcome::refused);
  CHECK(here.answers[1].error().outcome == Outcome::interrupted);
  CHECK(here.answers[1].error().text == here.endings[1].why.text);
}

TEST_CASE("what belongs to the lost connection alone is not asked again") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  here.ask(protocol::AssetsChange{0, {{"/dev/chr/Moria", Timestamp{1}}}});
  here.ask(protocol::CancelAsk{0, 7});
  here.until([&] { return here.server.session().last<protocol::CancelAsk>() != nullptr; });
  here.server.session().connection.reset();
  here.until([&] { return here.joins == 2; });
  here.settle();
  REQUIRE(here.answers.size() == 2);
  CHECK(here.answers[0].error().outcome == Outcome::interrupted);
  CHECK(here.answers[1].error().outcome == Outcome::interrupted);
  CHECK(here.server.session(1).last<protocol::CancelAsk>() == nullptr);
}

TEST_CASE("a write that is asked again keeps its operation's id") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  here.ask(protocol::MessageAsk{0, "hello", UniqueId{1, 2}});
  here.until([&] { return here.server.session().last<protocol::MessageAsk>() != nullptr; });
  here.server.session().connection.reset();
  here.until([&] {
    return here.server.sessions().size() == 2 &&
           here.server.session(1).last<protocol::MessageAsk>() != nullptr;
  });
  CHECK(here.server.session(1).last<protocol::MessageAsk>()->op == UniqueId{1, 2});
  CHECK(here.answers.empty());
}

TEST_CASE("a session comes back as the one it was, with what it has heard") {
  Place here;
  here.server.secret = UniqueId{8, 8};
  here.start();
  here.until([&] { return here.joins == 1; });
  const auto* first = here.server.session().last<protocol::Username>();
  CHECK(first->resumable);
  CHECK_FALSE(first->resume);
  FakeServer::say(
      here.server.session(),
      protocol::Messages{std::nullopt, {{41, "lighting", "a", {}}, {42, "lighting", "b", {}}}, 50});
  here.settle();
  for (std::size_t i = 0; i < 2; ++i) {
    here.server.session(i).connection.reset();
    here.until([&] { return here.joins == static_cast<int>(i) + 2; });
    const auto* again = here.server.session(i + 1).last<protocol::Username>();
    CHECK(again->resume == SessionId{7});
    CHECK(again->secret == UniqueId{8, 8});
    CHECK(again->heard == 42);
  }
  // To another server it is nobody: it goes on as what that one makes of it.
  here.server.secret = UniqueId{9, 9};
  here.server.session(2).connection.reset();
  here.until([&] { return here.joins == 4; });
  here.server.session(3).connection.reset();
  here.until([&] { return here.joins == 5; });
  CHECK(here.server.session(4).last<protocol::Username>()->secret == UniqueId{9, 9});
  CHECK(here.server.session(4).last<protocol::Username>()->heard == 0);
}

TEST_CASE("with a server that keeps no sessions, and as a visit, nobody says to come back as anybody") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  here.server.session().connection.reset();
  here.until([&] { return here.joins == 2; });
  CHECK_FALSE(here.server.session(1).last<protocol::Username>()->resume);
  Place visit;
  visit.options.identity.visit = true;
  visit.start();
  visit.until([&] { return visit.joins == 1; });
  CHECK_FALSE(visit.server.session().last<protocol::Username>()->resumable);
}

TEST_CASE("asks made while the server's goodbye is under way are for the next session") {
  Place here;
  here.server.on_ask = answer_users;
  here.start();
  here.until([&] { return here.joins == 1; });
  FakeServer::say(here.server.session(), protocol::Bye{Outcome::done, "restarting"});
  here.until([&] { return here.keeper->connection() && here.keeper->connection()->is_over(); });
  here.ask();
  CHECK(here.answers.empty());
  here.server.session().connection.reset();
  here.until([&] { return here.answers.size() == 1; });
  CHECK(here.answers[0]);
  CHECK(here.server.session(1).last<protocol::UsersAsk>() != nullptr);
}

TEST_CASE(
    "a session whose workstation has joined anew, or that the server wants to go for good, does not come "
    "back") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  const auto bye = GENERATE(protocol::Bye{Outcome::superseded, "joined again", false},
                            protocol::Bye{Outcome::refused, "kicked", true});
  FakeServer::say(here.server.session(), bye);
  here.until([&] { return here.keeper->connection() && here.keeper->connection()->is_over(); });
  here.server.session().connection.reset();
  here.until([&] { return !here.endings.empty(); });
  here.settle();
  REQUIRE(here.endings.size() == 1);
  CHECK_FALSE(here.endings[0].will_rejoin);
  CHECK(here.endings[0].why.outcome == bye.outcome);
  CHECK(here.server.sessions().size() == 1);
}

TEST_CASE("what was only read, and not answered, is interrupted when the workstation joins anew") {
  const auto& [bye, outcome] = GENERATE(
      table<protocol::Bye, Outcome>({{{Outcome::superseded, "joined again", false}, Outcome::interrupted},
                                     {{Outcome::refused, "kicked", true}, Outcome::refused}}));
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  here.ask();
  here.until([&] { return here.server.session().last<protocol::UsersAsk>() != nullptr; });
  FakeServer::say(here.server.session(), bye);
  here.until([&] { return here.keeper->connection() && here.keeper->connection()->is_over(); });
  here.server.session().connection.reset();
  here.until([&] { return here.answers.size() == 1; });
  REQUIRE_FALSE(here.answers[0]);
  CHECK(here.answers[0].error().outcome == outcome);
  CHECK(here.answers[0].error().text == bye.reason);
}

// --- Sent to another server -----------------------------------------------------------------------------------------

// The session says goodbye, and where to.
void send_to(Place& here, FakeServer& from, std::size_t session, const net::Endpoint& to) {
  FakeServer::say(from.session(session),
                  protocol::Bye{Outcome::interrupted, "\"lead\" sent you there", true, net::to_text(to)});
  here.until([&] { return here.keeper->connection() && here.keeper->connection()->is_over(); });
  from.session(session).connection.reset();
}

TEST_CASE("a session that is sent to another server joins there as a new one, and comes back to that one") {
  Place here;
  FakeServer other(here.loop);
  here.server.secret = UniqueId{8, 8};
  other.run = UniqueId{2, 2};
  here.start();
  here.until([&] { return here.joins == 1; });
  send_to(here, here.server, 0, other.at());
  here.until([&] { return here.joins == 2; });
  REQUIRE(here.endings.size() == 1);
  CHECK(here.endings[0].will_rejoin);
  CHECK(here.endings[0].why.text == "\"lead\" sent you there");
  CHECK(here.keeper->server() == other.at());
  CHECK_FALSE(other.session().last<protocol::Username>()->resume);
  other.session().connection.reset();
  here.until([&] { return here.joins == 3; });
  CHECK(other.sessions().size() == 2);
  CHECK(here.server.sessions().size() == 1);
}

TEST_CASE("a session that cannot join where it is sent to ends, and says where that was") {
  Place here;
  std::optional<FakeServer> other(std::in_place, here.loop);
  const net::Endpoint at = other->at();
  const bool is_other_project = GENERATE(true, false);
  if (is_other_project) {
    other->is_other_project = true;
  } else {
    other.reset();
  }
  here.start();
  here.until([&] { return here.joins == 1; });
  send_to(here, here.server, 0, at);
  here.until([&] { return here.endings.size() == 2; });
  here.settle();
  CHECK_FALSE(here.endings[1].will_rejoin);
  CHECK_THAT(here.endings[1].why.text, Catch::StartsWith("sent to " + net::to_text(at) + ": "));
  CHECK(here.server.sessions().size() == 1);
}

TEST_CASE("servers that send a session to each other do not do so for ever") {
  Place here;
  FakeServer other(here.loop);
  here.start();
  here.until([&] { return here.joins == 1; });
  for (int hop = 0; hop < SessionKeeper::kHopsMax; ++hop) {
    FakeServer& from = hop % 2 == 0 ? here.server : other;
    FakeServer& to = hop % 2 == 0 ? other : here.server;
    send_to(here, from, static_cast<std::size_t>(hop / 2), to.at());
    here.until([&] { return here.joins == hop + 2; });
  }
  send_to(here, other, 1, here.server.at());
  here.until([&] { return here.endings.size() == SessionKeeper::kHopsMax + 1; });
  CHECK_FALSE(here.endings.back().will_rejoin);
}

TEST_CASE("a single command, and who does not rejoin, are not sent anywhere") {
  Place here;
  FakeServer other(here.loop);
  here.options.rejoin = false;
  here.start();
  here.until([&] { return here.joins == 1; });
  send_to(here, here.server, 0, other.at());
  here.until([&] { return here.endings.size() == 1; });
  here.settle();
  CHECK_FALSE(here.endings[0].will_rejoin);
  CHECK(other.sessions().empty());
}

TEST_CASE("each join from a folder tells the same workstation, and a visit from it tells none") {
  const support::TempDir folder;
  Place here;
  here.options.folder = folder.path().string();
  here.start();
  here.until([&] { return here.joins == 1; });
  here.server.session().connection.reset();
  here.until([&] { return here.joins == 2; });
  const auto* first = here.server.session(0).last<protocol::Username>();
  const auto* second = here.server.session(1).last<protocol::Username>();
  REQUIRE(first != nullptr);
  REQUIRE(second != nullptr);
  CHECK(first->workstation);
  CHECK(first->workstation == second->workstation);

  Place visit;
  visit.options.folder = folder.path().string();
  visit.options.identity.visit = true;
  visit.start();
  visit.until([&] { return visit.joins == 1; });
  CHECK_FALSE(visit.server.session().last<protocol::Username>()->workstation);
}

TEST_CASE("the wrong project is final and named") {
  Place here;
  here.server.is_other_project = true;
  here.start();
  here.ask();
  here.until([&] { return !here.endings.empty(); });
  here.settle();
  REQUIRE(here.endings.size() == 1);
  CHECK_FALSE(here.endings[0].will_rejoin);
  CHECK(here.endings[0].why.outcome == Outcome::refused);
  CHECK(here.endings[0].why.text.find("Moria's Race") != std::string::npos);
  CHECK(here.server.sessions().size() == 1);
  REQUIRE(here.answers.size() == 1);
  CHECK(here.answers[0].error().outcome == Outcome::refused);
}

TEST_CASE("a visit that finds no server ends as not found") {
  Place here;
  FakeAnnouncer silent(here.loop, {});
  here.options.server.reset();
  here.options.search.discovery_port = silent.port();
  here.options.identity.visit = true;
  here.options.rejoin = false;
  here.options.waits_for_server = false;
  here.start();
  here.ask();
  here.until([&] { return !here.endings.empty(); });
  CHECK(here.endings[0].why.outcome == Outcome::not_found);
  CHECK_FALSE(here.endings[0].will_rejoin);
  REQUIRE(here.answers.size() == 1);
  CHECK(here.answers[0].error().outcome == Outcome::not_found);
}

TEST_CASE("a visit to a given address where nobody listens ends as not found") {
  Place here;
  net::Endpoint nobody;
  {
    FakeServer gone(here.loop);
    nobody = gone.at();
  }
  here.options.server = nobody;
  here.options.rejoin = false;
  here.options.waits_for_server = false;
  here.start();
  here.until([&] { return !here.endings.empty(); });
  CHECK(here.endings[0].why.outcome == Outcome::not_found);
}

TEST_CASE("where nobody is any more at the remembered address, the network is asked") {
  Place here;
  const support::TempDir folder;
  net::Endpoint nobody;
  {
    FakeServer gone(here.loop);
    nobody = gone.at();
  }
  LastServer(folder.path().string()).set(nobody);
  FakeAnnouncer announcer(here.loop, {announcement(here.server.at())});
  here.options.server.reset();
  here.options.folder = folder.path().string();
  here.options.search.wait = 5s;
  here.options.search.discovery_port = announcer.port();
  here.start();
  here.until([&] { return here.joins == 1; });
  CHECK(here.endings.empty());
  CHECK(announcer.searches() > 0);
  CHECK(LastServer(folder.path().string()).get() == here.server.at());
}

TEST_CASE("a remembered address that answers is joined without asking the network") {
  Place here;
  const support::TempDir folder;
  LastServer(folder.path().string()).set(here.server.at());
  FakeAnnouncer announcer(here.loop, {});
  here.options.server.reset();
  here.options.folder = folder.path().string();
  here.options.search.discovery_port = announcer.port();
  here.start();
  here.until([&] { return here.joins == 1; });
  CHECK(announcer.searches() == 0);
}

// A workstation that remembers `remembered`, and asks `announcer` when it asks the network.
void remember(Place& here, const support::TempDir& folder, const net::Endpoint& remembered,
              const FakeAnnouncer& announcer) {
  LastServer(folder.path().string()).set(remembered);
  here.options.server.reset();
  here.options.folder = folder.path().string();
  here.options.search.discovery_port = announcer.port();
  here.options.search.wait = 5s;
  here.options.silence_max = 1ms;
}

TEST_CASE("something that accepts and says nothing at the remembered address holds nobody up") {
  Place here;
  const support::TempDir folder;
  FakeServer silent(here.loop);
  silent.greets = false;
  FakeAnnouncer announcer(here.loop, {announcement(here.server.at())});
  remember(here, folder, silent.at(), announcer);
  here.start();
  here.until([&] { return here.joins == 1; });
  CHECK(here.server.has_joined());
  CHECK(here.endings.empty());
  CHECK(LastServer(folder.path().string()).get() == here.server.at());
  here.until([&] { return silent.session().has_ended; });
}

TEST_CASE("a server that greets late is waited for where the network knows no other") {
  Place here;
  const support::TempDir folder;
  here.server.greets = false;
  FakeAnnouncer announcer(here.loop, {announcement(here.server.at())});
  remember(here, folder, here.server.at(), announcer);
  here.start();
  here.until([&] { return announcer.searches() > 0; });
  here.settle();
  CHECK(here.joins == 0);
  CHECK(here.endings.empty());
  CHECK(here.server.sessions().size() == 1);
}

TEST_CASE("a server that was given and is silent is named while it is waited for") {
  Place here;
  here.server.greets = false;
  here.start();
  here.until([&] { return !here.searching.empty(); });
  CHECK(here.searching ==
        std::vector<std::string>{"no answer from " + net::to_text(here.server.at()) + " yet"});
  CHECK(here.endings.empty());
  CHECK(here.server.sessions().size() <= 1);
}

TEST_CASE(
    "a visit to an address that is silent, in a network that knows no server, ends with what the network "
    "said") {
  Place here;
  const support::TempDir folder;
  auto silent = std::make_unique<FakeServer>(here.loop);
  silent->greets = false;
  FakeAnnouncer announcer(here.loop, {});
  remember(here, folder, silent->at(), announcer);
  here.options.search.wait = 1ms;
  here.options.rejoin = false;
  here.options.waits_for_server = false;
  here.start();
  here.until([&] { return announcer.searches() > 0 && !silent->sessions().empty(); });
  here.settle();
  CHECK(here.endings.empty());
  silent->session().connection.reset();
  here.until([&] { return !here.endings.empty(); });
  CHECK(here.endings[0].why.outcome == Outcome::not_found);
  CHECK_FALSE(here.endings[0].will_rejoin);
}

TEST_CASE("leaving says goodbye, answers what waits, and is the last thing heard") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  here.ask();
  // Unread bytes here must not take the goodbye away from the server.
  for (int i = 0; i < 100; ++i) FakeServer::say(here.server.session(), protocol::Messages{});
  here.keeper->leave();
  here.ask();
  here.until([&] { return !here.endings.empty(); });
  here.until([&] { return here.server.session().has_ended; });
  const auto* bye = here.server.session().last<protocol::Bye>();
  REQUIRE(bye != nullptr);
  CHECK(bye->outcome == Outcome::done);
  CHECK(bye->reason == "left");
  REQUIRE(here.endings.size() == 1);
  CHECK_FALSE(here.endings[0].will_rejoin);
  REQUIRE(here.answers.size() == 2);
  CHECK_FALSE(here.answers[0]);
  CHECK(here.answers[1].error().outcome == Outcome::cancelled);
}

TEST_CASE("leaving before anybody answered ends at once") {
  Place here;
  here.server.greets = false;
  here.start();
  SECTION("while it connects") {}
  SECTION("while it joins") {
    here.until([&] { return !here.server.sessions().empty(); });
  }
  here.ask();
  here.keeper->leave();
  here.until([&] { return !here.endings.empty(); });
  CHECK_FALSE(here.endings[0].will_rejoin);
  REQUIRE(here.answers.size() == 1);
  CHECK(here.answers[0].error().outcome == Outcome::cancelled);
}

TEST_CASE("assets are wanted from the server's offer until the claim, in that connection only") {
  Place here;
  bool is_offered = false;
  here.on_action = [&](const protocol::ClientAction& next) {
    if (std::holds_alternative<protocol::client_action::Admitted>(next))
      CHECK_FALSE(here.keeper->connection()->wants_assets());
    if (std::holds_alternative<protocol::client_action::AssetsWanted>(next)) is_offered = true;
  };
  here.start();
  here.until([&] { return is_offered; });
  CHECK(here.keeper->connection()->wants_assets());
  SECTION("claimed") {
    here.keeper->connection()->claim(protocol::AssetsClaim{});
    CHECK_FALSE(here.keeper->connection()->wants_assets());
    here.until([&] { return here.joins == 1; });
  }
  SECTION("lost before the claim") {
    here.server.offers_assets = false;
    here.server.session().connection.reset();
    here.until([&] { return here.server.sessions().size() == 2 && here.server.session(1).exchange == 2; });
    CHECK_FALSE(here.keeper->connection()->wants_assets());
  }
}

TEST_CASE("with a key an open server is told nothing, and not joined") {
  Place place;
  place.options.key = make_access_key(system_random());
  place.start();
  place.until([&] { return !place.endings.empty(); });
  CHECK(place.endings[0].why.outcome == Outcome::refused);
  CHECK_FALSE(place.endings[0].will_rejoin);
  CHECK(place.endings[0].why.text.find("is open, it has no keys") != std::string::npos);
  CHECK(place.joins == 0);
  CHECK(place.server.session().heard.empty());
}

}  // namespace
}  // namespace callboard::client::session_keeper_test
