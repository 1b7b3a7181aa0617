#include "client/taker_state.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "client/not_given.h"
#include "client/pull_report.h"

namespace callboard::client {

namespace {

// Requests wait for company up to this size.
constexpr std::size_t kRequestBytes = 16 * KiB;

}  // namespace

TakerState::TakerState(net::DataSocket& socket, std::string_view giver)
    : socket_(socket), giver_(name_of_giver(giver)) {}

// --- How it goes ------------------------------------------------------------------------------------------------------

void TakerState::stop(Error why, PullCause cause) {
  const std::lock_guard lock(mutex_);
  if (!error_) {
    error_ = std::move(why);
    error_cause_ = cause;
  }
  stopping_ = true;
  changed_.notify_all();
}

Error TakerState::stop_for_disk(Error why) {
  stop(why, PullCause::disk);
  return why;
}

void TakerState::cancel() {
  cancelled_ = true;
  stop(Error{Outcome::cancelled, "cancelled"});
  socket_.interrupt();
}

std::optional<Error> TakerState::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

Error TakerState::stopped_error() const {
  return error_.value_or(Error{Outcome::interrupted, "the transfer stopped"});
}

// --- A full disk ------------------------------------------------------------------------------------------------------

bool TakerState::wait_for_room() {
  std::unique_lock lock(mutex_);
  if (stopping_ || patience_.clock == nullptr || patience_.limit == Duration::zero()) return false;
  const Instant now = patience_.clock->monotonic();
  if (!full_since_) full_since_ = now;
  if (now - *full_since_ >= patience_.limit) return false;
  changed_.wait_for(lock, patience_.period, [&] { return stopping_.load(); });
  return !stopping_;
}

void TakerState::on_room() {
  const std::lock_guard lock(mutex_);
  full_since_.reset();
}

// --- Receiving thread -------------------------------------------------------------------------------------------------

Result<std::optional<TakerMachine::Event>> TakerState::on_frame(protocol::GiverFrame frame) {
  const std::lock_guard lock(mutex_);
  Result<TakerMachine::Event> event = machine_.on_frame(std::move(frame));
  if (!event) return event.error();
  const bool is_planners = std::holds_alternative<TakerMachine::Listed>(*event) ||
                           std::holds_alternative<TakerMachine::OpenedItems>(*event);
  if (is_planners) listings_.push_back(std::move(*event));
  // Waking the planner for every file would cost a context switch each: half of the window is soon enough.
  const bool is_half_way = machine_.wanted_count() == kWantedFilesUsed / 2;
  // So may an answer that makes room for another list of chunks.
  const bool has_room = chunks_waited_for_ && machine_.has_chunks_room();
  if (planner_waits_ && (is_planners || is_half_way || has_room)) changed_.notify_all();
  if (is_planners) return std::optional<TakerMachine::Event>();
  return std::optional<TakerMachine::Event>(std::move(*event));
}

Result<void> TakerState::on_data(std::uint64_t content_size_bytes) {
  const std::lock_guard lock(mutex_);
  return machine_.on_data(content_size_bytes);
}

// --- Planning thread --------------------------------------------------------------------------------------------------

Result<void> TakerState::send_requests() {
  const std::lock_guard sending(send_mutex_);
  Bytes frames;
  {
    const std::lock_guard lock(mutex_);
    frames.swap(requests_);
  }
  if (frames.empty()) return {};
  Result<void> written = socket_.write(frames);
  if (written) return {};
  stop(Error{Outcome::interrupted, "the connection to the giver broke: " + written.error().text});
  const std::lock_guard lock(mutex_);
  return stopped_error();
}

Result<TakerMachine::Event> TakerState::next_listing() {
  if (Result<void> sent = send_requests(); !sent) return sent.error();
  std::unique_lock lock(mutex_);
  planner_waits_ = true;
  changed_.wait(lock, [&] { return !listings_.empty() || stopping_; });
  planner_waits_ = false;
  if (stopping_) return stopped_error();
  TakerMachine::Event event = std::move(listings_.front());
  listings_.pop_front();
  return event;
}

Result<void> TakerState::open(protocol::OpenMode mode, const std::vector<protocol::OpenItem>& items) {
  {
    const std::lock_guard lock(mutex_);
    machine_.open(mode, items, requests_);
  }
  return send_requests();
}

std::size_t TakerState::list_room() const {
  const std::lock_guard lock(mutex_);
  return machine_.list_room();
}

Result<void> TakerState::ask(const std::vector<sync::RelativePath>& directories) {
  {
    const std::lock_guard lock(mutex_);
    if (directories.empty() && !std::exchange(asked_known_, false)) return {};
    asked_known_ = false;
    machine_.flush_wants(requests_);
    machine_.list(directories, requests_);
  }
  return send_requests();
}

void TakerState::ask_known(const sync::RelativePath& directory, std::vector<std::uint64_t> buckets) {
  const std::lock_guard lock(mutex_);
  machine_.flush_wants(requests_);
  machine_.list_known(directory, std::move(buckets), requests_);
  asked_known_ = true;
}

bool TakerState::is_listing() const {
  const std::lock_guard lock(mutex_);
  return machine_.asked_count() > 0 || !listings_.empty();
}

// Sends what is gathered before it waits. Whoever makes room wakes the planner when half of the window is free.
Result<void> TakerState::wait_for_room(std::unique_lock<std::mutex>& lock,
                                       bool (*has_room)(const TakerMachine&)) {
  machine_.flush_wants(requests_);
  lock.unlock();
  if (Result<void> sent = send_requests(); !sent) return sent;
  lock.lock();
  planner_waits_ = true;
  changed_.wait(lock, [&] { return has_room(machine_) || stopping_; });
  planner_waits_ = false;
  return {};
}

Result<void> TakerState::want(WantedFile file) {
  std::unique_lock lock(mutex_);
  if (!machine_.has_want_room()) {
    const auto has_room = [](const TakerMachine& machine) {
      return machine.wanted_count() <= kWantedFilesUsed / 2;
    };
    if (Result<void> waited = wait_for_room(lock, has_room); !waited) return waited;
  }
  if (stopping_) return stopped_error();
  unsettled_ += 1;
  machine_.want(std::move(file), requests_);
  return {};
}

Result<void> TakerState::want_chunks(WantedFile file, const std::vector<std::uint64_t>& groups) {
  std::unique_lock lock(mutex_);
  if (!machine_.has_want_room() || !machine_.has_chunks_room()) {
    chunks_waited_for_ = true;
    const auto has_room = [](const TakerMachine& machine) {
      return machine.wanted_count() <= kWantedFilesUsed / 2 && machine.has_chunks_room();
    };
    const Result<void> waited = wait_for_room(lock, has_room);
    if (!waited) return waited;
    chunks_waited_for_ = false;
  }
  if (stopping_) return stopped_error();
  unsettled_ += 1;
  machine_.want_chunks(std::move(file), groups, requests_);
  lock.unlock();
  return send_requests();  // The list is on its way while more is planned.
}

Result<void> TakerState::want_ranges(WantedFile file, const std::vector<protocol::Range>& ranges) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return stopped_error();
    machine_.want_ranges(std::move(file), ranges, requests_);
    if (chunks_waited_for_) changed_.notify_all();
  }
  return send_requests();
}

Result<void> TakerState::begin_copy() {
  const std::lock_guard lock(mutex_);
  if (stopping_) return stopped_error();
  unsettled_ += 1;
  return {};
}

Result<void> TakerState::release(const TakerMachine::Listed& listing) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return stopped_error();
    machine_.release(listing, requests_);
    const bool is_listing = machine_.asked_count() > 0 || !listings_.empty();
    if (requests_.size() < kRequestBytes && is_listing) return {};
  }
  return send_requests();
}

Result<void> TakerState::wait_settled() {
  {
    const std::lock_guard lock(mutex_);
    machine_.flush_wants(requests_);
  }
  if (Result<void> sent = send_requests(); !sent) return sent;
  std::unique_lock lock(mutex_);
  planner_waits_ = true;
  changed_.wait(lock, [&] { return unsettled_ == 0 || stopping_; });
  planner_waits_ = false;
  if (stopping_) return stopped_error();
  return {};
}

void TakerState::send_finished(Outcome outcome, const std::string& text) {
  Bytes frame;
  {
    const std::lock_guard lock(mutex_);
    machine_.finish(outcome, text, frame);
  }
  const std::lock_guard sending(send_mutex_);
  // A giver that is gone needs no word.
  static_cast<void>(socket_.write(frame));
  static_cast<void>(socket_.finish_writing());
}

// --- Wanted files -----------------------------------------------------------------------------------------------------

void TakerState::settle() {
  const std::lock_guard lock(mutex_);
  unsettled_ -= 1;
  if (unsettled_ == 0 && planner_waits_) changed_.notify_all();
}

void TakerState::on_changed(const sync::RelativePath& path, const Entry& entry, const std::string& why,
                            std::uint64_t files) {
  {
    const std::lock_guard lock(mutex_);
    needs_round_ = true;
    if (round_ < kRoundsMax) {
      // The next round counts it again.
      uncount_wanted(entry.size_bytes, files);
      return;
    }
  }
  add_problem(path.bytes(), {Outcome::failed, quoted(path.to_item()) + ": " + why + ", tried " +
                                                  std::to_string(kRoundsMax) + " times"});
}

void TakerState::go_whole(const sync::RelativePath& path) {
  const std::lock_guard lock(mutex_);
  whole_.insert(path.bytes());
}

bool TakerState::goes_whole(const sync::RelativePath& path) const {
  const std::lock_guard lock(mutex_);
  return whole_.contains(path.bytes());
}

// --- Report and progress ----------------------------------------------------------------------------------------------

void TakerState::begin_round(int round) {
  const std::lock_guard lock(mutex_);
  round_ = round;
  needs_round_ = false;
  // What was a problem and still is will be found again: it still differs.
  report_.problems.clear();
  report_.problems_unlisted = 0;
  report_.removals_left = 0;
  report_.removals_refused = 0;
  report_.removals_refused_of = 0;
}

int TakerState::round() const {
  const std::lock_guard lock(mutex_);
  return round_;
}

bool TakerState::needs_round() const {
  const std::lock_guard lock(mutex_);
  return needs_round_;
}

bool TakerState::is_to_be_continued() const {
  const std::lock_guard lock(mutex_);
  return needs_round_ && round_ < kRoundsMax;
}

void TakerState::need_round() {
  const std::lock_guard lock(mutex_);
  needs_round_ = true;
}

void TakerState::add_problem(std::string path, Error error) {
  const std::lock_guard lock(mutex_);
  std::vector<PullProblem>& problems = report_.problems;
  if (problems.size() < kProblemsMax) {
    problems.push_back({std::move(path), std::move(error)});
    return;
  }
  report_.problems_unlisted += 1;
  if (error.outcome != problems.front().error.outcome) problems.back() = {std::move(path), std::move(error)};
}

void TakerState::add_refusal(const sync::RelativePath& path, const Error& said) {
  add_problem(path.bytes(), said.prefixed(quoted(path.to_item()) + ": " + giver_));
}

void TakerState::add_conflict(PullConflict conflict) {
  const std::lock_guard lock(mutex_);
  if (!conflicts_.try_emplace(conflict.path, report_.conflicts.size()).second) return;
  report_.conflicts.push_back(std::move(conflict));
}

void TakerState::settle_conflict(const sync::RelativePath& path) {
  const std::lock_guard lock(mutex_);
  const auto found = conflicts_.find(path.bytes());
  if (found != conflicts_.end()) report_.conflicts[found->second].is_replaced = true;
}

void TakerState::settle_conflicts_of_removed(const sync::RelativePath& path) {
  settle_conflict(path);
  const std::lock_guard lock(mutex_);
  const auto end = conflicts_.lower_bound(path.bytes() + '0');
  for (auto beneath = conflicts_.lower_bound(path.bytes() + '/'); beneath != end; ++beneath)
    report_.conflicts[beneath->second].is_replaced = true;
}

bool TakerState::has_conflict() const {
  const std::lock_guard lock(mutex_);
  return !report_.conflicts.empty();
}

bool TakerState::has_problem() const {
  const std::lock_guard lock(mutex_);
  return !report_.problems.empty();
}

void TakerState::set_current(const sync::RelativePath& path) {
  const std::lock_guard lock(mutex_);
  current_ = path.bytes();
}

PullProgress TakerState::progress() const {
  PullProgress progress = counted();
  const std::lock_guard lock(mutex_);
  if (full_since_) progress.paused = "disk full, waiting for room";
  progress.current = current_;
  return progress;
}

PullReport TakerState::take_report() {
  const std::lock_guard lock(mutex_);
  PullReport report = report_;
  // A dry run counts for itself.
  const PullProgress counts = counted();
  report.files_reused += counts.files_reused;
  report.bytes_reused += counts.bytes_reused;
  report.wire_bytes = socket_.sent_bytes() + socket_.received_bytes();
  const Error ending = ending_locked();
  report.outcome = ending.outcome;
  report.cause = error_ ? error_cause_ : PullCause::files;
  report.text = ending.text;
  for (PullConflict& each : report.conflicts)
    each.is_after_changes = each.is_after_changes && report.has_changed;
  return report;
}

Error TakerState::ending() const {
  const std::lock_guard lock(mutex_);
  return ending_locked();
}

Error TakerState::ending_locked() const { return error_ ? *error_ : ending_of_files(report_); }

}  // namespace callboard::client
