#include "server/transfers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"
#include "protocol/message.h"

namespace callboard::server {

namespace {

// For texts: "rigging" in its quotes, or the server.
std::string text_of_party(const Transfers::Party& party) {
  return party.session ? fmt::format("\"{}\"", party.name) : "the server";
}

std::size_t most_of(const Transfers::Party& party) {
  return party.session ? kTransfersPerSession : kServerChannelsMax;
}

std::string taking_of(const Transfers::Request& request) {
  return to_text(request.giver.session) + " " + request.taker.origin;
}

}  // namespace

Result<Transfers::Begun> Transfers::begin(Request request, Timestamp wall, Instant now) {
  for (const Party* party : {&request.giver, &request.taker}) {
    if (by_session_.of(party->session) < most_of(*party)) continue;
    return Error{Outcome::refused, fmt::format("{} has {} transfers under way already", text_of_party(*party),
                                               most_of(*party))};
  }
  if (by_taking_.of(taking_of(request)) >= kTransfersPerTaker) {
    return Error{Outcome::refused, fmt::format("you take {} times from {} already, the rest is for others",
                                               kTransfersPerTaker, text_of_party(request.giver))};
  }
  const Id id = ++last_id_;
  const bool is_to_server = !request.giver.session;
  const Begun begun{id, is_to_server ? UniqueId() : make_unique_id(random_), make_unique_id(random_)};
  if (!is_to_server) tickets_.emplace(begun.giver_ticket, id);
  tickets_.emplace(begun.taker_ticket, id);
  by_session_.add(request.giver.session);
  by_session_.add(request.taker.session);
  by_taking_.add(taking_of(request));
  Waiting waiting{begun.giver_ticket, begun.taker_ticket, std::nullopt, std::nullopt, now + kTicketLife};
  if (is_to_server) waiting.giver = kServerEnd;
  waiting_.emplace(id, waiting);
  running_.emplace(id, Running{std::move(request), wall, false, 0, std::nullopt, std::nullopt});
  return begun;
}

Result<std::optional<Transfers::Pair>> Transfers::show(UniqueId ticket, ConnectionKey connection) {
  const auto known = tickets_.find(ticket);
  if (known == tickets_.end()) {
    return Error{Outcome::refused, "the ticket is not good: unknown, shown before, or too old"};
  }
  const Id id = known->second;
  tickets_.erase(known);
  Waiting& waiting = waiting_.at(id);
  (ticket == waiting.giver_ticket ? waiting.giver : waiting.taker) = connection;
  if (!waiting.giver || !waiting.taker) return std::optional<Pair>();
  const Pair pair{id, *waiting.giver, *waiting.taker};
  waiting_.erase(id);
  running_.at(id).is_relaying = true;
  return std::optional(pair);
}

void Transfers::on_connection_lost(ConnectionKey connection) {
  for (auto& [id, waiting] : waiting_) {
    const bool is_giver = waiting.giver == connection;
    if (!is_giver && waiting.taker != connection) continue;
    (is_giver ? waiting.giver : waiting.taker).reset();
    const Request& request = running_.at(id).request;
    const std::string& name = (is_giver ? request.giver : request.taker).name;
    return end(id, {Outcome::interrupted, fmt::format("the data connection of \"{}\" was lost", name)}, 0);
  }
}

void Transfers::on_relay_end(Id id, const Error& why, std::uint64_t bytes) {
  if (!running_.contains(id)) return;
  end(id, why.outcome == Outcome::done ? Error{Outcome::done, ""} : why, bytes);
}

void Transfers::on_moved(Id id, std::uint64_t bytes, Instant now) {
  const auto it = running_.find(id);
  if (it == running_.end() || !it->second.is_relaying) return;
  Running& running = it->second;
  if (running.giver_worked && running.moved_bytes == bytes) return;
  running.moved_bytes = bytes;
  running.giver_worked = running.taker_worked = now;
}

void Transfers::on_working(SessionId asker, const std::vector<Id>& ids, Instant now) {
  for (const Id id : ids) {
    const auto it = running_.find(id);
    if (it == running_.end() || !it->second.giver_worked) continue;
    Running& running = it->second;
    if (running.request.giver.session == asker) running.giver_worked = now;
    if (running.request.taker.session == asker) running.taker_worked = now;
  }
}

void Transfers::end_stalled(Instant now) {
  std::vector<std::pair<Id, std::string>> stalled;
  for (const auto& [id, running] : running_) {
    if (!running.giver_worked || running.request.kind == Kind::channel) continue;
    const Instant longest = std::min(*running.giver_worked, *running.taker_worked);
    if (now - longest < kStallLimit) continue;
    const bool is_giver = *running.giver_worked == longest;
    stalled.emplace_back(id, (is_giver ? running.request.giver : running.request.taker).name);
  }
  for (const auto& [id, name] : stalled) {
    end(id,
        {Outcome::interrupted,
         fmt::format("nothing moved, and \"{}\" said nothing, for {} s", name, kStallLimit.count())},
        0);
  }
}

Result<void> Transfers::cancel(SessionId asker, Id id, const std::optional<Error>& why) {
  const auto it = running_.find(id);
  const Error unknown{Outcome::not_found, fmt::format("you have no transfer {} under way", id)};
  if (it == running_.end()) return unknown;
  const Request& request = it->second.request;
  const bool is_giver = request.giver.session == asker;
  if (!is_giver && request.taker.session != asker) return unknown;
  const std::string name = text_of_party(is_giver ? request.giver : request.taker);
  const Error cancelled{Outcome::cancelled, "cancelled by " + name};
  end(id, why ? Error{why->outcome, fmt::format("{}: {}", name, why->text)} : cancelled, 0);
  return {};
}

void Transfers::on_session_left(SessionId session, const std::string& name) {
  if (by_session_.of(session) == 0) return;
  std::vector<Id> ids;
  for (const auto& [id, running] : running_) {
    if (running.request.giver.session == session || running.request.taker.session == session)
      ids.push_back(id);
  }
  for (const Id id : ids) end(id, {Outcome::interrupted, fmt::format("\"{}\" left", name)}, 0);
}

std::optional<Instant> Transfers::next_deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->second.deadline;
}

void Transfers::on_time(Instant now) {
  while (!waiting_.empty() && waiting_.begin()->second.deadline <= now) {
    const auto& [id, waiting] = *waiting_.begin();
    const Request& request = running_.at(id).request;
    const std::string& missing = (waiting.giver ? request.taker : request.giver).name;
    end(id, {Outcome::timed_out, fmt::format("\"{}\" did not open the data connection in time", missing)}, 0);
  }
}

void Transfers::end_all(const Error& why) {
  while (!running_.empty()) end(running_.begin()->first, why, 0);
}

void Transfers::end(Id id, Error why, std::uint64_t bytes) {
  const auto node = running_.extract(id);
  ENSURE(!node.empty());
  const Running& running = node.mapped();
  Ending ending{id,
                running.request.giver.session,
                running.request.taker.session,
                std::move(why),
                bytes,
                running.is_relaying,
                {}};
  if (const auto waiting = waiting_.find(id); waiting != waiting_.end()) {
    tickets_.erase(waiting->second.giver_ticket);
    tickets_.erase(waiting->second.taker_ticket);
    if (waiting->second.giver) ending.waiting.push_back(*waiting->second.giver);
    if (waiting->second.taker) ending.waiting.push_back(*waiting->second.taker);
    waiting_.erase(waiting);
  }
  by_session_.remove(ending.giver);
  by_session_.remove(ending.taker);
  by_taking_.remove(taking_of(running.request));
  endings_.push_back(std::move(ending));
}

}  // namespace callboard::server
