#include "server/calls/client_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/document/parse.h"
#include "base/ensure.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/session.h"

namespace callboard::server {
namespace {

std::string name_of(const std::string& call, const std::string& user) { return call + "@" + user; }

// As all who offer it have to describe it.
std::string description_text(CallDescription description) {
  description.by.clear();
  return document::print(*to_value(description));
}

}  // namespace

Result<std::vector<CallDescription>> ClientCalls::checked(const Session& session,
                                                          const protocol::OfferAsk& ask) const {
  if (session.identity.visit) return Error{Outcome::refused, "a visit offers nothing; join to offer calls"};
  if (ask.descriptions->size() > kCallArgumentsMax) {
    return Error{Outcome::usage,
                 fmt::format("offer: expected at most {}, got {}", human_bytes(kCallArgumentsMax),
                             human_bytes(ask.descriptions->size()))};
  }
  auto descriptions = descriptions_from(*ask.descriptions);
  if (!descriptions) return descriptions;
  if (descriptions->size() > kCallsPerClient) {
    return Error{Outcome::refused, fmt::format("offer: expected at most {} calls, got {}", kCallsPerClient,
                                               descriptions->size())};
  }
  for (CallDescription& each : *descriptions) {
    if (auto permitted = check_permission(each); !permitted) return permitted.error();
    if (!each.state.empty()) return Error{Outcome::usage, each.name + ": state: a client keeps its own"};
    each.by = session.identity.name;
    const auto group = groups_.find(each.name);
    const bool is_others = group == groups_.end() && registry_.find(each.name);
    if (is_others) return Error{Outcome::refused, each.name + ": there is a call of this name already"};
    if (group == groups_.end() || group->second.description == description_text(each)) continue;
    const bool is_ours_alone = group->second.by == std::vector{session.identity.id};
    if (!is_ours_alone)
      return Error{Outcome::refused, each.name + ": somebody else offers it and describes it otherwise"};
  }
  return descriptions;
}

Result<void> ClientCalls::offer(const Session& session, const protocol::OfferAsk& ask) {
  const auto descriptions = checked(session, ask);
  if (!descriptions) return descriptions.error();
  const SessionId id = session.identity.id;
  withdraw(id);
  Offer& offer = offers_[id];
  offer.user = session.identity.name;
  const auto left_out =
      std::ranges::find_if(*descriptions, [&](const CallDescription& each) { return !add(id, each); });
  if (left_out != descriptions->end()) {
    withdraw(id);
    if (offer.running == 0) offers_.erase(id);
    return Error{Outcome::refused,
                 left_out->name + ": there are " + std::to_string(kCallDescriptionsMax) + " calls already"};
  }
  // One that offers nothing and does nothing is as everybody.
  if (offer.names.empty() && offer.running == 0) offers_.erase(id);
  return {};
}

bool ClientCalls::add(SessionId session, const CallDescription& description) {
  Offer& offer = offers_.at(session);
  Group& group = groups_[description.name];
  if (group.by.empty()) {
    group.description = description_text(description);
    Call any{description,
             LaterRun([this, name = description.name](const Caller& caller, const CallArguments& arguments,
                                                      std::shared_ptr<CallRun> run) {
               give(least_busy(name), name, caller, arguments, std::move(run));
             })};
    const auto added = registry_.add_as(description.name, std::move(any), CallRegistry::Listed::no);
    if (!added) {
      groups_.erase(description.name);
      return false;
    }
  }
  group.by.push_back(session);
  offer.names.push_back(description.name);
  // Where the list of all calls is full it is called as one of those who offer the same, and not by itself.
  static_cast<void>(registry_.add_as(name_of(description.name, offer.user),
                                     Call{description, run_by(session, description.name)},
                                     CallRegistry::Listed::yes));
  return true;
}

void ClientCalls::withdraw(SessionId session) {
  const auto offer = offers_.find(session);
  if (offer == offers_.end()) return;
  for (const std::string& name : std::exchange(offer->second.names, {})) {
    registry_.remove(name_of(name, offer->second.user));
    Group& group = groups_.at(name);
    std::erase(group.by, session);
    if (!group.by.empty()) continue;
    registry_.remove(name);
    groups_.erase(name);
  }
}

LaterRun ClientCalls::run_by(SessionId session, const std::string& name) {
  return LaterRun([this, session, name](const Caller& caller, const CallArguments& arguments,
                                        std::shared_ptr<CallRun> run) {
    give(session, name, caller, arguments, std::move(run));
  });
}

// Of those alike, who was given something the longest ago.
SessionId ClientCalls::least_busy(const std::string& name) const {
  const std::vector<SessionId>& by = groups_.at(name).by;
  return *std::ranges::min_element(by, {}, [this](SessionId id) {
    const Offer& offer = offers_.at(id);
    return std::pair(offer.running, offer.last_given);
  });
}

void ClientCalls::give(SessionId to, const std::string& name, const Caller& caller,
                       const CallArguments& arguments, std::shared_ptr<CallRun> run) {
  Session* session = outside_.by_id(to);
  ENSURE(session != nullptr);  // It would have left.
  Offer& offer = offers_.at(to);
  if (offer.running >= kCallsGivenMax || session->errands.size() >= kErrandsMax) {
    return run->refuse(
        Error{Outcome::refused, fmt::format("{}: {} is busy with {} calls; try again in a moment", name,
                                            quoted(offer.user), offer.running)});
  }
  const std::uint64_t call = ++last_call_;
  ++offer.running;
  offer.last_given = call;
  run->on_end([this, call](const Error&) { on_nobody_waits(call); });
  protocol::CallTell tell;
  tell.call = call;
  tell.name = name;
  tell.by = caller.identity.name;
  if (caller.identity.id) tell.session = caller.identity.id;
  tell.deadline = std::chrono::ceil<std::chrono::milliseconds>(run->time_left());
  tell.arguments = std::make_shared<const std::string>(document::print(*arguments.object()));
  given_.emplace(call, Given{to, std::move(run)});
  session->errands.push_back(std::move(tell));
  outside_.due(session->key());
}

std::shared_ptr<CallRun> ClientCalls::take(std::uint64_t call) {
  auto node = given_.extract(call);
  if (node.empty()) return nullptr;
  const auto offer = offers_.find(node.mapped().to);
  if (offer != offers_.end()) --offer->second.running;
  return std::move(node.mapped().run);
}

void ClientCalls::on_nobody_waits(std::uint64_t call) {
  const auto found = given_.find(call);
  if (found == given_.end()) return;
  Session* session = outside_.by_id(found->second.to);
  static_cast<void>(take(call));
  if (session == nullptr) return;
  const auto unheard = std::erase_if(session->errands, [call](const protocol::ServerMessage& errand) {
    const auto* tell = std::get_if<protocol::CallTell>(&errand);
    return tell != nullptr && tell->call == call;
  });
  if (unheard > 0) return;
  session->errands.push_back(protocol::CallCancelTell{call});
  outside_.due(session->key());
}

Result<void> ClientCalls::on_called(const Session& session, const protocol::CalledAsk& ask) {
  const auto found = given_.find(ask.call);
  if (found == given_.end() || found->second.to != session.identity.id) {
    return Error{Outcome::not_found, fmt::format("nobody waits for call {} of yours", ask.call)};
  }
  const auto run = take(ask.call);
  if (ask.outcome == Outcome::done) {
    run->answer_json(ask.value);
  } else {
    run->answer(Error{ask.outcome, escaped(ask.text)});
  }
  return {};
}

void ClientCalls::on_progress(const Session& session, const protocol::CallProgressed& progress) {
  const auto found = given_.find(progress.call);
  if (found == given_.end() || found->second.to != session.identity.id) return;
  found->second.run->progress_json(progress.value);
}

void ClientCalls::leave(SessionId session) {
  const auto offer = offers_.find(session);
  if (offer == offers_.end()) return;
  withdraw(session);
  const std::string user = offer->second.user;
  std::vector<std::shared_ptr<CallRun>> left;
  std::erase_if(given_, [&](auto& each) {
    if (each.second.to != session) return false;
    left.push_back(std::move(each.second.run));
    return true;
  });
  offers_.erase(offer);
  for (const auto& run : left) {
    run->answer(Error{Outcome::interrupted,
                      fmt::format("{}, who did it, has left or lost its connection", quoted(user))});
  }
}

}  // namespace callboard::server
