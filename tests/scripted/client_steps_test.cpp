#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/scripted/script.h"

// Every step of the client's side, with everything that can go wrong at it.
namespace callboard::protocol::client_steps_test {
using namespace script;

namespace {

long count_starting(const Words& words, const std::string& start) {
  return std::count_if(words.begin(), words.end(), [&](const auto& w) { return w.rfind(start, 0) == 0; });
}

// Whatever comes after the end does nothing, but that an ask is answered as interrupted.
void check_dead(ClientSession& session) {
  CHECK(session.is_over());
  CHECK(session.unanswered() == 0);
  CHECK_FALSE(session.next_deadline());
  for (const auto& message : every_server_message()) session.on_message(message, kStart + 1s);
  session.on_message(Bye{}, kStart + 1s);
  session.on_garbage({Outcome::usage, "garbage"});
  session.on_disconnected({Outcome::interrupted, "gone"});
  session.on_progress(kStart + 1h);
  session.on_time(kStart + 2h);
  session.claim(AssetsClaim{});
  session.claim(document_claim(DocumentRecord::story));
  session.close(Outcome::done, "again");
  CHECK(drain(session).empty());
  const auto id = session.ask(UsersAsk{}, kStart + 1s);
  CHECK(drain(session) == Words{"answered " + std::to_string(id) + " interrupted"});
}

// Brings a session to the step with one ask waiting, ends it, and checks that the ask and the end are heard of once.
template <class End>
void check_end(std::size_t step, const char* outcome, bool says_bye, End end) {
  INFO(client_steps()[step].name);
  auto session = client_at(step);
  const auto id = session.ask(StatusAsk{}, kStart);
  drain(session);
  const auto asked_before = session.unanswered();
  end(session);
  const auto words = drain(session);
  CHECK(count_starting(words, "closed") == 1);
  CHECK(words.back() == std::string("closed ") + outcome);
  CHECK(count_starting(words, "send bye") == (says_bye ? 1 : 0));
  CHECK(count_starting(words, "answered " + std::to_string(id) + " ") == 1);
  CHECK(count_starting(words, "answered") == static_cast<long>(asked_before));
  check_dead(session);
}

}  // namespace

TEST_CASE("the client ends a session once at the first wrong message of any step, and says why") {
  for (std::size_t step = 0; step < client_steps().size(); ++step) {
    for (const auto& message : every_server_message()) {
      INFO(client_steps()[step].name << " ← " << verb_of(message) << " (" << message.index() << ")");
      auto session = client_at(step);
      session.on_message(message, kStart);
      const auto words = drain(session);
      if (client_steps()[step].is_right(message)) {
        CHECK(count_starting(words, "closed") == 0);
        CHECK_FALSE(session.is_over());
        continue;
      }
      const bool is_refusal = std::holds_alternative<WrongProject>(message) &&
                              std::string(client_steps()[step].name) == "awaiting welcome";
      CHECK(count_starting(words, "send bye") == (is_refusal ? 0 : 1));
      CHECK(count_starting(words, "refused") == (is_refusal ? 1 : 0));
      CHECK(count_starting(words, "closed") == 1);
      CHECK(count_starting(words, "told") == 0);
      CHECK(words.back().rfind("closed", 0) == 0);
      check_dead(session);
    }
  }
}

TEST_CASE("the client ends a session whose server is silent at any step, and no ask is lost") {
  for (std::size_t step = 0; step < client_steps().size(); ++step) {
    INFO(client_steps()[step].name);
    auto session = client_at(step);
    const auto id = session.ask(StatusAsk{}, kStart);
    Words words = drain(session);
    Instant last;
    for (int wakes = 0; session.next_deadline() && wakes < 5; ++wakes) {
      last = *session.next_deadline();
      session.on_time(last - 1ns);
      CHECK(drain(session).empty());
      session.on_time(last);
      const auto more = drain(session);
      words.insert(words.end(), more.begin(), more.end());
    }
    CHECK(words.back() == "closed timed_out");
    CHECK(count_starting(words, "send bye") == 1);
    CHECK(count_starting(words, "answered " + std::to_string(id) + " ") == 1);
    CHECK(last == kStart + (step < client_step("awaiting news") ? Duration(kHandshakeLimit)
                                                                : Duration(kSilenceLimit)));
    check_dead(session);
  }
}

TEST_CASE(
    "the client ends at a broken connection, garbage, bye or its owner's wish at any step, and no ask is "
    "lost") {
  for (std::size_t step = 0; step < client_steps().size(); ++step) {
    check_end(step, "interrupted", false, [](ClientSession& s) {
      s.on_disconnected({Outcome::interrupted, "connection reset"});
    });
    check_end(step, "usage", true, [](ClientSession& s) {
      s.on_garbage({Outcome::usage, "frame: length 0"});
    });
    check_end(step, "cancelled", false, [](ClientSession& s) {
      s.on_message(Bye{Outcome::cancelled, "stopped"}, kStart);
    });
    check_end(step, "done", true, [](ClientSession& s) { s.close(Outcome::done, "leaving"); });
  }
}

}  // namespace callboard::protocol::client_steps_test
