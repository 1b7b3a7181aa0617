#include "client/session_keeper.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client {
namespace {

namespace action = protocol::client_action;

struct Ending {
  Error why;
  bool will_rejoin = false;
};

// A keeper that finds its server by address, with what it told.
struct Place {
  net::Loop loop;
  FakeServer server{loop};
  SessionKeeper::Options options;
  std::unique_ptr<SessionKeeper> keeper;
  int joins = 0;
  std::vector<Ending> endings;
  std::vector<std::string> searching;
  std::vector<Result<protocol::ServerMessage>> answers;
  std::function<void(const protocol::ClientAction&)> on_action;

  Place() {
    options.identity.name = "rigging";
    options.identity.project = "Moria's Race";
    options.search.project = options.identity.project;
    options.search.ask_addresses = {"127.255.255.255"};
    options.search.wait = 1ms;
    options.server = server.at();
    options.pause_min = 1ms;
  }

  void start() {
    SessionKeeper::Handlers handlers;
    handlers.on_action = [this](const protocol::ClientAction& next) { act(next); };
    handlers.on_searching = [this](std::string_view why) { searching.emplace_back(why); };
    handlers.on_lost = [this](const Error& why, bool will_rejoin) { endings.push_back({why, will_rejoin}); };
    keeper = std::make_unique<SessionKeeper>(loop, options, std::move(handlers));
    keeper->start();
  }

  void act(const protocol::ClientAction& next) {
    if (const auto* wanted = std::get_if<action::DocumentWanted>(&next)) {
      protocol::DocumentClaim claim;
      claim.record = wanted->record;
      keeper->connection()->claim(claim);
    } else if (std::holds_alternative<action::AssetsWanted>(next) && !on_action) {
      keeper->connection()->claim(protocol::AssetsClaim{});
    } else if (std::holds_alternative<action::Joined>(next)) {
      ++joins;
    }
    if (on_action) on_action(next);
  }

  void ask() {
    keeper->ask(protocol::UsersAsk{},
                [this](Result<protocol::ServerMessage> answer) { answers.push_back(std::move(answer)); });
  }

  template <class Condition>
  void until(Condition condition) {
    const bool has_come = loop.run_until(condition, kTestLimit);
    INFO("last ending: " << (endings.empty() ? "none" : endings.back().why.text));
    REQUIRE(has_come);
  }
  // Everything that is still to be delivered has been.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      bool is_turned = false;
      loop.post([&] { is_turned = true; });
      until([&] { return is_turned; });
    }
  }
};

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

TEST_CASE("asks without an answer at the loss are answered once, as interrupted") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  here.ask();
  here.ask();
  here.until([&] { return here.server.session().last<protocol::UsersAsk>() != nullptr; });
  here.server.session().connection.reset();
  here.until([&] { return here.joins == 2; });
  here.settle();
  REQUIRE(here.answers.size() == 2);
  CHECK(here.answers[0].error().outcome == Outcome::interrupted);
  CHECK(here.answers[1].error().outcome == Outcome::interrupted);
  CHECK(here.server.session(1).last<protocol::UsersAsk>() == nullptr);
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

TEST_CASE("a session whose workstation has joined anew does not come back") {
  Place here;
  here.start();
  here.until([&] { return here.joins == 1; });
  FakeServer::say(here.server.session(), protocol::Bye{Outcome::superseded, "joined again"});
  here.until([&] { return here.keeper->connection() && here.keeper->connection()->is_over(); });
  here.server.session().connection.reset();
  here.until([&] { return !here.endings.empty(); });
  here.settle();
  REQUIRE(here.endings.size() == 1);
  CHECK_FALSE(here.endings[0].will_rejoin);
  CHECK(here.endings[0].why.outcome == Outcome::superseded);
  CHECK(here.server.sessions().size() == 1);
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
    if (std::holds_alternative<action::Admitted>(next))
      CHECK_FALSE(here.keeper->connection()->wants_assets());
    if (std::holds_alternative<action::AssetsWanted>(next)) is_offered = true;
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

}  // namespace
}  // namespace callboard::client
