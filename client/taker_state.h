#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "client/taker_counters.h"
#include "client/taker_machine.h"
#include "client/taker_patience.h"
#include "client/types.h"
#include "net/data_socket.h"

namespace callboard::client {

// What the threads of one pull share: the machine, how it ended, and what will be reported. Thread: any.
class TakerState : public TakerCounters {
 public:
  explicit TakerState(net::DataSocket& socket, std::string_view giver = {});

  // --- A full disk ---------------------------------------------------------------------------------------------------
  void set_patience(const TakerPatience& patience) { patience_ = patience; }
  // Called by whoever could not write. True after a while: try again. False: the time is over, or the pull is stopping.
  bool wait_for_room();
  void on_room();

  // --- How it goes ---------------------------------------------------------------------------------------------------
  // The first call counts. Nothing more is asked; what is verified is still committed, unless it was cancelled.
  void stop(Error why, PullCause cause = PullCause::pull);
  Error stop_for_disk(Error why);  // Because of the disk here; the same error, to be returned.
  void cancel();
  bool is_stopping() const { return stopping_.load(std::memory_order_relaxed); }
  // Set before the last word: that the giver closes then is no error.
  void set_over() { over_ = true; }
  bool is_over() const { return over_; }
  bool is_cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  const std::atomic<bool>& cancelled() const { return cancelled_; }
  std::optional<Error> error() const;
  // In the words of `finished` and of the report: done, or what befell.
  Error ending() const;

  // --- Receiving thread ----------------------------------------------------------------------------------------------
  // What the receiver has to do. Listings (and what opened) go to the planner at once and are nullopt here: between the
  // machine's "answered" and the planner's queue nobody may look, or the last listing would be missed.
  Result<std::optional<TakerMachine::Event>> on_frame(protocol::GiverFrame frame);
  Result<void> on_data(std::uint64_t content_size_bytes);

  // --- Planning thread -----------------------------------------------------------------------------------------------
  // Waits for OpenedItems or Listed; the error when it is stopping.
  Result<TakerMachine::Event> next_listing();
  Result<void> open(protocol::OpenMode mode, const std::vector<protocol::OpenItem>& items);
  std::size_t list_room() const;
  Result<void> ask(const std::vector<sync::RelativePath>& directories);
  // The listing of a directory without the buckets that are here. Sent with the next ask().
  void ask_known(const sync::RelativePath& directory, std::vector<std::uint64_t> buckets);
  bool is_listing() const;  // Directories are asked for and not yet listed.
  // Waits for room, sending what is gathered before.
  Result<void> want(WantedFile file);
  // The same with its chunks first.
  Result<void> want_chunks(WantedFile file, const std::vector<std::uint64_t>& groups);
  Result<void> release(const TakerMachine::Listed& listing);
  // A file that is copied here and not asked for; it is settled like one that is. Only while not stopping.
  Result<void> begin_copy();
  // What was to be copied is not what it was: nothing more is copied in this pull, all the rest is asked for.
  void distrust_copies() { copies_are_trusted_ = false; }
  bool may_copy() const { return copies_are_trusted_; }
  // Until every wanted file is settled.
  Result<void> wait_settled();
  void send_finished(Outcome outcome, const std::string& text);

  // --- Delta thread --------------------------------------------------------------------------------------------------
  Result<void> want_ranges(WantedFile file, const std::vector<protocol::Range>& ranges);

  // --- Whoever is the last to do something about a wanted file -------------------------------------------------------
  // What was listed (`files` in all) is not what it was: looked at again in another round, a problem in the last one.
  void on_changed(const sync::RelativePath& path, const Entry& entry, const std::string& why,
                  std::uint64_t files = 1);
  void settle();
  // What was made of an older version of it was not what it should be: it is fetched whole from now on.
  void go_whole(const sync::RelativePath& path);
  bool goes_whole(const sync::RelativePath& path) const;

  // --- Report and progress -------------------------------------------------------------------------------------------
  void begin_round(int round);
  int round() const;  // From 1 to kRoundsMax.
  bool needs_round() const;
  bool is_to_be_continued() const;  // What changed meanwhile is looked at again.
  void need_round();
  void add_problem(std::string path, Error error);
  // A file that was changed on both sides, told once; then: the giver's took its place, or it went with all beneath.
  void add_conflict(PullConflict conflict);
  void settle_conflict(const sync::RelativePath& path);
  void settle_conflicts_of_removed(const sync::RelativePath& path);
  bool has_conflict() const;
  bool has_problem() const;
  void add_refusal(const sync::RelativePath& path, const Error& said);  // In a text that is the giver's.
  void set_current(const sync::RelativePath& path);
  PullProgress progress() const;
  // Fields that only one thread writes at a time are edited under this lock.
  template <class Edit>
  void edit_report(const Edit& edit) {
    const std::lock_guard lock(mutex_);
    edit(report_);
  }
  PullReport take_report();

 private:
  Result<void> send_requests();
  Result<void> wait_for_room(std::unique_lock<std::mutex>& lock, bool (*has_room)(const TakerMachine&));
  Error stopped_error() const;
  Error ending_locked() const;

  net::DataSocket& socket_;
  const std::string giver_;  // TakerParts::giver, as a text has it.
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  TakerMachine machine_;
  std::deque<TakerMachine::Event> listings_;
  std::uint64_t unsettled_ = 0;
  bool planner_waits_ = false;
  bool asked_known_ = false;        // Since the last ask().
  bool chunks_waited_for_ = false;  // By the planner: room for another list of chunks.
  std::optional<Error> error_;
  PullCause error_cause_ = PullCause::pull;
  PullReport report_;
  std::map<std::string, std::size_t> conflicts_;  // By path: which of the report's.
  TakerPatience patience_;                        // Set before there are threads.
  std::optional<Instant> full_since_;             // Since when the disk is full.
  int round_ = 1;
  bool needs_round_ = false;
  std::string current_;
  Bytes requests_;               // Frames not sent yet.
  std::set<std::string> whole_;  // Paths of go_whole().
  std::mutex send_mutex_;        // Held before mutex_: what is taken from requests_ first is written first.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> over_{false};
  std::atomic<bool> copies_are_trusted_{true};
};

}  // namespace callboard::client
