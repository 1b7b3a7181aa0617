#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/board_checks.h"
#include "tests/sim/checks.h"
#include "tests/sim/memory_log.h"
#include "tests/sim/person.h"
#include "tests/sim/server_run.h"
#include "tests/sim/tally.h"
#include "tests/sim/world.h"

namespace callboard::sim {

// One run: a server, a few people, and what a seed makes of them: a while in which everything goes wrong that can, then
// quiet, in which all has to come to rest within kRestLimit.
class Studio {
 public:
  // What people mostly do: write documents and messages, or records, zones, locks and calls.
  enum class Work { documents, board };
  // `is_told`: everything that happens is told on stderr.
  Studio(std::uint64_t seed, bool is_told, Work work = Work::documents);
  ~Studio();

  void run();
  const std::vector<std::string>& violations() const { return testimony_.violations; }
  std::uint64_t trace_hash() const { return world_.trace_hash(); }
  // What happened, so that a run in which nothing does is seen.
  struct Totals {
    std::uint64_t operations = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t shown = 0;
    std::uint64_t faults = 0;
    std::uint64_t crashes = 0;
    double seconds = 0;
  };
  const Totals& totals() const { return totals_; }

  // What was sent before all is quiet arrives within that.
  static constexpr Duration kOnItsWay = 2s;
  // That, a lost connection that nobody notices, how long the session is waited for then (in a server that was just started, too),
  // the longest pause between two attempts, a join and its time limit.
  static constexpr Duration kRestLimit = kOnItsWay + kSilenceLimit + 2 * kGrace + 15s + 20s;
  // Told and answered when nothing is in the way.
  static constexpr Duration kLastLimit = 10s;

 private:
  struct Seat {
    Machine machine;
    std::unique_ptr<Person> person;
  };

  void choose();
  void live();
  void have_person_act(Seat& seat);
  void have_fault();
  void hurt_connection();
  void hurt_person();
  void hurt_machine();
  void hurt_server();
  void hurt_disk();
  void hurt_clock();
  void hurt_task();
  void start_server();
  void kill_server();
  void stop_server();
  void after_a_while(Duration most, std::function<void()> event);

  void end_faults();
  void rest();
  void come_to_rest(const std::string& when);
  bool wait(Duration limit, const std::function<bool()>& is_reached);
  bool are_all_joined() const;
  std::string unrest() const;
  void read_board();
  std::string board_unrest() const;
  static std::string what_is_missed(const Picture& picture, const Person& other);
  void wrong(const std::string& what) { testimony_.violations.push_back(what); }
  Seat& any_seat() { return *seats_[world_.below(seats_.size())]; }

  World world_;
  Testimony testimony_;
  TurnWatch turn_watch_;
  // Of Work::board alone.
  const Work work_;
  BoardTestimony board_{testimony_};
  ZoneWatch zone_watch_{testimony_, turn_watch_};
  TallyFaults tally_faults_;
  Disk disk_;
  Machine server_machine_;
  std::unique_ptr<ServerRun> server_;
  Instant server_started_{};
  std::vector<std::unique_ptr<Seat>> seats_;
  Totals totals_;

  // What this seed is like.
  Duration life_{};
  Duration act_pause_{};
  Duration fault_pause_{};
  std::uint64_t faults_ = 0;  // A bit for each kind that happens.
  bool has_sleeper_ = false;  // The last one takes nothing for half of it, while the others write much.
  bool is_over_ = false;      // No more faults.
};

}  // namespace callboard::sim
