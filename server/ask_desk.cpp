#include "server/ask_desk.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"
#include "base/text.h"
#include "protocol/codec.h"
#include "protocol/field_rules.h"
#include "server/ask_cost.h"
#include "server/lock_check.h"
#include "server/memory.h"

namespace callboard::server {
namespace {

// How long the round trips in the list of users are taken for those of now.
constexpr Duration kRoundTripsKept = 5s;

using protocol::AskId;

protocol::ErrorAnswer refusal(AskId re, const Error& why) { return {re, why.outcome, why.text}; }

// A list of everything may be longer than a frame; then there is no answer but that.
void answer_whole(Session& session, AskId re, protocol::EncodedFrame frame) {
  if (frame.size_bytes() > kFrameMax)
    return session.answer(refusal(re, {Outcome::refused, "the list is longer than one frame may be"}));
  session.answer(protocol::EncodedAnswer{re, std::move(frame)});
}

}  // namespace

AskDesk::AskDesk(net::Loop& loop, Floor& floor, DocumentDesk& documents, RecordDesk& records, CallDesk& calls,
                 ClientCalls& offers, Outside outside)
    : loop_(loop),
      floor_(floor),
      documents_(documents),
      records_(records),
      calls_(calls),
      offers_(offers),
      outside_(std::move(outside)),
      camera_timer_(loop, [this] { publish_cameras(); }) {}

void AskDesk::on_asked(Session& session, protocol::ClientMessage&& ask) {
  if (const auto checked = check_ask(session.identity, ask); !checked)
    return session.answer(refusal(*protocol::ask_id_of(ask), checked.error()));
  if (outside_.locks == LockPolicy::refuse) {
    const auto free = check_locks(records_, records_.author_of(session.identity), ask, floor_.clock.wall());
    if (!free) return session.answer(refusal(*protocol::ask_id_of(ask), free.error()));
  }
  std::visit(
      [&](auto& one) {
        if constexpr (requires { answer(session, one); }) {
          answer(session, one);
        } else {
          // The machine delivers asks only, and answers unknown ones itself.
          ENSURE(false);
        }
      },
      ask);
}

// --- Documents and messages -----------------------------------------------------------------------------------------

void AskDesk::answer(Session& session, const protocol::DocumentRead& ask) {
  documents_.on_read(session, ask);
}

void AskDesk::answer(Session& session, protocol::DocumentWrite& ask) {
  documents_.on_write(session, std::move(ask));
}

void AskDesk::answer(Session& session, const protocol::HistoryAsk& ask) {
  documents_.on_history(session, ask);
}

void AskDesk::answer(Session& session, const protocol::ConflictsAsk& ask) {
  documents_.on_conflicts(session, ask);
}

void AskDesk::answer(Session& session, protocol::MessageAsk& ask) {
  floor_.events.tell(session.identity.name, ask.text);
  auto text = std::make_shared<const std::string>(std::move(ask.text));
  Operation operation = make_operation(session.identity, Record::messages, ask.op, std::move(text));
  operation.timestamp = floor_.clock.wall();
  floor_.records.write({.operation = std::move(operation)},
                       [this, key = session.key(), id = ask.id](const Result<Applied>& applied) {
                         Session* writer = outside_.by_key(key);
                         if (writer == nullptr) return;
                         if (!applied) return writer->answer(refusal(id, applied.error()));
                         writer->answer(protocol::Ok{id, applied->number});
                       });
}

void AskDesk::answer(Session& session, const protocol::MessagesAsk& ask) {
  answer_listed(session, ask.id, [&](Teller& teller) { return teller.messages_after(ask.since); });
}

// --- Presence -------------------------------------------------------------------------------------------------------

Result<SessionId> AskDesk::subject_of(const Session& session) const {
  if (!session.identity.visit) return session.identity.id;
  const SessionId own = floor_.presence.find_own(session.identity.name, session.identity.host);
  if (own) return own;
  return Error{Outcome::not_found, fmt::format("{} has not joined", quoted(session.identity.name))};
}

void AskDesk::answer(Session& session, protocol::AtAsk& ask) {
  const auto subject = subject_of(session);
  if (!subject) return session.answer(refusal(ask.id, subject.error()));
  floor_.events.tell(session.identity.name, ask.item.empty() ? "works on nothing" : "works on " + ask.item);
  floor_.presence.set_at(*subject, std::move(ask.item), floor_.clock.wall());
  outside_.changed();
  // Where one is outlives the server from the answer on.
  outside_.kept([this, key = session.key(), id = ask.id] {
    if (Session* told = outside_.by_key(key)) told->answer(protocol::Ok{id, std::nullopt});
  });
}

void AskDesk::answer(Session& session, const protocol::CameraAsk& ask) {
  const auto subject = subject_of(session);
  if (!subject) return session.answer(refusal(ask.id, subject.error()));
  Camera& camera = cameras_[*subject];
  const Instant now = loop_.now();
  if (now - camera.told >= kCameraPeriod) {
    camera = {now, false, 0, 0};
    floor_.presence.set_camera(*subject, ask.x, ask.y);
    outside_.changed();
  } else {
    camera = {camera.told, true, ask.x, ask.y};
    if (!camera_timer_.is_set()) camera_timer_.set_after(kCameraPeriod);
  }
  session.answer(protocol::Ok{ask.id, std::nullopt});
}

void AskDesk::publish_cameras() {
  for (auto& [session, camera] : cameras_) {
    if (!camera.is_pending) continue;
    floor_.presence.set_camera(session, camera.x, camera.y);
    camera = {loop_.now(), false, 0, 0};
  }
  outside_.changed();
}

void AskDesk::forget(SessionId session) {
  cameras_.erase(session);
  records_.forget(session);
}

// Whoever asks first after a change has it made, and pays for that.
template <class List>
void AskDesk::answer_listed(Session& session, protocol::AskId id, const List& list) {
  const std::uint64_t made = floor_.teller.lists_made();
  auto frame = protocol::encode_answer(list(floor_.teller), id);
  if (floor_.teller.lists_made() != made) session.add_cost(cost_of_making(frame.size_bytes()));
  answer_whole(session, id, std::move(frame));
}

void AskDesk::answer(Session& session, const protocol::UsersAsk& ask) {
  const auto round_trip_us = [this](SessionId id) -> std::uint64_t {
    const Session* here = outside_.by_id(id);
    if (here == nullptr || !here->identity.round_trip) return 0;
    return static_cast<std::uint64_t>(here->identity.round_trip->count());
  };
  // How long the ways are changes all the time, and need not be told to the second.
  const auto period =
      static_cast<std::uint64_t>(floor_.clock.monotonic().time_since_epoch() / kRoundTripsKept);
  answer_listed(session, ask.id, [&](Teller& teller) { return teller.users(period, round_trip_us); });
}

// --- Assets ---------------------------------------------------------------------------------------------------------

void AskDesk::answer(Session& session, const protocol::AssetsRead& ask) {
  answer_listed(session, ask.id, [](Teller& teller) { return teller.assets(); });
}

void AskDesk::answer(Session& session, const protocol::AssetsChange& ask) {
  if (session.identity.visit) {
    return session.answer(
        refusal(ask.id, {Outcome::refused, "a visit has no copies; join to announce them"}));
  }
  bool fits = true;
  for (const auto& [item, timestamp] : ask.items) {
    if (!timestamp) {
      floor_.assets.remove(session.identity.id, item);
    } else {
      fits &= set_copy(floor_, session.identity, item, *timestamp);
    }
  }
  outside_.changed();
  if (fits) return session.answer(protocol::Ok{ask.id, std::nullopt});
  session.answer(
      refusal(ask.id, {Outcome::refused, fmt::format("too many items: at most {} each and {} in all are kept",
                                                     kItemsMax, kItemsOnBoardMax)}));
}

// --- Transfers ------------------------------------------------------------------------------------------------------

Result<Session*> AskDesk::named_giver(const Session& taker, const std::string& name) const {
  const SessionId id = floor_.presence.find(name);
  Session* giver = outside_.by_id(id);
  if (giver == nullptr && floor_.presence.is_away(id)) {
    return Error{Outcome::not_found,
                 fmt::format("{} is away: the connection was lost; try again in a moment", quoted(name))};
  }
  if (giver == nullptr)
    return Error{Outcome::not_found, fmt::format("nobody named {} is here", quoted(name))};
  if (id == taker.identity.id) {
    return Error{Outcome::usage, fmt::format("you are {} yourself; name somebody else", quoted(name))};
  }
  if (!giver->identity.shares) return Error{Outcome::refused, fmt::format("{} shares nothing", quoted(name))};
  return giver;
}

// A visit's own copies are those of its user's session on the same machine.
bool AskDesk::is_own(const Session& taker, SessionId session) const {
  const Identity& who = taker.identity;
  if (!who.visit) return session == who.id;
  const User* user = floor_.presence.user(session);
  return user != nullptr && floor_.presence.find_own(who.name, who.host) == session && user->host == who.host;
}

Error AskDesk::nobody_has(const std::string& item) const {
  for (const std::string_view enclosing : enclosing_items(item)) {
    const Copy copy =
        floor_.assets.newest_of(enclosing, [&](SessionId id) { return floor_.presence.is_away(id); });
    const User* user = floor_.presence.user(copy.session);
    if (user == nullptr || !user->shares) continue;
    return {Outcome::not_found,
            fmt::format("only {} has {}, and is away: the connection was lost; try again in a moment",
                        quoted(user->name), quoted(enclosing))};
  }
  return {Outcome::not_found,
          fmt::format("nobody here who shares has told of a copy of {}; name a user to look there anyway",
                      quoted(item))};
}

Result<Session*> AskDesk::newest_giver(const Session& taker, const std::string& item) const {
  // Who is away cannot give: as with those who left, the next newest counts.
  const auto shares = [&](SessionId id) {
    const User* user = floor_.presence.user(id);
    return user != nullptr && user->shares && !floor_.presence.is_away(id);
  };
  for (const std::string_view enclosing : enclosing_items(item)) {
    Copy newest = floor_.assets.newest_of(enclosing, shares);
    if (!newest.session) continue;
    if (is_own(taker, newest.session)) {
      // Somebody who has one as new can give it, too: then there is nothing to fetch, and no reason to refuse.
      const Copy other =
          floor_.assets.newest_of(enclosing, [&](SessionId id) { return shares(id) && !is_own(taker, id); });
      if (other.session && other.timestamp == newest.timestamp) newest = other;
    }
    if (is_own(taker, newest.session)) {
      return Error{Outcome::superseded, fmt::format("the newest copy of {} is your own", quoted(enclosing))};
    }
    if (Session* giver = outside_.by_id(newest.session)) return giver;
  }
  return nobody_has(item);
}

Result<Session*> AskDesk::giver_for(const Session& taker, const protocol::GetAsk& ask) const {
  auto giver = ask.newest ? newest_giver(taker, ask.item) : named_giver(taker, ask.user);
  if (!giver) return giver;
  if (!(*giver)->identity.permissions.contains(Permission::serve))
    return Error{Outcome::refused, fmt::format("{} may not give", quoted((*giver)->identity.name))};
  if (auto listens = check_listens(**giver); !listens) return listens.error();
  return giver;
}

// Somebody who does not listen gets no more to do; what is told here is two a transfer.
Result<void> AskDesk::check_listens(const Session& session) {
  if (session.errands.size() < 4 * kTransfersPerSession) return {};
  return Error{Outcome::timed_out, fmt::format("{} does not listen", quoted(session.identity.name))};
}

void AskDesk::answer(Session& session, protocol::GetAsk& ask) {
  const auto found = giver_for(session, ask);
  if (!found) return session.answer(refusal(ask.id, found.error()));
  Session& giver = **found;
  Transfers::Request request;
  request.giver = {giver.identity.id, giver.identity.name};
  request.taker = {session.identity.id, session.identity.name, session.identity.origin};
  request.item = ask.item;
  request.kind = ask.list ? Transfers::Kind::look : Transfers::Kind::pull;
  const auto begun = floor_.transfers.begin(std::move(request), floor_.clock.wall());
  if (!begun) return session.answer(refusal(ask.id, begun.error()));
  // The relay sees nothing of what the two say under it.
  std::optional<AccessKey> key;
  if (!session.identity.key.empty()) key = make_access_key(system_random());
  giver.errands.push_back(protocol::Give{begun->id, begun->giver_ticket, session.identity.name,
                                         std::move(ask.item), ask.list, ask.compress, key,
                                         floor_.identity.data_port});
  outside_.due(giver.key());
  session.answer(protocol::TransferGranted{ask.id, begun->id, begun->taker_ticket, giver.identity.name,
                                           giver.identity.id, key, floor_.identity.data_port});
}

void AskDesk::answer(Session& session, const protocol::CancelAsk& ask) {
  std::optional<Error> why;
  if (ask.outcome) why = Error{*ask.outcome, escaped(ask.text, 256)};
  const auto cancelled = floor_.transfers.cancel(session.identity.id, ask.transfer, why);
  if (!cancelled) return session.answer(refusal(ask.id, cancelled.error()));
  session.answer(protocol::Ok{ask.id, std::nullopt});
}

void AskDesk::answer(Session& session, const protocol::WorkingAsk& ask) {
  floor_.transfers.on_working(session.identity.id, ask.transfers);
  session.answer(protocol::Ok{ask.id, std::nullopt});
}

// --- Status ---------------------------------------------------------------------------------------------------------

void AskDesk::answer(Session& session, const protocol::StatusAsk& ask) {
  const Counts counts = outside_.counts();
  protocol::Status status;
  status.re = ask.id;
  status.project = floor_.identity.project;
  status.server = floor_.identity.id;
  status.software = floor_.identity.software;
  status.started = floor_.identity.started;
  status.clock = floor_.clock.wall();
  status.sessions = counts.sessions;
  status.visits = counts.visits;
  status.connections = counts.connections;
  status.away = counts.away;
  status.revision = floor_.records.board().sequence();
  status.transfers = floor_.transfers.status();
  status.memory = resident_bytes();
  if (const Error* why = floor_.records.failure()) status.read_only = escaped(why->text, 256);
  answer_whole(session, ask.id, protocol::encode(protocol::ServerMessage(std::move(status))));
}

void AskDesk::answer(Session& session, const protocol::AuditAsk& ask) {
  outside_.audited([this, key = session.key(), ask] { read_audit(key, ask); });
}

void AskDesk::read_audit(std::uint64_t connection, const protocol::AuditAsk& ask) {
  floor_.records.read_history(
      [since = ask.since](History& history) { return history.audit(since, protocol::kAuditPerAnswer); },
      [this, key = connection, id = ask.id](Result<AuditListing> listed) {
        Session* reader = outside_.by_key(key);
        if (reader == nullptr) return;
        if (!listed) return reader->answer(refusal(id, listed.error()));
        protocol::AuditEntries entries{.re = id, .entries = {}, .last = listed->last};
        for (AuditEntry& each : listed->entries) {
          entries.entries.push_back({each.number, each.timestamp, std::move(each.user), std::move(each.what),
                                     std::move(each.about), std::move(each.key), std::move(each.from),
                                     std::move(each.text)});
        }
        reader->answer(std::move(entries));
      });
}

// --- Calls ----------------------------------------------------------------------------------------------------------

void AskDesk::answer(Session& session, protocol::CallAsk& ask) {
  const auto on_answer = [this](const CallWaiter& waiter, const Result<protocol::Document>& answer) {
    on_call_answered(waiter.connection, waiter.ask, answer);
  };
  const auto on_progress = [this](const CallWaiter& waiter, const protocol::Document& value) {
    on_call_progressed(waiter.connection, waiter.ask, value);
  };
  calls_.begin(session.as_caller, {.name = std::move(ask.name),
                                   .op = ask.op,
                                   .deadline = ask.deadline,
                                   .arguments = std::move(ask.arguments),
                                   .waiter = {session.key(), ask.id, on_answer, on_progress}});
}

// What was still to be told of its progress is not worth it any more.
void AskDesk::on_call_answered(std::uint64_t key, AskId ask, const Result<protocol::Document>& answer) {
  Session* session = outside_.by_key(key);
  if (session == nullptr) return;
  std::erase_if(session->errands, [ask](const protocol::ServerMessage& errand) {
    const auto* progress = std::get_if<protocol::CallProgress>(&errand);
    return progress != nullptr && progress->call == ask;
  });
  if (!answer) return session->answer(refusal(ask, answer.error()));
  session->answer(protocol::CallResult{ask, *answer});
}

// Of each call only the newest is kept for a session that does not listen.
void AskDesk::on_call_progressed(std::uint64_t key, AskId ask, const protocol::Document& value) {
  Session* session = outside_.by_key(key);
  if (session == nullptr) return;
  for (protocol::ServerMessage& errand : session->errands) {
    auto* progress = std::get_if<protocol::CallProgress>(&errand);
    if (progress == nullptr || progress->call != ask) continue;
    progress->value = value;
    return;
  }
  if (session->errands.size() >= kErrandsMax) return;
  session->errands.push_back(protocol::CallProgress{ask, value});
  outside_.due(key);
}

void AskDesk::answer(Session& session, const protocol::CallCancelAsk& ask) {
  const auto cancelled =
      ask.op ? calls_.cancel(session.key(), *ask.op) : calls_.cancel(session.key(), *ask.call);
  if (!cancelled) return session.answer(refusal(ask.id, cancelled.error()));
  session.answer(protocol::Ok{ask.id, std::nullopt});
}

void AskDesk::answer(Session& session, const protocol::CallsAsk& ask) {
  session.answer(protocol::CallList{ask.id, calls_.registry().list()});
}

void AskDesk::answer(Session& session, const protocol::OfferAsk& ask) {
  auto offered = check_call(session.identity.permissions, "offer");
  if (offered) offered = offers_.offer(session, ask);
  if (!offered) return session.answer(refusal(ask.id, offered.error()));
  session.answer(protocol::Ok{ask.id, std::nullopt});
}

void AskDesk::answer(Session& session, const protocol::CalledAsk& ask) {
  const auto heard = offers_.on_called(session, ask);
  if (!heard) return session.answer(refusal(ask.id, heard.error()));
  session.answer(protocol::Ok{ask.id, std::nullopt});
}

}  // namespace callboard::server
