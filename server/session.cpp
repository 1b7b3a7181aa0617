#include "server/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"
#include "base/reused.h"
#include "protocol/codec.h"
#include "protocol/faults.h"

namespace callboard::server {

namespace action = protocol::server_action;

// Frames of one tell that go out without a way through the machine: as many as a turn mostly has.
constexpr std::size_t kToldAtOnce = 4;

namespace {

struct Paced {
  Pace Paces::*pace;
  std::string_view what;
  std::uint64_t per_second;
};

Paced paced_as(AskCost::Kind kind, const PaceLimits& limits) {
  switch (kind) {
    case AskCost::Kind::write:
      return {&Paces::writes, "writes", limits.writes};
    case AskCost::Kind::message:
      return {&Paces::messages, "messages", limits.messages};
    case AskCost::Kind::ask:
      break;
  }
  return {&Paces::asks, "asks", limits.asks};
}

}  // namespace

bool is_lasting(const protocol::ServerMessage& errand) {
  return !std::holds_alternative<protocol::Give>(errand) &&
         !std::holds_alternative<protocol::ChannelTell>(errand) &&
         !std::holds_alternative<protocol::TransferOver>(errand) &&
         !std::holds_alternative<protocol::Writable>(errand) &&
         !std::holds_alternative<protocol::Admitting>(errand) &&
         !std::holds_alternative<protocol::Slower>(errand) &&
         !std::holds_alternative<protocol::CallProgress>(errand) &&
         !std::holds_alternative<protocol::CallTell>(errand) &&
         !std::holds_alternative<protocol::CallCancelTell>(errand);
}

Session::Session(std::uint64_t key, std::unique_ptr<net::TcpConnection> connection,
                 protocol::ServerSessionConfig config, SessionHost& host, Instant now)
    : key_(key), host_(host), connection_(std::move(connection)), machine_(std::move(config), now) {}

void Session::start(Access access) {
  as_caller.from = net::to_text(connection_->peer());
  if (access == Access::keyed) knock_deadline_ = system_clock().monotonic() + kKnockLimit;
  connection_->start({.on_connected = {},
                      .on_bytes = [this](ByteView bytes) { on_bytes(bytes); },
                      .on_drained = [this] { on_drained(); },
                      .on_ended = [this](const Error& why) { on_ended(why); },
                      .on_secured = [this] { on_secured(); },
                      .on_held_up = [this] { on_held_up(); }});
  if (access == Access::open) return perform();
  host_.on_deadline(*this);
}

// No frame begins as TLS does.
void Session::on_knock(ByteView bytes) {
  knock_deadline_.reset();
  if (net::TlsEngine::is_beginning(bytes.front())) {
    auto engine = net::TlsEngine::server([this](std::string_view named) {
      if (is_key_identity(named)) tried_key_ = named;
      return host_.find_secret(named);
    });
    return connection_->secure(std::move(engine), bytes);
  }
  machine_.require_key();
  on_bytes(bytes);
}

void Session::on_secured() {
  identity.key = connection_->key_identity();
  perform();
}

// --- The connection -------------------------------------------------------------------------------------------------

void Session::on_bytes(ByteView bytes) {
  if (knock_deadline_) return on_knock(bytes);
  if (is_waiting_) return wait_with(bytes);
  const Instant now = system_clock().monotonic();
  reader_.push(bytes);
  machine_.on_progress(now);
  read_frames(now);
}

// What comes together is looked at as one: its time, its share of the turn, and when to look again.
void Session::read_frames(Instant now) {
  while (connection_ && !is_closing_ && !is_waiting_ && !is_decoding_ && !machine_.is_over()) {
    const auto frame = reader_.next();
    if (frame && !*frame) break;
    if (frame) {
      read(**frame, now);
    } else {
      refuse(frame.error(), now);
    }
  }
  if (connection_ && !is_closing_) host_.on_deadline(*this);
  update_reading();
}

// An object above kHeaderMax is a list; an attachment is passed on without a look at it.
void Session::read(const protocol::FrameView& frame, Instant now) {
  if (frame.kind == protocol::kFrameObject && frame.body.size() > kHeaderMax) {
    is_decoding_ = true;
    return host_.on_large_frame(*this, frame, reader_.take_frame());
  }
  auto message = make_shared_for_a_moment<protocol::ClientMessage>(protocol::Yours{});
  if (const auto decoded = protocol::decode_client(frame.kind, frame.body, *message); !decoded)
    return refuse(decoded.error(), now);
  hear(std::move(message), now);
}

void Session::hear(std::shared_ptr<protocol::ClientMessage> message, Instant now) {
  machine_.on_message(std::move(message), now);
  perform_all(now);
}

void Session::refuse(const Error& why, Instant now) {
  machine_.on_garbage(why);
  perform_all(now);
}

void Session::on_decoded(Result<protocol::ClientMessage> message) {
  const Instant now = system_clock().monotonic();
  is_decoding_ = false;
  if (message) {
    hear(std::make_shared<protocol::ClientMessage>(std::move(*message)), now);
  } else {
    refuse(message.error(), now);
  }
  read_frames(now);
}

void Session::update_reading() {
  if (!connection_ || is_closing_ || is_waiting_) return;
  const bool is_pause_wanted = is_holding() || is_decoding_;
  if (is_pause_wanted == is_paused_) return;
  is_paused_ = is_pause_wanted;
  if (is_paused_) {
    connection_->pause_reading();
  } else {
    connection_->resume_reading();
  }
}

// What the kernel took at once is no sign of life, and mostly nothing has waited for it.
void Session::on_drained() {
  if (std::exchange(unread_since_, std::nullopt)) machine_.on_progress(system_clock().monotonic());
  if (!std::exchange(has_held_back_, false) && !is_paused_) return;
  perform();
  update_reading();
  if (may_tell()) host_.on_may_tell(*this);
}

void Session::on_ended(const Error& why) {
  if (!is_waiting_ && !machine_.is_over()) {
    machine_.on_disconnected(why.outcome == Outcome::done ? Error{Outcome::interrupted, "connection closed"}
                                                          : why);
  }
  perform();
  host_.on_closed(*this);
}

// Closing must go through whatever is unsent: nothing is held back from then on.
bool Session::is_holding() const {
  return connection_ && !machine_.is_over() &&
         (held_until_ || connection_->unsent_bytes() >= kUnsentBeforeHolding);
}

void Session::write(protocol::EncodedFrame frame) {
  // Nobody knows yet in which language.
  if (!connection_ || knock_deadline_) return;
  connection_->write(std::move(frame.head));
  if (frame.attachment) connection_->write(std::move(frame.attachment));
  has_held_back_ |= connection_->unsent_bytes() >= kUnsentBeforeHolding;
}

// --- Who does not read ----------------------------------------------------------------------------------------------

void Session::on_held_up() {
  if (unread_since_) return;
  unread_since_ = system_clock().monotonic();
  progress_bytes_ = connection_->sent_bytes();
  if (!is_closing_) host_.on_deadline(*this);
}

std::optional<Instant> Session::unread_deadline() const {
  const auto limit = machine_.silence_limit();
  return unread_since_ && limit ? std::optional(*unread_since_ + *limit) : std::nullopt;
}

// A peer that takes bytes of a long frame is alive, though it says nothing. One that takes none may have a machine that
// answers in its place, or speak and not listen: what it is not told others would have to keep for it for ever.
bool Session::looks_unread(Instant now) {
  if (!unread_since_) return false;
  if (const std::uint64_t sent = connection_->sent_bytes(); sent != progress_bytes_) {
    progress_bytes_ = sent;
    unread_since_ = now;
    machine_.on_progress(now);
  }
  const auto deadline = unread_deadline();
  return deadline && now >= *deadline;
}

// --- The machine ----------------------------------------------------------------------------------------------------

void Session::perform() {
  // A host's answer to an action comes back here while that action is performed; its turn comes in perform_all().
  if (is_performing_) return;
  perform_all(system_clock().monotonic());
  if (connection_ && !is_closing_) host_.on_deadline(*this);
}

void Session::perform_all(Instant now) {
  if (is_performing_) return;
  is_performing_ = true;
  performing_since_ = now;
  while (connection_ && !is_closing_ && !is_holding()) {
    auto next = machine_.next_action();
    if (!next) break;
    perform(*next);
  }
  is_performing_ = false;
}

void Session::perform(protocol::ServerAction& next) {
  if (auto* send = std::get_if<action::Send>(&next)) {
    write_answer(protocol::encode(send->message));
  } else if (auto* encoded = std::get_if<action::SendEncoded>(&next)) {
    if (encoded->is_answer) {
      write_answer(std::move(encoded->frame));
    } else {
      write(std::move(encoded->frame));
    }
  } else if (auto* shown = std::get_if<action::TicketShown>(&next)) {
    if (connection_->is_secured()) {
      return refuse_ticket(
          {Outcome::refused, "a ticket is shown without TLS: the relay moves bytes as they are"});
    }
    is_waiting_ = true;
    said_ = reader_.take_rest();
    host_.on_ticket(*this, shown->ticket);
  } else if (auto* admission = std::get_if<action::Admission>(&next)) {
    host_.on_admission(*this, *admission);
  } else if (auto* document = std::get_if<action::DocumentClaimed>(&next)) {
    host_.on_document_claimed(*this, std::move(document->claim));
  } else if (auto* assets = std::get_if<action::AssetsClaimed>(&next)) {
    host_.on_assets_claimed(*this, assets->claim);
  } else if (std::holds_alternative<action::Joined>(next)) {
    host_.on_joined(*this);
  } else if (auto* told = std::get_if<action::ClockTold>(&next)) {
    host_.on_clock(*this, *told);
  } else if (auto* taken = std::get_if<action::TurnTaken>(&next)) {
    on_turn_taken(taken->has_heard);
  } else if (std::holds_alternative<action::Heard>(next)) {
    on_heard();
  } else if (auto* asked = std::get_if<action::Asked>(&next)) {
    if (!keeps_pace(cost_of(*asked->ask))) return;
    host_.on_asked(*this, std::move(*asked->ask));
    share_turn();
  } else if (auto* reported = std::get_if<action::Reported>(&next)) {
    if (keeps_pace(cost_of(reported->progress))) host_.on_reported(*this, reported->progress);
  } else {
    const auto& closed = std::get<action::Closed>(next);
    is_lost_ = closed.is_lost;
    end({closed.outcome, closed.reason});
  }
}

void Session::on_turn_taken(bool has_heard) {
  if (has_heard) {
    told_.reset();
    heard = mailbox;
    errands_unheard.clear();
  } else {
    if (told_ == nullptr) told_ = std::make_unique<Told>();
    *told_ = {mailbox, errands_unheard.size(), true};
  }
  if (keeps_pace({})) host_.on_may_tell(*this);
}

void Session::on_heard() {
  if (told_ == nullptr || !std::exchange(told_->is_unheard, false)) return;
  std::swap(heard, told_->mailbox);
  errands_unheard.erase(errands_unheard.begin(),
                        errands_unheard.begin() + static_cast<std::ptrdiff_t>(told_->errands));
}

// Most of what an ask costs is often its answer.
void Session::write_answer(protocol::EncodedFrame frame) {
  const std::uint64_t cost = cost_of_answer(frame.size_bytes());
  write(std::move(frame));
  if (cost == 0) return;
  add_cost(cost);
  share_turn();
}

void Session::add_cost(std::uint64_t count) { paces().asks.add(count, system_clock().monotonic()); }

// What it asked for besides has to wait for the next turn of the loop.
void Session::share_turn() {
  const Instant now = system_clock().monotonic();
  if (!held_until_ && host_.pacing().has_had_its_share(performing_since_, now)) held_until_ = now;
}

Paces& Session::paces() {
  if (paces_ == nullptr) paces_ = std::make_unique<Paces>(host_.pacing().limits());
  return *paces_;
}

bool Session::keeps_pace(const AskCost& cost) {
  const Paced paced = paced_as(cost.kind, host_.pacing().limits());
  Pace& pace = paces().*paced.pace;
  switch (pace.on_some(cost.count, performing_since_)) {
    case Pace::Verdict::fine:
      return true;
    case Pace::Verdict::told:
      if (errands.size() < kErrandsMax)
        errands.push_back(protocol::Slower{std::string(paced.what), paced.per_second});
      return true;
    case Pace::Verdict::held:
      held_until_ = pace.held_until();
      return true;
    case Pace::Verdict::over:
      close(Outcome::refused, fmt::format("{}: more than {} a second for {} s, though told to be slower",
                                          paced.what, paced.per_second, whole_seconds(kPacePatience)));
      return false;
  }
  return true;
}

void Session::end(const Error& why) {
  is_closing_ = true;
  connection_->close_after_flush(kFarewellLimit);
  host_.on_over(*this, why);
}

void Session::admit(protocol::Welcome welcome) {
  reader_.set_frame_max(kFrameMax);
  machine_.admit(std::move(welcome));
  perform();
}

void Session::settle(protocol::DocumentState state) {
  machine_.settle(std::move(state));
  perform();
}

void Session::settle(protocol::Assets assets) {
  machine_.settle(std::move(assets));
  perform();
}

void Session::answer(protocol::Answer&& answer) {
  machine_.answer(std::move(answer));
  perform();
}

void Session::dismiss(Outcome outcome, std::string reason, std::string to) {
  machine_.dismiss(outcome, std::move(reason), std::move(to));
  perform();
}

void Session::close(Outcome outcome, std::string reason) {
  machine_.close(outcome, std::move(reason));
  perform();
}

std::uint64_t Session::held_bytes() const {
  return connection_ ? connection_->unsent_bytes() + reader_.held_bytes() : 0;
}

void Session::let_go(const Error& why) {
  if (!connection_) return;
  reader_ = protocol::FrameReader();
  if (is_closing_ || connection_->unsent_bytes() >= kUnsentBeforeHolding) return connection_->close();
  close(why.outcome, why.text);
}

bool Session::may_tell() const { return connection_ && !is_closing_ && !is_holding() && machine_.may_tell(); }

void Session::tell(std::span<const protocol::EncodedFrame> frames) {
  ENSURE(machine_.may_tell());
  if (is_performing_ || machine_.has_actions() || frames.size() > kToldAtOnce) {
    for (const auto& frame : frames) machine_.tell(frame);
    return perform();
  }
  // Nothing is to be said before it.
  for (const auto& frame : frames) write(frame);
}

void Session::ping() {
  machine_.ping(system_clock().monotonic());
  perform();
}

std::optional<Instant> Session::next_deadline() const {
  if (knock_deadline_) return knock_deadline_;
  auto deadline = machine_.next_deadline();
  for (const auto& other : {held_until_, unread_deadline()}) {
    if (other && deadline) deadline = std::min(other, deadline);
  }
  return deadline;
}

void Session::on_time(Instant now) {
  if (!connection_ || is_closing_) return;
  if (knock_deadline_) {
    // Who waits for a greeting has no key.
    if (now < *knock_deadline_) return host_.on_deadline(*this);
    knock_deadline_.reset();
    machine_.require_key();
    const Error why = protocol::key_needed();
    return close(why.outcome, why.text);
  }
  const bool goes_on = held_until_ && now >= *held_until_;
  // In the order in which they were held back: whoever waits longest is the first of the next turn.
  if (goes_on && host_.pacing().is_turn_over(system_clock().monotonic())) return host_.on_deadline(*this);
  if (goes_on) held_until_.reset();
  if (looks_unread(now)) machine_.on_not_read(connection_->unsent_bytes());
  machine_.on_time(now);
  perform();
  if (!goes_on) return;
  update_reading();
  if (may_tell()) host_.on_may_tell(*this);
}

// --- Data connections -----------------------------------------------------------------------------------------------

void Session::wait_with(ByteView bytes) {
  said_.insert(said_.end(), bytes.begin(), bytes.end());
  if (said_.size() < kWaitingBytesMax || is_paused_) return;
  is_paused_ = true;
  connection_->pause_reading();
}

Result<Session::Released> Session::release() {
  ENSURE(is_waiting_ && connection_ != nullptr);
  auto socket = connection_->release_socket();
  if (!socket) return socket.error();
  connection_.reset();
  return Released{std::move(*socket), std::move(said_)};
}

void Session::refuse_ticket(const Error& why) {
  if (!connection_ || is_closing_) return;
  write(protocol::encode(protocol::ServerMessage(protocol::Bye{why.outcome, why.text})));
  is_closing_ = true;
  connection_->close_after_flush(kFarewellLimit);
}

}  // namespace callboard::server
