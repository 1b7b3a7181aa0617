#include "client/kept_writes.h"

#include <algorithm>
#include <set>
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

// Whether it says how what is there is changed; else it is all of that, or about what no author of a kept one has seen.
bool is_read_in_own(const protocol::DocumentWrite& write) { return write.at || write.patch; }

bool is_whole(const protocol::DocumentWrite& write) { return !is_read_in_own(write) && write.settles == 0; }

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
    open_.push_back(std::make_shared<Open>(Open{message, {}, {}, session_.clock_distance(), true}));
  }
  send_due();
  tell_waiting();
}

KeptWrites::~KeptWrites() {
  for (const Write& open : std::exchange(open_, {})) {
    if (open->is_kept) {
      tell_kept(*open);
    } else if (!open->is_asked && open->on_answer) {
      open->on_answer(Error{Outcome::cancelled, "there is nobody any more to ask a server"});
    }
  }
}

void KeptWrites::write(protocol::ClientMessage message, Connection::AnswerHandler on_answer,
                       std::function<void()> on_kept) {
  const bool is_joined = session_.is_joined();
  if (!is_joined) {
    if (auto sound = check_json(message); !sound) return on_answer(sound.error());
  }
  auto open = std::make_shared<Open>(
      Open{std::move(message), std::move(on_answer), std::move(on_kept), session_.clock_distance()});
  open_.push_back(open);
  if (!is_joined) keep(*open);
  if (!open->is_kept) open->due = loop_.now() + kAskLimit;
  if (std::holds_alternative<protocol::DocumentWrite>(open->message)) {
    send_due();
  } else {
    send(open);
  }
  set_timer();
}

std::vector<UniqueId> KeptWrites::unanswered(protocol::DocumentRecord record) const {
  std::vector<UniqueId> operations;
  for (const Write& each : open_) {
    const auto* write = std::get_if<protocol::DocumentWrite>(&each->message);
    if (write != nullptr && write->record == record) operations.push_back(write->op);
  }
  if (operations.size() > kOwnChangesMax)
    operations.erase(operations.begin(), operations.end() - static_cast<std::ptrdiff_t>(kOwnChangesMax));
  return operations;
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

// Whoever is answered meanwhile may have something else sent.
void KeptWrites::send_due() {
  is_due_again_ = true;
  if (std::exchange(is_sending_, true)) return;
  while (std::exchange(is_due_again_, false)) send_those_due();
  is_sending_ = false;
}

// All that need not wait: for what they are made of, or for one of the same document that does, since they are to arrive in
// their order. Nobody waits for what waits for the next join but what is made of that.
void KeptWrites::send_those_due() {
  std::set<UniqueId> unanswered;
  std::set<UniqueId> stuck;
  std::set<protocol::DocumentRecord> held;
  for (const Write& each : std::deque<Write>(open_)) {
    const auto* write = std::get_if<protocol::DocumentWrite>(&each->message);
    if (write == nullptr) {
      if (!each->is_asked && !each->waits_for_join) send(each);
      continue;
    }
    // The last one first: mostly it is that.
    const auto is_made_of = [write](const std::set<UniqueId>& some) {
      return !some.empty() && std::any_of(write->own.rbegin(), write->own.rend(),
                                          [&](UniqueId own) { return some.contains(own); });
    };
    if (each->waits_for_join || is_made_of(stuck)) {
      stuck.insert(write->op);
    } else if (held.contains(write->record) || is_made_of(unanswered)) {
      held.insert(write->record);
    } else if (!each->is_asked) {
      send(each);
    }
    unanswered.insert(write->op);
  }
}

void KeptWrites::send(const Write& open) {
  open->is_asked = true;
  if (!open->is_kept) open->due.reset();
  session_.ask_made(
      open->message, [this, open](const Result<protocol::ServerMessage>& answer) { on_answer(open, answer); },
      open->is_kept ? SessionKeeper::Patience::kept : SessionKeeper::Patience::usual, open->clock);
}

void KeptWrites::on_answer(const Write& open, const Result<protocol::ServerMessage>& answer) {
  const UniqueId operation = operation_of(open->message);
  const bool is_refused = !answer && !may_pass(answer.error().outcome);
  const auto lost = is_refused ? made_of(operation) : std::vector<Write>();
  end(open, answer);
  for (const Write& each : lost) {
    end(each, Error{Outcome::superseded, "it was made of the change " + to_text(operation) +
                                             ", which was refused: " + answer.error().text});
  }
  if (std::holds_alternative<protocol::DocumentWrite>(open->message)) send_due();
}

// What is changed in what a refused change made, or in what was made of it so, would be put somewhere else. A whole document
// has in it all that it was made of, and so has what is changed in that: it needs the refused one no more.
std::vector<KeptWrites::Write> KeptWrites::made_of(UniqueId refused) {
  std::vector<Write> lost;
  std::set<UniqueId> missing{refused};
  std::set<UniqueId> wholes;
  for (const Write& each : open_) {
    auto* write = std::get_if<protocol::DocumentWrite>(&each->message);
    if (write == nullptr) continue;
    if (is_whole(*write)) wholes.insert(write->op);
    bool is_lost = false;
    for (const UniqueId own : write->own)
      is_lost = missing.contains(own) || (is_lost && !wholes.contains(own));
    if (is_lost && is_read_in_own(*write)) {
      missing.insert(write->op);
      each->is_asked = true;
      lost.push_back(each);
    } else {
      std::erase_if(write->own, [&](UniqueId own) { return missing.contains(own); });
    }
  }
  return lost;
}

void KeptWrites::end(const Write& open, const Result<protocol::ServerMessage>& answer) {
  const bool is_late = open->is_kept && !open->on_kept;
  const bool is_asked_again = open->is_kept && !answer && may_pass(answer.error().outcome);
  // What cannot be set aside stays where it is, and is refused again.
  if (is_asked_again || (is_late && !answer && !set_aside(open->message, answer.error()))) {
    open->is_asked = false;
    open->waits_for_join = true;
    return tell_kept(*open);
  }
  std::erase(open_, open);
  if (open->is_kept) {
    outbox_->forget(operation_of(open->message));
    tell_waiting();
  }
  if (open->on_answer) open->on_answer(answer);
  if (is_late && answer) handlers_.on_late_answer(open->message, *answer);
}

// Whoever wrote it was told that it is kept.
bool KeptWrites::set_aside(const protocol::ClientMessage& message, const Error& why) {
  const std::string what =
      "a kept change of the " + std::string(protocol::verb_of(message)) + " was refused: " + why.text;
  const auto aside = outbox_->set_aside(message, why.text);
  handlers_.on_warning(
      what + (aside ? "; it is in " + *aside : "; it could not be set aside: " + aside.error().text));
  return aside.has_value();
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
    if (open->is_kept && open->due) open->due = std::min(*open->due, due);
  }
  set_timer();
}

void KeptWrites::on_joined() {
  is_missing_ = false;
  for (const Write& open : open_) {
    if (open->is_kept) open->due.reset();
    open->waits_for_join = false;
  }
  set_timer();
  send_due();
}

void KeptWrites::on_due() {
  const Instant now = loop_.now();
  const auto open = open_;  // Whoever is told may write again.
  for (const Write& each : open) {
    if (!each->due || now < *each->due) continue;
    if (each->is_kept) {
      tell_kept(*each);
    } else {
      on_answer(each, Error{Outcome::timed_out, "no server to ask, for what it is made of waits for one"});
    }
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
