#include "client/pull_job.h"

#include <utility>

#include "base/id.h"
#include "base/text.h"
#include "client/pull_report.h"
#include "sync/relative_path.h"

namespace callboard::client {
namespace {

// The server tells how a transfer ended right after the connection broke.
constexpr Duration kEndingLimit = 2s;

PullProgress sum(PullProgress a, const PullProgress& b) {
  a.files_wanted += b.files_wanted;
  a.files_done += b.files_done;
  a.bytes_wanted += b.bytes_wanted;
  a.bytes_done += b.bytes_done;
  a.files_total += b.files_total;
  a.bytes_total += b.bytes_total;
  a.files_reused += b.files_reused;
  a.bytes_reused += b.bytes_reused;
  a.listed = b.listed;
  a.paused = b.paused;
  a.current = b.current;
  return a;
}

// Before a server or a giver is bothered with it.
Result<void> check_items(const std::vector<std::string>& items) {
  if (items.empty()) return Error{Outcome::usage, "nothing to pull is named"};
  for (const std::string& item : items) {
    const auto path = sync::RelativePath::from_item(item);
    if (!path) return Error{Outcome::usage, path.error().text};
  }
  return {};
}

// For people: each as it is called in the project.
std::string names_of(const std::vector<std::string>& items) {
  std::string names;
  for (const std::string& item : items) {
    const auto path = sync::RelativePath::from_item(item);
    names += (names.empty() ? "" : ", ") + (path ? path->to_item() : item);
  }
  return names;
}

// The server granted it a moment ago. That it is gone or silent now, or the ticket no longer good, means that the transfer
// was over before we came, and may go well the next time. Anything else is likely to happen again.
bool was_over_before(Outcome connecting) {
  return connecting == Outcome::not_found || connecting == Outcome::timed_out ||
         connecting == Outcome::refused;
}

PullReport ended(const Error& error) {
  PullReport report;
  report.outcome = error.outcome;
  report.text = error.text;
  report.is_durable = false;
  return report;
}

}  // namespace

PullJob::PullJob(TransferDesk& desk, ProjectFolder& folder, PullRequest request)
    : desk_(desk), folder_(folder), request_(std::move(request)) {}

void PullJob::run() {
  if (const auto sound = check_items(request_.items); !sound) {
    report_.set(ended(sound.error()));
    return;
  }
  PullReport all;
  if (!goes_by_item(request_)) {
    add_report(all, take(request_));
  } else {
    for (const std::string& item : request_.items) {
      PullRequest one = request_;
      one.items = {item};
      PullReport report = take(one);
      // Where no server was found for this one, none would be for the next.
      const bool is_alone = report.giver.empty() && report.outcome == Outcome::timed_out;
      const bool is_over = ends_all(request_, report) || is_alone || is_ended();
      add_item_report(all, item, std::move(report));
      if (is_over) break;
    }
  }
  report_.set(std::move(all));
}

PullReport PullJob::take(const PullRequest& request) {
  const auto granted = ask_server(request);
  if (!granted) return ended(granted.error());
  PullReport report = take_granted(request, *granted);
  report.giver = granted->giver;
  if (report.outcome != Outcome::cancelled) {
    // The server knows which side broke off, and why. Its word is waited for in any case: a user who left before it would
    // count as the one who broke off.
    const std::string cause = cause_of_end(granted->transfer);
    if (report.outcome == Outcome::interrupted && !cause.empty()) report.text = cause;
  }
  const std::lock_guard lock(mutex_);
  transfer_ = 0;
  return mark_ended(std::move(report));
}

bool PullJob::is_ended() const {
  const std::lock_guard lock(mutex_);
  return ended_by_.has_value();
}

std::string PullJob::cause_of_end(protocol::TransferId transfer) {
  const Answer<protocol::TransferOver> over = desk_.over(transfer);
  {
    const std::lock_guard lock(mutex_);
    if (ended_by_) return "";
    ending_ = over;
  }
  if (!over.wait_for(kEndingLimit)) return "";
  const auto end = over.get();
  // The session is lost with the transfer.
  if (!end && end.error().outcome == Outcome::interrupted) return end.error().text;
  return end && end->outcome != Outcome::done ? end->text : "";
}

// With mutex_ held.
PullReport PullJob::mark_ended(PullReport report) const {
  if (!ended_by_ || report.outcome == Outcome::done) return report;
  report.outcome = ended_by_->outcome;
  report.cause = PullCause::pull;
  report.text = ended_by_->text;
  return report;
}

Result<Granted> PullJob::ask_server(const PullRequest& request) {
  protocol::GetAsk ask;
  ask.user = request.from;
  ask.newest = request.from.empty();
  ask.compress = request.compress;
  ask.item = escaped(names_of(request.items), 1000);
  const Answer<Granted> answer = desk_.get(std::move(ask));
  {
    const std::lock_guard lock(mutex_);
    if (ended_by_) return *ended_by_;
    asked_ = answer;
  }
  return answer.get();
}

PullReport PullJob::take_granted(const PullRequest& request, const Granted& granted) {
  net::DataSocket socket;
  {
    const std::lock_guard lock(mutex_);
    if (ended_by_) socket.interrupt();
    socket_ = &socket;
    transfer_ = granted.transfer;
    giver_ = granted.giver;
  }
  auto rest = open_data_connection(socket, granted);
  PullReport report;
  if (rest) {
    const TakerParts parts{.socket = socket,
                           .root = folder_.root(),
                           .folder = folder_.listing(),
                           .records = folder_.records(),
                           .ops = folder_.ops(),
                           .clock = system_clock(),
                           .transfer = to_text(make_unique_id(system_random())),
                           .giver = granted.giver};
    Taker taker(parts, request, std::move(*rest));
    {
      const std::lock_guard lock(mutex_);
      taker_ = &taker;
      if (ended_by_) taker.cancel();
    }
    report = taker.run();
    const std::lock_guard lock(mutex_);
    finished_ = sum(finished_, taker.progress());
    taker_ = nullptr;
  } else {
    report = ended(rest.error());
    if (was_over_before(report.outcome)) report.outcome = Outcome::interrupted;
  }
  const std::lock_guard lock(mutex_);
  socket_ = nullptr;
  return mark_ended(std::move(report));
}

PullProgress PullJob::progress() const {
  const std::lock_guard lock(mutex_);
  PullProgress progress = taker_ ? sum(finished_, taker_->progress()) : finished_;
  rate_.add(system_clock().monotonic(), progress.bytes_done);
  progress.bytes_per_second = rate_.bytes_per_second();
  return progress;
}

WorkstationTransfer PullJob::describe() const {
  WorkstationTransfer transfer{.direction = WorkstationTransfer::Direction::pulling,
                               .item = names_of(request_.items),
                               .peer = request_.from,
                               .progress = progress()};
  const std::lock_guard lock(mutex_);
  if (!giver_.empty()) transfer.peer = giver_;
  return transfer;
}

void PullJob::cancel() { end(Error{Outcome::cancelled, "cancelled; what is verified is kept"}); }

void PullJob::end(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (ended_by_) return;
  ended_by_ = why;
  if (asked_) asked_->set(why);
  if (ending_) ending_->set(why);
  if (taker_) {
    taker_->cancel();
  } else if (socket_) {
    socket_->interrupt();
  }
  if (transfer_ != 0) desk_.cancel_on_server(transfer_);
}

}  // namespace callboard::client
