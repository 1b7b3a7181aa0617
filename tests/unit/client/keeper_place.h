#pragma once

#include <catch2/catch.hpp>

#include "client/session_keeper.h"
#include "tests/unit/client/fake_server.h"

namespace callboard::client {

// How a session ended, as it was told.
struct KeeperEnding {
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
  std::vector<KeeperEnding> endings;
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
    handlers.on_searching = [this](const Error& why) { searching.push_back(why.text); };
    handlers.on_lost = [this](const Error& why, bool will_rejoin) { endings.push_back({why, will_rejoin}); };
    keeper = std::make_unique<SessionKeeper>(loop, options, std::move(handlers));
    keeper->start();
  }

  void act(const protocol::ClientAction& next) {
    if (const auto* wanted = std::get_if<protocol::client_action::DocumentWanted>(&next)) {
      protocol::DocumentClaim claim;
      claim.record = wanted->record;
      keeper->connection()->claim(claim);
    } else if (std::holds_alternative<protocol::client_action::AssetsWanted>(next) && !on_action) {
      keeper->connection()->claim(protocol::AssetsClaim{});
    } else if (std::holds_alternative<protocol::client_action::Joined>(next)) {
      ++joins;
    }
    if (on_action) on_action(next);
  }

  void ask(const protocol::ClientMessage& message = protocol::UsersAsk{}) {
    keeper->ask(message,
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

}  // namespace callboard::client
