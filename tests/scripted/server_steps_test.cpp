#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/scripted/script.h"

// Every step of the server's side, with everything that can go wrong at it.
namespace callboard::protocol::server_steps_test {
using namespace script;

namespace {

bool starts_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

long count_ends(const Words& words) {
  return std::count_if(words.begin(), words.end(), [](const auto& w) { return starts_with(w, "closed"); });
}

// Whatever comes after the end does nothing, from the peer, the owner and the clock alike.
void check_dead(ServerSession& session) {
  CHECK(session.is_over());
  CHECK_FALSE(session.next_deadline());
  CHECK_FALSE(session.may_tell());
  for (const auto& message : every_client_message()) session.on_message(ClientMessage(message), kStart + 1s);
  session.on_message(Bye{}, kStart + 1s);
  session.on_garbage({Outcome::usage, "garbage"});
  session.on_disconnected({Outcome::interrupted, "gone"});
  session.on_progress(kStart + 1h);
  session.on_time(kStart + 2h);
  session.admit(welcome());
  session.settle(all_assets());
  session.settle(document_state(DocumentRecord::story));
  session.answer(Ok{1, {}});
  session.tell(AtTell{});
  session.close(Outcome::done, "again");
  CHECK(drain(session).empty());
}

}  // namespace

TEST_CASE("the server ends a session once at the first wrong message of any step, and says why") {
  for (std::size_t step = 0; step < server_steps().size(); ++step) {
    for (const auto& message : every_client_message()) {
      INFO(server_steps()[step].name << " ← " << verb_of(message) << " (" << message.index() << ")");
      auto session = server_at(step);
      session.on_message(ClientMessage(message), kStart);
      const auto words = drain(session);
      if (server_steps()[step].is_right(message)) {
        CHECK(count_ends(words) == 0);
        CHECK(session.is_over() == std::holds_alternative<Ticket>(message));
        continue;
      }
      REQUIRE(words.size() == 2);
      CHECK(words[0] == "send bye");
      CHECK(count_ends(words) == 1);
      check_dead(session);
    }
  }
}

TEST_CASE("the server names speech out of turn as that") {
  for (const auto* name : {"awaiting admission", "awaiting winner of story", "awaiting winner of assets",
                           "awaiting winner of analytics", "awaiting request"}) {
    for (const auto& message : every_client_message()) {
      if (server_steps()[server_step(name)].is_right(message)) continue;
      INFO(name << " ← " << verb_of(message));
      auto session = server_at(server_step(name));
      session.on_message(ClientMessage(message), kStart);
      CHECK(starts_with(reason_of_end(session),
                        "spoke out of turn: \"" + std::string(verb_of(message)) + "\" while "));
    }
  }
  auto session = server_at(server_step("awaiting request"));
  session.on_message(UsersAsk{4}, kStart);
  CHECK(drain(session) == Words{"send bye", "closed refused"});
}

TEST_CASE("the server ends a session that is silent at any step") {
  for (std::size_t step = 0; step < server_steps().size(); ++step) {
    INFO(server_steps()[step].name);
    auto session = server_at(step);
    const bool is_joined = session.is_joined();
    Words words;
    Instant ended;
    for (int wakes = 0; session.next_deadline() && wakes < 5; ++wakes) {
      const auto deadline = *session.next_deadline();
      session.on_time(deadline - 1ns);
      CHECK(drain(session).empty());
      session.on_time(deadline);
      const auto more = drain(session);
      words.insert(words.end(), more.begin(), more.end());
      ended = deadline;
    }
    if (std::string(server_steps()[step].name) == "awaiting request") {
      CHECK(words == Words{"send yours", "send bye", "closed timed_out"});
    } else {
      CHECK(words == Words{"send bye", "closed timed_out"});
    }
    CHECK(ended == kStart + (is_joined ? Duration(kSilenceLimit) : Duration(kHandshakeLimit)));
    check_dead(session);
  }
}

TEST_CASE("the server ends a session whose connection breaks at any step without saying anything") {
  for (std::size_t step = 0; step < server_steps().size(); ++step) {
    INFO(server_steps()[step].name);
    auto session = server_at(step);
    session.on_disconnected({Outcome::interrupted, "connection reset"});
    CHECK(drain(session) == Words{"closed interrupted"});
    check_dead(session);
  }
}

TEST_CASE("the server ends a session at garbage at any step") {
  for (std::size_t step = 0; step < server_steps().size(); ++step) {
    INFO(server_steps()[step].name);
    auto session = server_at(step);
    session.on_garbage({Outcome::usage, "frame: unknown kind 9"});
    CHECK(drain(session) == Words{"send bye", "closed usage"});
    check_dead(session);
  }
}

TEST_CASE("a client may say bye at any step and is not answered") {
  for (std::size_t step = 0; step < server_steps().size(); ++step) {
    INFO(server_steps()[step].name);
    auto session = server_at(step);
    session.on_message(Bye{Outcome::done, "going home\n"}, kStart);
    CHECK(session.is_over());
    CHECK(reason_of_end(session) == "going home\\n");
    check_dead(session);
  }
}

TEST_CASE("the server's owner may close at any step") {
  for (std::size_t step = 0; step < server_steps().size(); ++step) {
    INFO(server_steps()[step].name);
    auto session = server_at(step);
    session.close(Outcome::cancelled, "the server stops");
    CHECK(drain(session) == Words{"send bye", "closed cancelled"});
    check_dead(session);
  }
}

}  // namespace callboard::protocol::server_steps_test
