#include "server/stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"
#include "base/text.h"
#include "protocol/codec.h"
#include "server/calls/server_calls.h"
#include "server/key_calls.h"
#include "server/lock_check.h"
#include "server/log_calls.h"
#include "server/memory.h"
#include "server/people_calls.h"
#include "server/record_history_calls.h"
#include "server/services/retention_service.h"
#include "server/stage_views.h"

namespace callboard::server {
namespace {

// A session that began or ended, and what somebody works on, are worth keeping at once; cameras move all the time.
constexpr Duration kBookSoon = 0ms;
constexpr Duration kBookPeriod = 1s;

protocol::Writable writable_tell(const Error* why) {
  return {why == nullptr, why == nullptr ? "" : escaped(why->text, 256)};
}

// In one datagram of the system's, before it is closed: nothing is kept for it. A peer that speaks TLS would take it for
// something else.
void turn_away(net::TcpConnection& connection, const Error& why, bool is_keyed) {
  if (is_keyed) return;
  connection.start({});
  const auto bye = protocol::encode(protocol::ServerMessage(protocol::Bye{why.outcome, why.text}));
  connection.write_at_once(bye.head);
}

}  // namespace

Stage::Stage(net::Loop& loop, Options options, const Clock& clock, RandomSource random, EventLog& events,
             std::unique_ptr<Log> log, Recovered recovered)
    : loop_(loop),
      options_(std::move(options)),
      clock_(clock),
      random_(std::move(random)),
      events_(events),
      people_(loop, clock, random_, events, std::move(options_.keys), Views::of_people(*this)),
      records_(loop, std::move(log), std::move(recovered), events,
               {options_.retention, clock_, options_.disk_probe_period}, Views::of_records(*this)),
      teller_(records_.board(), records_.editions(), presence_, assets_),
      transfers_(loop, random_, events, Views::of_transfers(*this)),
      floor_{options_.identity, clock_, events_, records_, presence_, assets_, teller_, transfers_},
      documents_(floor_, Views::of_documents(*this)),
      record_desk_(loop, floor_, options_.schema, Views::of_record_desk(*this)),
      locks_(loop, floor_, record_desk_, options_.grace, options_.locks),
      pings_(loop, Views::of_pings(*this)),
      calls_(loop),
      offers_(calls_.registry(), {.by_id = [this](SessionId id) { return by_id(id); },
                                  .due = [this](std::uint64_t key) { schedule_tell(key); }}),
      asks_(loop, floor_, documents_, record_desk_, calls_, offers_, Views::of_asks(*this)),
      deadlines_(loop,
                 [this](std::uint64_t key, Instant at) {
                   Session* session = by_key(key);
                   if (session != nullptr && session->watch.take(at)) session->on_time(loop_.now());
                 }),
      decoding_(loop, 1),
      idle_memory_(loop, decoding_),
      away_timer_(loop, [this] { on_away_due(); }),
      book_(loop, events, {[this] { return kept_now(); }, options_.grace > 0s ? options_.keep : nullptr}),
      settling_timer_(loop,
                      [this] {
                        expected_.clear();
                        schedule_tells();
                      }),
      doorway_(options_.door, events, {&resident_bytes, [this] { idle_memory_.give_back(); }}),
      pacing_(loop, options_.pace) {
  add_calls();
  restore();
}

void Stage::add_calls() {
  CallRegistry& calls = calls_.registry();
  locks_.add_calls(calls, people_);
  pings_.add_call(calls);
  add_record_history_calls(calls, floor_, record_desk_);
  add_record_restore_call(calls, {floor_, record_desk_, options_.schema, options_.locks});
  add_retention_call(calls, records_, options_.retention);
  add_server_calls(calls, {floor_, [this] { return counts(); }, options_.data, options_.programs});
  add_people_calls(calls, people_, [this](const std::string& permission) {
    return Permission(permission).is_built_in() || calls_.registry().asks_for(permission) ||
           transfers_.server_channels().asks_for(permission) || options_.schema.asks_for(permission) ||
           people_.gate().has_role_with(permission);
  });
  add_log_call(calls, loop_, events_);
  if (!options_.data.empty())
    add_key_calls(calls, loop_, people_, {options_.data, options_.identity.project});
}

Stage::~Stage() {
  *is_alive_ = false;
  calls_.abandon();
}

std::optional<Secret> Stage::find_secret(std::string_view identity) {
  return people_.gate().find_secret(identity);
}

Session* Stage::by_key(std::uint64_t key) const {
  const auto it = sessions_.find(key);
  return it == sessions_.end() ? nullptr : it->second.get();
}

Session* Stage::by_id(SessionId id) const {
  const auto it = keys_.find(id);
  return it == keys_.end() ? nullptr : by_key(it->second);
}

Counts Stage::counts() const {
  return {keys_.size() - visits_, visits_, sessions_.size() + 2 * transfers_.size(), away_.size()};
}

// --- Coming ---------------------------------------------------------------------------------------------------------

void Stage::accept(std::unique_ptr<net::TcpConnection> connection) {
  if (stopped_) return;
  people_.gate().look();
  const auto place = doorway_.come(connection->peer(), loop_.now());
  if (!place) return turn_away(*connection, place.error(), people_.gate().is_keyed());
  protocol::ServerSessionConfig config;
  config.project = options_.identity.project;
  config.server = options_.identity.id;
  config.software = options_.identity.software;
  config.wall = clock_.wall();
  config.limits = options_.limits;
  config.handshake_limit = options_.handshake_limit;
  const std::uint64_t key = ++last_key_;
  SessionHost& host = *this;
  auto session = std::make_unique<Session>(key, std::move(connection), std::move(config), host, loop_.now());
  Session& started = *session;
  started.place = *place;
  sessions_.emplace(key, std::move(session));
  idle_memory_.on_coming_or_going();
  started.start(people_.gate().is_keyed() ? Session::Access::keyed : Session::Access::open);
}

void Stage::on_ticket(Session& session, UniqueId ticket) {
  deadlines_.forget(session.key(), session.watch);
  transfers_.on_ticket(session, ticket);
}

void Stage::on_admission(Session& session, const protocol::server_action::Admission& asked) {
  if (stopped_) return session.close(Outcome::interrupted, "the server stops");
  const auto admission = people_.gate().permitted(session.identity, asked);
  session.is_resumed = resume(session, admission);
  if (!session.is_resumed && !admission.visit) {
    end_predecessor(admission, session.identity.key);
    if (is_leaving(admission.name)) {
      return book_.on_written_now([this, key = session.key(), asked] {
        Session* waiting = by_key(key);
        if (waiting != nullptr && !waiting->is_over()) on_admission(*waiting, asked);
      });
    }
  }
  if (auto let_in = people_.gate().let_in(session.identity, session.is_resumed); !let_in) {
    return session.close(let_in.error().outcome, let_in.error().text);
  }
  doorway_.admit(session.place);
  if (!session.is_resumed) open(session, admission);
  Identity& identity = session.identity;
  identity.host = admission.host;
  identity.shares = admission.shares && !admission.visit;
  identity.workstation = admission.workstation;
  identity.patches = admission.patches;
  identity.clock_offset = admission.clock_offset;
  identity.origin = identity.key.empty() ? net::network_of(session.peer().host) : identity.key;
  people_.on_let_in(session);
  note_opened(session, admission.software);
  welcome(session, admission.resumable);
}

void Stage::open(Session& session, const protocol::server_action::Admission& admission) {
  Identity& identity = session.identity;
  do {
    identity.id = make_session_id(clock_.wall(), random_);
  } while (keys_.contains(identity.id) || away_.contains(identity.id));
  identity.name = admission.name;
  identity.asked_name = admission.name;
  identity.visit = admission.visit;
  identity.workstation = admission.workstation;
  keys_.emplace(identity.id, session.key());
  if (identity.visit) {
    ++visits_;
    return;
  }
  User user;
  user.name = identity.name;
  user.host = admission.host;
  user.shares = admission.shares;
  user.joined = clock_.wall();
  identity.name = presence_.join(identity.id, std::move(user)).name;
  schedule_tells();
}

void Stage::note_opened(const Session& session, const std::string& software) {
  const Identity& identity = session.identity;
  const bool is_news = !identity.visit && !session.is_resumed;
  Event event{.kind = Event::Kind::connection,
              .user = identity.name,
              .text = "session opened",
              .fields = {{"id", to_text(identity.id)},
                         {"peer", net::to_text(session.peer())},
                         {"visit", identity.visit},
                         {"shares", identity.shares},
                         {"software", software},
                         {"clock_offset_ms", identity.clock_offset.count()},
                         {"resumed", session.is_resumed}},
              .told = is_news ? "connected" : ""};
  if (!identity.key.empty()) event.fields.emplace_back("key", identity.key);
  events_.note(std::move(event));
}

void Stage::welcome(Session& session, bool is_resumable) {
  Identity& identity = session.identity;
  protocol::Welcome welcome;
  welcome.session = identity.id;
  welcome.name = identity.name;
  welcome.resumed = session.is_resumed;
  welcome.schema = record_desk_.schema_hash();
  if (is_resumable && options_.grace > 0s) {
    welcome.grace = std::chrono::duration_cast<std::chrono::milliseconds>(options_.grace);
    if (!session.is_resumed) {
      welcome.secret = make_unique_id(random_);
      identity.secret = sha256_of(*welcome.secret);
    }
  }
  auto admit = [this, welcome = std::move(welcome)](Session& admitted) mutable {
    welcome.clock = clock_.wall();
    admitted.admit(std::move(welcome));
  };
  if (!welcome.secret) return admit(session);
  // Whoever knows the secret of a session finds it again, whatever becomes of this process.
  book_.on_written_now([this, key = session.key(), admit]() mutable {
    Session* admitted = by_key(key);
    if (admitted != nullptr && !admitted->is_over()) admit(*admitted);
  });
}

// A workstation that comes back before its lost session was noticed. That one goes first: its name is free then.
void Stage::end_predecessor(const protocol::server_action::Admission& joining, const std::string& key) {
  if (!joining.workstation) return;
  const Error why{Outcome::superseded, "the same workstation joined again"};
  if (const auto away = away_.take_of(*joining.workstation, joining.name, key)) depart_away(*away, why);
  const auto found = std::ranges::find_if(keys_, [&](const auto& entry) {
    const Identity& other = by_key(entry.second)->identity;
    return other.workstation == joining.workstation && other.asked_name == joining.name && other.key == key;
  });
  if (found == keys_.end()) return;
  Session& predecessor = *by_key(found->second);
  predecessor.close(why.outcome, why.text);
}

void Stage::on_document_claimed(Session& session, protocol::DocumentClaim claim) {
  const Permission needed = write_permission(claim.record);
  // It joins with what there is, and is told that its own does not stand.
  if (!session.identity.permissions.contains(needed)) claim.document = nullptr;
  if (claim.document != nullptr && options_.locks == LockPolicy::refuse &&
      !check_locks(record_desk_, record_desk_.author_of(session.identity), claim.record, clock_.wall()))
    claim.document = nullptr;
  documents_.on_claim(session, std::move(claim));
}

void Stage::on_records_changed() {
  documents_.on_texts();
  schedule_tells();
}

void Stage::on_writable(const Error* why) {
  if (why == nullptr) {
    people_.gate().on_writable();
    locks_.on_writable();
  }
  tell_all(writable_tell(why));
}

void Stage::tell_all(const protocol::ServerMessage& errand) {
  for (const auto& [id, key] : keys_) {
    Session& session = *by_key(key);
    if (session.errands.size() < kErrandsMax) session.errands.push_back(errand);
  }
  schedule_tells();
}

void Stage::shut(const Error* why) {
  doorway_.shut(why == nullptr ? "" : why->text);
  tell_all(protocol::Admitting{why == nullptr, doorway_.why_shut()});
}

void Stage::end_largest() {
  Session* largest = nullptr;
  for (const auto& [key, session] : sessions_) {
    if (largest == nullptr || session->held_bytes() > largest->held_bytes()) largest = session.get();
  }
  const std::uint64_t held_bytes = largest == nullptr ? 0 : largest->held_bytes();
  if (held_bytes < kUnsentBeforeHolding) return;
  events_.warn("a session ended for its memory", {{"id", to_text(largest->identity.id)},
                                                  {"peer", net::to_text(largest->peer())},
                                                  {"bytes", held_bytes}});
  largest->let_go(
      {Outcome::failed, fmt::format("the server has no memory left, and your session takes most of it: {}",
                                    human_bytes(held_bytes))});
}

void Stage::on_assets_claimed(Session& session, const protocol::AssetsClaim& claimed) {
  const bool may_announce = session.identity.permissions.contains(Permission::assets_write);
  static const protocol::AssetsClaim kNothing;
  const protocol::AssetsClaim& claim = may_announce ? claimed : kNothing;
  const Identity& identity = session.identity;
  std::size_t left_out = 0;
  for (const auto& [item, timestamp] : claim.items) {
    if (!set_copy(floor_, identity, item, timestamp)) ++left_out;
  }
  if (left_out > 0) {
    events_.warn("too many items on the board, some left out",
                 {{"id", to_text(identity.id)}, {"left_out", left_out}, {"limit", kItemsOnBoardMax}});
  }
  if (session.is_resumed) {
    // What it has no more it has removed while it was away.
    assets_.retain(identity.id, [&](const std::string& item) { return claim.items.contains(item); });
  }
  on_settled(identity.id);
  schedule_tells();
  // Who comes back is told what it has missed, like any other change.
  session.settle(session.is_resumed ? protocol::Assets{} : teller_.first_assets(session.mailbox.assets));
}

void Stage::on_joined(Session& session) {
  if (session.identity.visit) return;
  Mailbox& mailbox = session.mailbox;
  // The list of users, which is due first, says where everybody is.
  if (mailbox.users.version == 0) mailbox.at = presence_.ats().newest();
  const std::uint64_t last = records_.board().last_message();
  if (!session.is_resumed || mailbox.messages == 0) {
    mailbox.messages = last > kMessagesPerTell ? last - kMessagesPerTell : 0;
  }
  session.heard = mailbox;
  // Whoever is told nothing takes it that the disk takes writes.
  if (const Error* why = records_.failure()) session.errands.push_back(writable_tell(why));
  if (const std::string& why = doorway_.why_shut(); !why.empty())
    session.errands.push_back(protocol::Admitting{false, why});
  documents_.on_joined(session);
}

void Stage::on_clock(Session& session, const protocol::server_action::ClockTold& told) {
  session.identity.clock_offset = followed(session.identity.clock_offset, told, clock_.wall());
  if (!told.is_ping) return;
  using std::chrono::microseconds;
  // Quicker than can be told is measured, too.
  const auto took = std::max(std::chrono::duration_cast<microseconds>(*told.round_trip), microseconds(1));
  session.identity.round_trip = took;
  pings_.on_round_trip(session.key(), took);
}

void Stage::on_asked(Session& session, protocol::ClientMessage&& ask) {
  asks_.on_asked(session, std::move(ask));
}

void Stage::on_reported(Session& session, const protocol::CallProgressed& progress) {
  offers_.on_progress(session, progress);
}

void Stage::on_deadline(Session& session) {
  auto deadline = session.next_deadline();
  if (!deadline) return;
  // Who is held back waits for less.
  const Instant now = loop_.now();
  if (*deadline >= now + 10 * kDeadlineGrain) {
    // Who was given the turn has longer for the answer than until the next heartbeat after it: most answer at once.
    deadline = std::min(*deadline, now + options_.limits.heartbeat);
    const Duration beyond = deadline->time_since_epoch() % kDeadlineGrain;
    if (beyond != 0ns) *deadline += kDeadlineGrain - beyond;
  }
  deadlines_.watch(session.key(), session.watch, *deadline);
}

void Stage::on_large_frame(Session& session, protocol::FrameView frame, Bytes bytes) {
  decoding_.submit([frame, bytes = std::move(bytes)](
                       const std::stop_token&) { return protocol::decode_client(frame.kind, frame.body); },
                   [this, key = session.key()](Result<protocol::ClientMessage> message) {
                     if (Session* sender = by_key(key)) sender->on_decoded(std::move(message));
                   });
}

// --- Telling --------------------------------------------------------------------------------------------------------

// At once: a client that wants the turn back in the same breath must hear what is due to it all the same.
void Stage::on_may_tell(Session& session) { tell_due(session); }

void Stage::on_transfer_over(SessionId id, const protocol::TransferOver& over) {
  Session* session = by_id(id);
  if (session == nullptr) return;
  // Who has not heard of it yet need not hear that it is over.
  const auto unheard = std::erase_if(session->errands, [&](const protocol::ServerMessage& errand) {
    const auto* give = std::get_if<protocol::Give>(&errand);
    const auto* channel = std::get_if<protocol::ChannelTell>(&errand);
    return (give != nullptr && give->transfer == over.transfer) ||
           (channel != nullptr && channel->transfer == over.transfer);
  });
  if (unheard > 0) return;
  session->errands.push_back(over);
  schedule_tell(session->key());
}

void Stage::schedule_tells() {
  all_due_ = true;
  schedule_tell(0);
}

void Stage::schedule_tell(std::uint64_t key) {
  if (key != 0 && !all_due_) due_.push_back(key);
  if (std::exchange(is_tell_scheduled_, true)) return;
  loop_.at_end_of_turn([this, is_alive = is_alive_] {
    if (*is_alive) tell_due();
  });
}

void Stage::tell_due() {
  is_tell_scheduled_ = false;
  if (presence_.ats().head() != std::exchange(booked_.second, presence_.ats().head())) {
    book_.on_change(kBookSoon);
  } else if (presence_.users().head() != std::exchange(booked_.first, presence_.users().head())) {
    book_.on_change(kBookPeriod);
  }
  std::vector<std::uint64_t> keys = std::exchange(due_, {});
  if (std::exchange(all_due_, false)) {
    keys.clear();
    keys.reserve(keys_.size());
    for (const auto& [id, key] : keys_) keys.push_back(key);
  }
  for (const std::uint64_t key : keys) {
    if (Session* session = by_key(key)) tell_due(*session);
  }
}

void Stage::tell_due(Session& session) {
  if (!session.may_tell()) return;
  // What it grew to is kept from one session to the next.
  Teller::Frames frames = std::exchange(told_, {});
  for (auto& errand : std::exchange(session.errands, {})) {
    frames.push_back(protocol::encode(errand));
    if (is_lasting(errand)) session.errands_unheard.push_back(std::move(errand));
  }
  const Teller::Listener listener{session.identity.id, session.identity.patches, !is_settling()};
  if (!session.identity.visit) teller_.take_due(listener, session.mailbox, frames);
  record_desk_.take_due(session.identity, session.mailbox, frames);
  const bool is_told = !frames.empty();
  if (is_told) session.tell(frames);
  frames.clear();
  told_ = std::move(frames);
  if (!is_told) return;
  // One piece a turn each: a long catching-up of one does not hold up the others.
  const bool is_more = !session.identity.visit && teller_.is_due(listener, session.mailbox);
  if (is_more || record_desk_.is_due(session.mailbox)) schedule_tell(session.key());
}

// --- Going ----------------------------------------------------------------------------------------------------------

void Stage::on_over(Session& session, const Error& why) {
  deadlines_.forget(session.key(), session.watch);
  leave(session, why);
}

void Stage::leave(Session& session, const Error& why) {
  const Identity& identity = session.identity;
  const auto known = keys_.find(identity.id);
  if (known == keys_.end() || known->second != session.key()) {
    if (!is_saying_goodbye_) people_.on_not_let_in(session, why);
    events_.debug(
        "connection closed before a session",
        {{"peer", net::to_text(session.peer())}, {"outcome", to_text(why.outcome)}, {"reason", why.text}});
    return;
  }
  keys_.erase(known);
  pings_.forget(session.key());
  transfers_.on_session_left(identity.id, identity.name);
  offers_.leave(identity.id);
  if (!session.is_lost()) calls_.leave(session.key());
  const bool is_away = may_come_back(session);
  if (is_away) {
    go_away(session, why);
  } else if (identity.visit) {
    --visits_;
    asks_.forget(identity.id);
    if (!is_saying_goodbye_) locks_.on_departed(identity.id);
    people_.on_left(identity);
  } else {
    documents_.on_unheard(identity.name, lasting_errands(session));
    depart(identity, why);
  }
  events_.note({.kind = Event::Kind::connection,
                .user = identity.name,
                .text = is_away ? "session away" : "session closed",
                .fields = {{"id", to_text(identity.id)},
                           {"peer", net::to_text(session.peer())},
                           {"outcome", to_text(why.outcome)},
                           {"reason", why.text},
                           {"sent_bytes", session.sent_bytes()},
                           {"received_bytes", session.received_bytes()}}});
}

void Stage::depart(const Identity& identity, const Error& why) {
  const std::string reason = escaped(why.text, 256);
  asks_.forget(identity.id);
  on_settled(identity.id);
  // Copies name their user: they go first.
  assets_.leave(identity.id);
  people_.on_left(identity);
  events_.tell(identity.name, "disconnected: " + reason);
  schedule_tells();
  departing_.insert_or_assign(identity.id, reason);
  // Those of a stop may come back, and nothing of it is written down.
  if (is_saying_goodbye_) return finish_departure(identity.id);
  locks_.on_departed(identity.id);
  // Whoever was told to have left must not be here again after a crash.
  book_.on_written_now([this, id = identity.id] { finish_departure(id); });
}

void Stage::finish_departure(SessionId id) {
  const auto departing = departing_.extract(id);
  if (departing.empty()) return;
  presence_.leave(id, departing.mapped());
  schedule_tells();
}

// Nobody is called "rigging (2)" because of a rigging of whom others have yet to be told that they left.
bool Stage::is_leaving(const std::string& asked_name) const {
  return std::ranges::any_of(departing_, [&](const auto& departing) {
    const User* user = presence_.user(departing.first);
    return user != nullptr && user->asked_name == asked_name;
  });
}

void Stage::on_closed(Session& session) {
  const std::uint64_t key = session.key();
  deadlines_.forget(key, session.watch);
  auto node = sessions_.extract(key);
  ENSURE(!node.empty());
  doorway_.leave(session.place);
  loop_.retire(std::move(node.mapped()));
  idle_memory_.on_coming_or_going();
  transfers_.on_connection_lost(key);
  continue_stop();
}

void Stage::stop(Outcome outcome, const std::string& reason, std::function<void()> done) {
  ENSURE(!stopped_);
  stopped_ = std::move(done);
  calls_.stop(reason);
  // Who changes keys is to know what became of it.
  calls_.when_written([this, outcome, reason] { say_goodbye(outcome, reason); });
}

void Stage::say_goodbye(Outcome outcome, const std::string& reason) {
  is_saying_goodbye_ = true;
  away_timer_.cancel();
  settling_timer_.cancel();
  people_.gate().stop([this] {
    is_gate_closed_ = true;
    continue_stop();
  });
  idle_memory_.stop();
  // With everybody who is here at this moment: they may come back to the next server.
  book_.finish([this] {
    is_booked_ = true;
    continue_stop();
  });
  transfers_.end_all({Outcome::interrupted, "the server stops: " + reason});
  // Who listens hears how their transfers ended before the goodbye.
  all_due_ = true;
  tell_due();
  std::vector<std::uint64_t> keys;
  for (const auto& [key, session] : sessions_) keys.push_back(key);
  for (const std::uint64_t key : keys) {
    if (Session* session = by_key(key)) session->close(outcome, reason);
  }
  continue_stop();
}

void Stage::continue_stop() {
  if (!stopped_ || !sessions_.empty() || !is_booked_ || !is_gate_closed_ || is_finishing_) return;
  is_finishing_ = true;
  records_.finish([this] { stopped_(); });
}

}  // namespace callboard::server
