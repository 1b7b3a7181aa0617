#include "protocol/join_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"
#include "protocol/codec.h"
#include "protocol/faults.h"

namespace callboard::protocol {

namespace {

using ServerActions = std::vector<ServerAction>;

// A clock beyond the year 10889 is a lie; the bound keeps sums of times far from overflowing.
constexpr std::int64_t kClockMaxMs = std::int64_t{1} << 48;

// A LAN's way there takes as long as the way back, so `username` left the client at half of the round trip.
std::chrono::milliseconds clock_offset(Timestamp client, Timestamp server_at_start, Duration round_trip) {
  using std::chrono::milliseconds;
  const auto server =
      milliseconds(server_at_start.ms) + std::chrono::duration_cast<milliseconds>(round_trip / 2);
  return server - milliseconds(std::clamp(client.ms, -kClockMaxMs, kClockMaxMs));
}

}  // namespace

std::string JoinServer::awaited() const {
  switch (step_) {
    case Step::awaiting_username:
      return "the client's \"username\"";
    case Step::awaiting_project:
      return "the client's \"project\"";
    case Step::awaiting_admission:
      return "the server to admit";
    case Step::awaiting_exchange:
      return fmt::format("{} of {}",
                         exchange_->step() == StateExchangeServer::Step::awaiting_winner
                             ? "the server's decision"
                             : "the client's side",
                         to_text(exchange_->record()));
    case Step::finished:
      return "nothing";
  }
  return "";
}

ServerMessage JoinServer::greeting() const {
  return Greeting{.proto = kProtocolVersion, .software = config_.software, .server = config_.server};
}

bool JoinServer::awaits_client() const {
  return step_ != Step::awaiting_admission &&
         (step_ != Step::awaiting_exchange ||
          exchange_->step() != StateExchangeServer::Step::awaiting_winner);
}

Result<ServerActions> JoinServer::on_message(ClientMessage message, Instant now) {
  // A newer client may say more than we understand; what it must say comes all the same.
  if (std::holds_alternative<UnknownTell>(message) && awaits_client() && !needs_key_) return ServerActions{};
  switch (step_) {
    case Step::awaiting_username:
      return on_username(std::move(message), now);
    case Step::awaiting_project:
      return on_project(message);
    case Step::awaiting_admission:
      return out_of_turn(verb_of(message), "the server admits");
    case Step::awaiting_exchange:
      return on_exchange(std::move(message));
    case Step::finished:
      break;
  }
  return out_of_turn(verb_of(message), "the join is over");
}

Result<ServerActions> JoinServer::on_username(ClientMessage message, Instant now) {
  if (const auto* ticket = std::get_if<Ticket>(&message)) {
    step_ = Step::finished;
    return ServerActions{server_action::TicketShown{ticket->ticket}};
  }
  if (needs_key_) return key_needed();
  auto* username = std::get_if<Username>(&message);
  if (username == nullptr) return unexpected("username", verb_of(message)).prefixed("join");
  admission_ = {.name = std::move(username->name),
                .visit = username->visit,
                .shares = username->shares,
                .patches = username->patches,
                .host = std::move(username->host),
                .software = std::move(username->software),
                .workstation = username->visit ? std::nullopt : username->workstation,
                .resumable = username->resumable && !username->visit,
                .resume = username->visit ? std::nullopt : username->resume,
                .secret = username->secret,
                .heard = username->heard,
                .clock_offset = clock_offset(username->clock, config_.wall, now - config_.started)};
  step_ = Step::awaiting_project;
  return ServerActions{server_action::Send{ProjectQuestion{}}};
}

Result<ServerActions> JoinServer::on_project(const ClientMessage& message) {
  const auto* project = std::get_if<Project>(&message);
  if (project == nullptr) return unexpected("project", verb_of(message)).prefixed("join");
  if (project->project != config_.project) {
    step_ = Step::finished;
    const auto reason =
        fmt::format("wrong project: expected {}, got {}", quoted(config_.project), quoted(project->project));
    return ServerActions{server_action::Send{WrongProject{project->project}},
                         server_action::Closed{Outcome::refused, reason}};
  }
  step_ = Step::awaiting_admission;
  return ServerActions{admission_};
}

ServerActions JoinServer::admit(Welcome welcome) {
  ENSURE(step_ == Step::awaiting_admission);
  ServerActions actions{server_action::Send{std::move(welcome)}};
  auto more = admission_.visit ? finish() : begin(SharedRecord::story);
  std::move(more.begin(), more.end(), std::back_inserter(actions));
  return actions;
}

Result<ServerActions> JoinServer::on_exchange(ClientMessage message) {
  auto actions = exchange_->on_message(std::move(message));
  if (!actions || exchange_->step() != StateExchangeServer::Step::finished) return actions;
  switch (exchange_->record()) {
    case SharedRecord::story:
      return begin(SharedRecord::assets);
    case SharedRecord::assets:
      return begin(SharedRecord::analytics);
    case SharedRecord::analytics:
      break;
  }
  return finish();
}

ServerAction JoinServer::settle(DocumentState state) {
  ENSURE(step_ == Step::awaiting_exchange);
  return exchange_->settle(std::move(state));
}

ServerAction JoinServer::settle(Assets assets) {
  ENSURE(step_ == Step::awaiting_exchange);
  return exchange_->settle(std::move(assets));
}

ServerActions JoinServer::begin(SharedRecord record) {
  step_ = Step::awaiting_exchange;
  exchange_.emplace(record);
  return {server_action::Send{exchange_->offer()}};
}

ServerActions JoinServer::finish() {
  step_ = Step::finished;
  return {server_action::Send{Yours{}}, server_action::Joined{}};
}

}  // namespace callboard::protocol
