// The relay's loop: obey commands, note which sockets became ready, give every pair that can move its turn, wait.
//
// Sockets are watched edge-triggered: an event only says "no longer blocked", and a side counts as ready until a call on it
// says that it would block. Who may move stands in line (RelayShares), and commands and events are looked at between rounds of
// one turn for each, so one fast pair delays the rest by budget / speed, about 0.3 ms.

#include "net/relay_thread.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/sigpipe.h"
#include "net/socket_posix.h"

namespace callboard::net {
namespace {

std::unique_ptr<RelayPoller> make_poller(bool portable) {
  auto poller = portable ? nullptr : make_epoll_poller();
  return poller ? std::move(poller) : make_poll_poller();
}

}  // namespace

bool RelayDirection::can_go_on(const RelaySide& from, const RelaySide& to) const {
  switch (wait) {
    case RelayPump::Wait::turn:
      return true;
    case RelayPump::Wait::input:
      return from.is_readable;
    case RelayPump::Wait::output:
      return to.is_writable;
    case RelayPump::Wait::nothing:
    case RelayPump::Wait::failed:
      return false;
  }
  return false;
}

RelayPump::Step RelayDirection::send_first(int to) {
  RelayPump::Step step;
  step.wait = RelayPump::Wait::turn;
  while (first_sent < first.size() && step.wait == RelayPump::Wait::turn) {
    const auto sent =
        ::send(to, first.data() + first_sent, first.size() - first_sent, MSG_DONTWAIT | kNoSignal);
    if (sent >= 0) {
      first_sent += static_cast<std::size_t>(sent);
      step.moved_bytes += static_cast<std::uint64_t>(sent);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      step.wait = RelayPump::Wait::output;
    } else if (errno != EINTR) {
      step.wait = RelayPump::Wait::failed;
      step.errno_value = errno;
    }
  }
  return step;
}

RelayPump::Step RelayDirection::move(RelaySide& from, RelaySide& to, std::uint64_t budget_bytes) {
  RelayPump::Step step;
  if (first_sent < first.size()) {
    step = send_first(to.fd.get());
    if (first_sent == first.size()) {
      first = Bytes{};
      first_sent = 0;
    }
  } else {
    step = pump->pump(from.fd.get(), to.fd.get(), budget_bytes);
  }
  wait = step.wait;
  if (wait == RelayPump::Wait::input) {
    from.is_readable = false;
  } else if (wait == RelayPump::Wait::output) {
    to.is_writable = false;
  }
  moved_bytes->fetch_add(step.moved_bytes, std::memory_order_relaxed);
  return step;
}

RelayThread::RelayThread(const Relay::Options& options, OnEnd on_end)
    : options_(options),
      on_end_(std::move(on_end)),
      poller_(make_poller(options.portable)),
      shares_(options.budget_bytes) {
  ENSURE(poller_ != nullptr);
  thread_ = std::thread([this] { run(); });
}

RelayThread::~RelayThread() {
  is_stopping_ = true;
  poller_->wake();
  thread_.join();
}

void RelayThread::add(RelayPair given, std::shared_ptr<RelayCounters> counters) {
  auto pair = std::make_shared<Pair>();
  pair->id = given.id;
  pair->giver.fd = std::move(given.giver);
  pair->taker.fd = std::move(given.taker);
  pair->to_taker.first = std::move(given.first_to_taker);
  pair->to_taker.moved_bytes = &counters->to_taker_bytes;
  pair->to_giver.first = std::move(given.first_to_giver);
  pair->to_giver.moved_bytes = &counters->to_giver_bytes;
  pair->counters = std::move(counters);
  command({0, {}, std::move(pair), {}});
}

void RelayThread::cancel(std::uint64_t id, Error why) { command({id, std::move(why), nullptr, {}}); }

void RelayThread::set_limits(const RelayLimits& limits) { command({0, {}, nullptr, limits}); }

void RelayThread::command(Command command) {
  {
    const std::lock_guard lock(commands_lock_);
    commands_.push_back(std::move(command));
  }
  poller_->wake();
}

void RelayThread::run() {
  const SigpipeGuard no_sigpipe;  // splice raises it and has no flag against it.
  while (!is_stopping_) {
    now_ = system_clock().monotonic();
    obey();
    take_turns();
    end_idle_pairs();
    poller_->wait(time_to_wait(), events_);
    take_events();
  }
}

void RelayThread::obey() {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(commands_lock_);
    commands.swap(commands_);
  }
  for (Command& command : commands) obey(command);
}

void RelayThread::obey(Command& command) {
  if (command.limits) {
    shares_.set_limits(*command.limits, now_);
  } else if (command.added) {
    begin(command.added);
  } else if (const auto found = pairs_.find(command.cancelled_id); found != pairs_.end()) {
    const PairPointer pair = found->second;
    end(*pair, std::move(command.why));
  }
}

void RelayThread::set_pump(RelayDirection& direction) const {
  direction.pump = options_.portable ? nullptr : make_splicing_pump(Relay::kRelayPipe);
  if (!direction.pump) {
    direction.pump = make_copying_pump();  // No pipe to be had: slower, and it works.
  }
}

void RelayThread::begin(const PairPointer& pair) {
  pairs_[pair->id] = pair;
  pair->last_moved = now_;
  set_pump(pair->to_taker);
  set_pump(pair->to_giver);
  for (RelaySide* side : {&pair->giver, &pair->taker}) {
    set_nonblocking(side->fd.get(), true);
    set_bulk_options(side->fd.get());
    side->token = ++last_token_;
    if (auto added = poller_->add(side->fd.get(), side->token); !added) {
      end(*pair, added.error());
      return;
    }
    by_token_[side->token] = pair;
  }
  shares_.line_up(pair->id, now_);
  next_idle_check_ = now_;
}

void RelayThread::take_events() {
  for (const RelayPoller::Event& event : events_) {
    take_event(event);
  }
}

void RelayThread::take_event(const RelayPoller::Event& event) {
  const auto found = by_token_.find(event.token);
  if (found == by_token_.end()) {
    return;  // Its pair ended in this round.
  }
  const PairPointer pair = found->second;
  const bool is_giver = event.token == pair->giver.token;
  RelaySide& side = is_giver ? pair->giver : pair->taker;
  side.is_readable |= event.is_readable;
  side.is_writable |= event.is_writable;
  if (event.is_broken) {
    int cause = 0;
    socklen_t size = sizeof(cause);
    ::getsockopt(side.fd.get(), SOL_SOCKET, SO_ERROR, &cause, &size);
    if (cause != 0) {
      Error why = socket_error(is_giver ? "giver" : "taker", cause);
      why.outcome = Outcome::interrupted;
      end(*pair, std::move(why));
      return;
    }
  }
  if (pair->can_go_on()) {
    shares_.line_up(pair->id, now_);
  }
}

void RelayThread::take_turns() {
  for (std::size_t left = shares_.size(); left > 0; --left) {
    const auto turn = shares_.next(now_);
    if (!turn) return;
    const PairPointer pair = pairs_.at(turn->id);
    take_turn(pair, turn->bytes);
  }
}

void RelayThread::take_turn(const PairPointer& pair, std::uint64_t budget_bytes) {
  const auto to_taker = move(*pair, pair->to_taker, budget_bytes);
  const auto to_giver = to_taker ? move(*pair, pair->to_giver, budget_bytes) : std::nullopt;
  shares_.moved(pair->id, to_taker.value_or(0) + to_giver.value_or(0), now_);
  if (!to_giver) {
    return;
  }
  if (pair->to_taker.is_over() && pair->to_giver.is_over()) {
    end(*pair, {Outcome::done, "both sides closed"});
  } else if (pair->can_go_on()) {
    shares_.line_up(pair->id, now_);
  } else {
    await(*pair);
  }
}

std::optional<std::uint64_t> RelayThread::move(Pair& pair, RelayDirection& direction,
                                               std::uint64_t budget_bytes) {
  const bool is_to_taker = &direction == &pair.to_taker;
  RelaySide& from = is_to_taker ? pair.giver : pair.taker;
  RelaySide& to = is_to_taker ? pair.taker : pair.giver;
  if (!direction.can_go_on(from, to)) {
    return 0;
  }
  const RelayPump::Step step = direction.move(from, to, budget_bytes);
  if (step.moved_bytes > 0) {
    pair.last_moved = now_;
  }
  if (step.wait == RelayPump::Wait::failed) {
    Error why = socket_error(is_to_taker ? "giver to taker" : "taker to giver", step.errno_value);
    why.outcome = Outcome::interrupted;
    end(pair, std::move(why));
    return std::nullopt;
  }
  if (direction.is_over()) {
    ::shutdown(to.fd.get(), SHUT_WR);
    pair.last_moved = now_;
    next_idle_check_ = now_;  // A shorter limit holds from here on.
  }
  return step.moved_bytes;
}

void RelayThread::await(const Pair& pair) {
  using Wait = RelayPump::Wait;
  poller_->await(pair.giver.token, pair.to_taker.wait == Wait::input, pair.to_giver.wait == Wait::output);
  poller_->await(pair.taker.token, pair.to_giver.wait == Wait::input, pair.to_taker.wait == Wait::output);
}

void RelayThread::end(Pair& pair, Error why) {
  const std::uint64_t id = pair.id;
  for (RelaySide* side : {&pair.giver, &pair.taker}) {
    poller_->remove(side->fd.get(), side->token);
    by_token_.erase(side->token);
    side->fd.reset();
  }
  shares_.forget(id);
  on_end_(id, std::move(why));
  pairs_.erase(id);
}

std::optional<Duration> RelayThread::limit_of(const Pair& pair) const {
  return pair.is_half_closed()
             ? std::min(options_.half_closed_limit, options_.idle_limit.value_or(Duration::max()))
             : options_.idle_limit;
}

// Looks at all pairs, but only when the earliest of their limits may have passed: movement only puts limits off.
void RelayThread::end_idle_pairs() {
  if (!next_idle_check_ || *next_idle_check_ > now_) {
    return;
  }
  next_idle_check_.reset();
  std::vector<PairPointer> idle;
  for (const auto& [id, pair] : pairs_) {
    const auto limit = limit_of(*pair);
    if (!limit) {
      continue;
    }
    // Who stands in line waits for us.
    const Instant due = (shares_.is_in_line(id) ? now_ : pair->last_moved) + *limit;
    if (due <= now_) {
      idle.push_back(pair);
    } else if (!next_idle_check_ || due < *next_idle_check_) {
      next_idle_check_ = due;
    }
  }
  for (const PairPointer& pair : idle) {
    end(*pair, {Outcome::timed_out, "nothing moved for too long"});
  }
}

std::optional<Duration> RelayThread::time_to_wait() const {
  std::optional<Instant> due = shares_.next_due(now_);
  if (next_idle_check_ && (!due || *next_idle_check_ < *due)) {
    due = next_idle_check_;
  }
  return due ? std::optional<Duration>(std::max(*due - now_, Duration::zero())) : std::nullopt;
}

}  // namespace callboard::net
