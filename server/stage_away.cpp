#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"
#include "server/stage.h"

// Sessions that come back. What becomes of one:
//
//   here  ->  away (its connection was lost)  ->  here again (with its secret)   nobody else hears of it
//                                             ->  left (its time is over)        told like any other
//
// One whose connection is not known to be lost yet goes on over the other that shows the secret. After a start of the server
// all of the one before are away.
namespace callboard::server {
namespace {

// How long nobody is told of copies after a start, so that those which come back are not told as gone and new.
constexpr Duration kSettlingLimit = 5s;

// Between what it has heard for certain and what it was told, it may have heard anything.
Cursor resumed_from(Cursor heard, Cursor told) {
  heard.perhaps = std::max({heard.perhaps, told.perhaps, told.version});
  return heard;
}

Away away_of(const Session& session, const Error& why) {
  Away away{session.identity, session.heard, lasting_errands(session), why};
  away.heard.users = resumed_from(session.heard.users, session.mailbox.users);
  away.heard.at = resumed_from(session.heard.at, session.mailbox.at);
  away.heard.assets = resumed_from(session.heard.assets, session.mailbox.assets);
  // It may have entered some since then, also one that it had left.
  away.heard.zones = session.mailbox.zones;
  for (ZoneCursor& zone : away.heard.zones) {
    const auto heard = std::ranges::find(session.heard.zones, zone.zone, &ZoneCursor::zone);
    const bool is_known = heard != session.heard.zones.end() && heard->records.began == zone.records.began &&
                          heard->records.version <= zone.records.version;
    zone.records = resumed_from(is_known ? heard->records : Cursor{}, zone.records);
  }
  return away;
}

}  // namespace

// --- Going ----------------------------------------------------------------------------------------------------------

// Who had not joined yet may not even have heard who it is: it joins anew.
bool Stage::may_come_back(const Session& session) const {
  const bool was_here = session.is_joined() || session.is_resumed;
  return was_here && session.is_lost() && session.identity.secret && !is_saying_goodbye_ &&
         options_.grace > 0s;
}

void Stage::go_away(Session& session, const Error& why) {
  presence_.set_away(session.identity.id, true);
  const auto displaced = away_.add(away_of(session, why), loop_.now() + options_.grace);
  if (displaced) depart_away(*displaced, displaced->why);
  set_away_timer();
}

void Stage::depart_away(const Away& away, const Error& why) {
  documents_.on_unheard(away.identity.name, away.errands);
  depart(away.identity, why);
  events_.note({.kind = Event::Kind::connection,
                .user = away.identity.name,
                .text = "session closed",
                .fields = {{"id", to_text(away.identity.id)},
                           {"away", true},
                           {"outcome", to_text(why.outcome)},
                           {"reason", why.text}}});
}

void Stage::end_away(const std::function<bool(const Identity&)>& is_meant, const Error& why) {
  for (const Away& away : away_.take_if(is_meant)) depart_away(away, why);
  set_away_timer();
}

void Stage::on_away_due() {
  if (is_saying_goodbye_) return;
  for (const Away& away : away_.take_due(loop_.now())) depart_away(away, away.why);
  set_away_timer();
}

void Stage::set_away_timer() {
  if (const auto deadline = away_.next_deadline()) {
    away_timer_.set_at(*deadline);
  } else {
    away_timer_.cancel();
  }
}

// --- Coming back ----------------------------------------------------------------------------------------------------

// Nobody goes on with the session of another key, whatever else they know.
bool Stage::is_of_key(SessionId id, const std::string& key) const {
  const Session* here = by_id(id);
  const Away* away = away_.find(id);
  return (here == nullptr || here->identity.key == key) && (away == nullptr || away->identity.key == key);
}

bool Stage::resume(Session& session, const protocol::server_action::Admission& admission) {
  if (!admission.resume || !admission.secret || options_.grace <= 0s) return false;
  if (!is_of_key(*admission.resume, session.identity.key)) return false;
  const Sha256 secret = sha256_of(*admission.secret);
  auto away = away_.take(*admission.resume, secret);
  if (!away) away = take_over(*admission.resume, secret);
  if (!away) return false;
  set_away_timer();
  const SessionId id = away->identity.id;
  session.identity = std::move(away->identity);
  session.errands = std::move(away->errands);
  // Documents are settled by the join.
  session.mailbox.users = away->heard.users;
  session.mailbox.at = away->heard.at;
  session.mailbox.assets = away->heard.assets;
  session.mailbox.zones = std::move(away->heard.zones);
  record_desk_.on_resumed(id, session.mailbox);
  session.mailbox.messages =
      std::min(std::max(away->heard.messages, admission.heard), records_.board().last_message());
  session.heard = session.mailbox;
  keys_.emplace(id, session.key());
  presence_.set_away(id, false);
  presence_.set_host(id, admission.host, admission.shares);
  return true;
}

std::optional<Away> Stage::take_over(SessionId id, const Sha256& secret) {
  Session* former = by_id(id);
  if (former == nullptr || !is_proven(former->identity, secret)) return std::nullopt;
  const Error why{Outcome::superseded, "its session goes on over another connection"};
  Away away = away_of(*former, why);
  keys_.erase(id);
  transfers_.on_session_left(id, away.identity.name);
  offers_.leave(id);
  former->close(why.outcome, why.text);
  return away;
}

std::optional<Identity> Stage::identity_of(SessionId id) const {
  if (const Session* here = by_id(id)) return here->identity;
  const Away* away = away_.find(id);
  if (away == nullptr) return std::nullopt;
  Identity identity = away->identity;
  identity.permissions = people_.permissions_of(identity);
  return identity;
}

std::vector<protocol::ServerMessage>* Stage::errands_of(SessionId id) {
  if (Session* session = by_id(id)) return &session->errands;
  Away* away = away_.find(id);
  return away == nullptr ? nullptr : &away->errands;
}

// --- From one server to the next ------------------------------------------------------------------------------------

Bytes Stage::kept_now() const {
  KeptSessions kept;
  if (is_saying_goodbye_) kept.stopped = clock_.wall();
  kept.measures = people_.measures();
  presence_.users().for_each([&](SessionId id, const User& user) {
    const Session* here = by_id(id);
    const Away* away = away_.find(id);
    if (here == nullptr && away == nullptr) return;
    const Identity& identity = here != nullptr ? here->identity : away->identity;
    if (!identity.secret) return;
    kept.sessions.push_back(
        {id, *identity.secret, identity.workstation, user, *presence_.at(id), identity.key});
  });
  return encoded(kept);
}

void Stage::restore() {
  if (options_.grace <= 0s) return;
  KeptSessions kept = std::exchange(options_.kept, {});
  people_.restore(kept.measures);
  const Timestamp now = clock_.wall();
  const auto since_stop = std::chrono::milliseconds(now.ms - kept.stopped.ms);
  // Of one that was killed nobody knows when.
  if (kept.stopped != Timestamp{} && (since_stop < 0ms || since_stop > options_.grace)) return;
  for (const KeptSession& session : kept.sessions) {
    Away away;
    away.identity.id = session.id;
    away.identity.secret = session.secret;
    away.identity.key = session.key;
    if (!people_.gate().is_welcome(away.identity)) continue;
    away.identity.workstation = session.workstation;
    away.identity.asked_name = session.user.asked_name;
    away.identity.host = session.user.host;
    // Where it came from on an open server nobody remembers.
    away.identity.origin = session.key.empty() ? session.user.host : session.key;
    away.identity.shares = session.user.shares;
    away.why = {Outcome::interrupted, "it did not come back after the server was started anew"};
    presence_.restore(session.id, session.user, session.at);
    presence_.set_away(session.id, true);
    away.identity.name = presence_.user(session.id)->name;
    const auto displaced = away_.add(std::move(away), loop_.now() + options_.grace);
    if (displaced) depart_away(*displaced, displaced->why);
    expected_.insert(session.id);
  }
  if (expected_.empty()) return;
  events_.info("sessions expected back", {{"count", expected_.size()}});
  settling_timer_.set_after(kSettlingLimit);
  set_away_timer();
}

void Stage::on_settled(SessionId session) {
  if (expected_.erase(session) == 0 || !expected_.empty()) return;
  settling_timer_.cancel();
  schedule_tells();
}

}  // namespace callboard::server
