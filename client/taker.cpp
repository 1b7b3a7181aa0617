#include "client/taker.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/ensure.h"
#include "client/taker_planner.h"
#include "client/taker_receiver.h"
#include "client/taker_state.h"
#include "client/taker_writers.h"

namespace callboard::client {

namespace {

// How long a giver may take to close after the last word.
constexpr auto kFarewell = 2s;

}  // namespace

class Taker::Impl {
 public:
  Impl(const TakerParts& parts, PullRequest request, Bytes already_read)
      : parts_(parts),
        request_(std::move(request)),
        state_(parts.socket, parts.giver),
        deltas_(parts, state_),
        receiver_(parts.socket, state_, already_read, request_.compress != Compression::never) {}
  ~Impl() { ENSURE(!receiving_.joinable()); }

  PullReport run();
  void cancel() { state_.cancel(); }
  PullProgress progress() const { return state_.progress(); }

 private:
  Result<void> pull();
  Result<bool> open_first(TakerPlanner& planner);
  Result<bool> survey(TakerPlanner& planner);
  Result<bool> open_again(TakerPlanner& planner);
  Result<void> run_rounds(TakerPlanner& planner);
  sync::Stager* stager() { return writers_ != nullptr ? &writers_->stager() : nullptr; }
  void start_receiving();
  void say_goodbye();

  TakerParts parts_;
  PullRequest request_;
  TakerState state_;
  DeltaTaker deltas_;
  std::unique_ptr<TakerWriters> writers_;
  TakerReceiver receiver_;
  std::thread receiving_;
  std::mutex mutex_;
  std::condition_variable received_;
  bool receiving_ended_ = false;
};

PullReport Taker::Impl::run() {
  const Result<void> pulled = pull();
  if (!pulled) state_.stop(pulled.error());
  say_goodbye();
  writers_.reset();
  PullReport report = state_.take_report();
  report.is_durable = pulled && request_.sync;
  return report;
}

Result<void> Taker::Impl::pull() {
  Result<sync::Patterns> patterns = sync::Patterns::from(request_.include, request_.exclude);
  if (!patterns) return patterns.error();
  state_.set_patience(
      {.clock = &parts_.clock, .limit = request_.wait_for_space, .period = parts_.retry_period});
  TakerPlanner planner(parts_, state_, deltas_, request_, std::move(*patterns));
  if (Result<void> set = planner.set_items(request_.items); !set) return set;
  const Result<bool> differs = open_first(planner);
  if (!differs) return differs.error();
  if (!*differs) {
    state_.set_listed();
    return {};
  }
  if (!request_.dry_run) {
    Result<std::unique_ptr<TakerWriters>> writers = TakerWriters::start(parts_, state_, request_.sync);
    if (!writers) return state_.stop_for_disk(writers.error());
    writers_ = std::move(*writers);
    planner.add_lasting_problems(writers_->unread_notes());
    receiver_.start_writing(*writers_, deltas_);
  }
  start_receiving();
  if (planner.needs_survey(stager())) {
    const Result<bool> goes_on = survey(planner);
    if (!goes_on) return goes_on.error();
    if (!*goes_on) return {};
  }
  return run_rounds(planner);
}

// False when nothing is to be changed, or there is nothing to do by now.
Result<bool> Taker::Impl::survey(TakerPlanner& planner) {
  const Result<bool> goes_on = planner.survey(stager());
  if (!goes_on || !*goes_on) return goes_on;
  state_.begin_round(1);
  return open_again(planner);
}

Result<bool> Taker::Impl::open_again(TakerPlanner& planner) {
  const Result<bool> opened = planner.open();
  if (!opened) return opened.error();
  if (!*opened) return planner.on_opened({});
  const Result<TakerMachine::Event> event = state_.next_listing();
  if (!event) return event.error();
  return planner.on_opened(std::get<TakerMachine::OpenedItems>(*event).items);
}

// Without a thread: most pulls find nothing to do.
Result<bool> Taker::Impl::open_first(TakerPlanner& planner) {
  const Result<bool> opened = planner.open();
  if (!opened) return opened.error();
  if (!*opened) return planner.on_opened({});
  if (const Result<void> received = receiver_.receive_event(); !received) return received.error();
  const Result<TakerMachine::Event> event = state_.next_listing();
  if (!event) return event.error();
  return planner.on_opened(std::get<TakerMachine::OpenedItems>(*event).items);
}

Result<void> Taker::Impl::run_rounds(TakerPlanner& planner) {
  for (int round = 1;; ++round) {
    if (const Result<void> done = planner.run_round(writers_.get()); !done) return done;
    if (!state_.needs_round() || round == kRoundsMax || request_.dry_run) return {};
    state_.begin_round(round + 1);
    const Result<bool> differs = open_again(planner);
    if (!differs) return differs.error();
    if (!*differs) return {};
  }
}

void Taker::Impl::start_receiving() {
  receiving_ = std::thread([this] {
    receiver_.run();
    const std::lock_guard lock(mutex_);
    receiving_ended_ = true;
    received_.notify_all();
  });
}

// Closing with the giver's bytes unread would take the last word away from it: they are read until it closes.
void Taker::Impl::say_goodbye() {
  state_.set_over();
  if (!state_.is_cancelled()) {
    const Error ending = state_.ending();
    state_.send_finished(ending.outcome, ending.text);
  }
  if (!receiving_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    if (!received_.wait_for(lock, kFarewell, [this] { return receiving_ended_; })) parts_.socket.interrupt();
  }
  if (writers_ != nullptr) writers_->close();
  receiving_.join();
}

Taker::Taker(const TakerParts& parts, PullRequest request, Bytes already_read)
    : impl_(std::make_unique<Impl>(parts, std::move(request), std::move(already_read))) {}
Taker::~Taker() = default;
PullReport Taker::run() { return impl_->run(); }
void Taker::cancel() { impl_->cancel(); }
PullProgress Taker::progress() const { return impl_->progress(); }

}  // namespace callboard::client
