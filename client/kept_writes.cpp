#include "client/kept_writes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/document/parse.h"
#include "base/limits.h"
#include "base/text.h"
#include "protocol/codec.h"

namespace callboard::client {
namespace {

// Whether asking again may end otherwise: a disk that is full now, a connection that breaks.
bool may_pass(Outcome outcome) {
  return outcome == Outcome::failed || outcome == Outcome::timed_out || outcome == Outcome::interrupted ||
         outcome == Outcome::cancelled;
}

// What every server would refuse, said before it is kept: whoever wrote it is gone when a server says so.
Result<void> check_json(const protocol::ClientMessage& message) {
  const auto* write = std::get_if<protocol::DocumentWrite>(&message);
  if (write == nullptr || write->document == nullptr) return {};
  if (const auto parsed = document::parse(*write->document, kDocumentValuesMax); !parsed)
    return Error{Outcome::usage, parsed.error().text};
  return {};
}

}  // namespace

KeptWrites::KeptWrites(net::Loop& loop, std::unique_ptr<Outbox> outbox, SessionKeeper& session,
                       Handlers handlers)
    : loop_(loop),
      outbox_(std::move(outbox)),
      session_(session),
      handlers_(std::move(handlers)),
      timer_(loop, [this] { on_due(); }) {
  send_left_behind();
}

// Of a process before this one.
void KeptWrites::send_left_behind() {
  if (!outbox_) return;
  for (const protocol::ClientMessage& message : outbox_->waiting()) {
    open_.push_back(std::make_shared<Open>(Open{message, {}, {}, true}));
  }
  send_due();
  tell_waiting();
}

void KeptWrites::write(protocol::ClientMessage message, Connection::AnswerHandler on_answer,
                       std::function<void()> on_kept) {
  const bool is_joined = session_.is_joined();
  if (!is_joined) {
    if (auto sound = check_json(message); !sound) return on_answer(sound.error());
  }
  auto open =
      std::make_shared<Open>(Open{std::move(message), std::move(on_answer), std::move(on_kept), false});
  open_.push_back(open);
  if (!is_joined) keep(*open);
  send_due();
  set_timer();
}

void KeptWrites::keep(Open& open) {
  if (!outbox_ || open.is_kept) return;
  if (auto kept = outbox_->keep(open.message); !kept) {
    handlers_.on_warning("a change waits for the server in memory alone: " + kept.error().text);
    return;
  }
  open.is_kept = true;
  tell_waiting();
  session_.set_kept(operation_of(open.message));
  open.due = loop_.now() + (is_missing_ ? kPatience : kFirstPatience);
}

// All that need not wait for another of their document. Who asks a server that is there does not wait for what waits for the next
// join.
void KeptWrites::send_due() {
  struct Before {
    bool is_any = false;
    bool is_made_of = false;  // There is one that sees its author's own, and that is on its way.
    bool waits_for_join = false;
  };
  std::map<protocol::DocumentRecord, Before> documents;
  for (const Write& each : std::deque<Write>(open_)) {
    const auto* write = std::get_if<protocol::DocumentWrite>(&each->message);
    bool must_wait = each->is_asked || each->waits_for_join;
    if (write != nullptr) {
      Before& before = documents[write->record];
      must_wait |= write->own ? before.is_any : before.is_made_of;
      before.is_any = true;
      before.waits_for_join |= each->waits_for_join;
      before.is_made_of |= write->own && !before.waits_for_join;
    }
    if (!must_wait) send(each);
  }
}

void KeptWrites::send(const Write& open) {
  open->is_asked = true;
  session_.ask(
      open->message,
      [this, open](Result<protocol::ServerMessage> answer) { on_answer(open, std::move(answer)); },
      open->is_kept ? SessionKeeper::Patience::kept : SessionKeeper::Patience::usual);
}

void KeptWrites::on_answer(const Write& open, Result<protocol::ServerMessage> answer) {
  if (open->is_kept && !answer && may_pass(answer.error().outcome)) {
    open->is_asked = false;
    open->waits_for_join = true;
    tell_kept(*open);
    return send_due();
  }
  std::erase(open_, open);
  send_due();
  if (open->is_kept) {
    outbox_->forget(operation_of(open->message));
    tell_waiting();
  }
  const bool is_late = open->is_kept && !open->on_kept;
  if (open->on_answer) open->on_answer(answer);
  if (!is_late) return;
  if (answer) return handlers_.on_late_answer(open->message, *answer);
  tell_refused(open->message, answer.error());
}

// Whoever wrote it was told that it is kept.
void KeptWrites::tell_refused(const protocol::ClientMessage& message, const Error& why) {
  const std::string what =
      "a kept change of the " + std::string(protocol::verb_of(message)) + " was refused: " + why.text;
  const auto aside = outbox_->set_aside(message, why.text);
  handlers_.on_warning(
      what + (aside ? "; it is in " + *aside : "; it could not be set aside: " + aside.error().text));
}

void KeptWrites::tell_kept(Open& open) {
  open.due.reset();
  if (const auto on_kept = std::exchange(open.on_kept, {})) on_kept();
}

void KeptWrites::on_no_server() {
  is_missing_ = true;
  const Instant due = loop_.now() + kPatience;
  for (const Write& open : open_) {
    keep(*open);
    if (open->due) open->due = std::min(*open->due, due);
  }
  set_timer();
}

void KeptWrites::on_joined() {
  is_missing_ = false;
  for (const Write& open : open_) {
    open->due.reset();
    open->waits_for_join = false;
  }
  set_timer();
  send_due();
}

void KeptWrites::on_due() {
  const Instant now = loop_.now();
  const auto open = open_;  // Whoever is told may write again.
  for (const Write& each : open) {
    if (each->due && *each->due <= now) tell_kept(*each);
  }
  set_timer();
}

void KeptWrites::set_timer() {
  std::optional<Instant> first;
  for (const Write& open : open_) {
    if (open->due) first = std::min(first.value_or(*open->due), *open->due);
  }
  if (first) {
    timer_.set_at(*first);
  } else {
    timer_.cancel();
  }
}

}  // namespace callboard::client
