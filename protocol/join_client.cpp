#include "protocol/join_client.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"
#include "protocol/codec.h"
#include "protocol/faults.h"

namespace callboard::protocol {

namespace {
using ClientActions = std::vector<ClientAction>;
}

std::string JoinClient::awaited() const {
  switch (step_) {
    case Step::awaiting_greeting:
      return "the server's \"username?\"";
    case Step::awaiting_project:
      return "the server's \"project?\"";
    case Step::awaiting_welcome:
      return "the server's \"welcome\"";
    case Step::awaiting_exchange:
      return fmt::format("{} of {}",
                         exchange_->step() == StateExchangeClient::Step::awaiting_claim
                             ? "the client's side"
                             : "the server's decision",
                         to_text(exchange_->record()));
    case Step::awaiting_turn:
      return "the server's \"yours\"";
    case Step::finished:
      return "nothing";
  }
  return "";
}

Result<ClientActions> JoinClient::on_message(ServerMessage message, Instant now) {
  // A newer server may say more than we understand; what it must say comes all the same.
  if (std::holds_alternative<UnknownTell>(message)) return ClientActions{};
  switch (step_) {
    case Step::awaiting_greeting:
      return on_greeting(message, now);
    case Step::awaiting_project:
      return on_project(message);
    case Step::awaiting_welcome:
      return on_welcome(std::move(message));
    case Step::awaiting_exchange:
      return on_exchange(std::move(message));
    case Step::awaiting_turn:
      return on_turn(message);
    case Step::finished:
      break;
  }
  return unexpected("nothing", verb_of(message)).prefixed("join");
}

Result<ClientActions> JoinClient::on_greeting(const ServerMessage& message, Instant now) {
  const auto* greeting = std::get_if<Greeting>(&message);
  if (greeting == nullptr) return unexpected("username?", verb_of(message)).prefixed("join");
  if (greeting->proto != kProtocolVersion) {
    return Error{Outcome::refused, fmt::format("the server speaks version {} of the protocol, expected {}",
                                               greeting->proto, kProtocolVersion)};
  }
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_);
  step_ = Step::awaiting_project;
  server_ = greeting->server;
  Username username{.name = identity_.name,
                    .clock = Timestamp{identity_.wall.ms + elapsed.count()},
                    .visit = identity_.visit,
                    .shares = identity_.shares,
                    .host = identity_.host,
                    .software = identity_.software,
                    .workstation = identity_.workstation,
                    .patches = identity_.patches,
                    .resumable = identity_.resumable};
  if (identity_.resume) {
    username.resume = identity_.resume->session;
    username.secret = identity_.resume->secret;
    username.heard = identity_.heard;
  }
  return ClientActions{client_action::Send{std::move(username)}};
}

Result<ClientActions> JoinClient::on_project(const ServerMessage& message) {
  if (!std::holds_alternative<ProjectQuestion>(message)) {
    return unexpected("project?", verb_of(message)).prefixed("join");
  }
  step_ = Step::awaiting_welcome;
  return ClientActions{client_action::Send{Project{identity_.project}}};
}

Result<ClientActions> JoinClient::on_welcome(ServerMessage message) {
  if (const auto* wrong = std::get_if<WrongProject>(&message)) {
    step_ = Step::finished;
    return ClientActions{
        client_action::Refused{wrong->project},
        client_action::Closed{Outcome::refused, fmt::format("the server has another project than {}",
                                                            quoted(identity_.project))}};
  }
  auto* welcome = std::get_if<Welcome>(&message);
  if (welcome == nullptr) return unexpected("welcome", verb_of(message)).prefixed("join");
  if (identity_.visit) {
    step_ = Step::awaiting_turn;
  } else {
    step_ = Step::awaiting_exchange;
    exchange_.emplace(SharedRecord::story);
  }
  return ClientActions{client_action::Admitted{std::move(*welcome), server_}};
}

Result<ClientActions> JoinClient::on_exchange(ServerMessage message) {
  auto actions = exchange_->on_message(std::move(message));
  if (!actions || exchange_->step() != StateExchangeClient::Step::finished) return actions;
  switch (exchange_->record()) {
    case SharedRecord::story:
      exchange_.emplace(SharedRecord::assets);
      break;
    case SharedRecord::assets:
      exchange_.emplace(SharedRecord::analytics);
      break;
    case SharedRecord::analytics:
      step_ = Step::awaiting_turn;
      break;
  }
  return actions;
}

Result<ClientActions> JoinClient::on_turn(const ServerMessage& message) {
  if (!std::holds_alternative<Yours>(message)) return unexpected("yours", verb_of(message)).prefixed("join");
  step_ = Step::finished;
  return ClientActions{client_action::Joined{}};
}

ClientAction JoinClient::claim(DocumentClaim claim) {
  ENSURE(step_ == Step::awaiting_exchange);
  return exchange_->claim(std::move(claim));
}

ClientAction JoinClient::claim(AssetsClaim claim) {
  ENSURE(step_ == Step::awaiting_exchange);
  return exchange_->claim(std::move(claim));
}

}  // namespace callboard::protocol
