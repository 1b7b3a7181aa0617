#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "net/loop.h"
#include "net/timer.h"
#include "server/calls/call_desk.h"
#include "server/event_log.h"
#include "server/own_records.h"
#include "server/services/service.h"

namespace callboard::server {

// Runs services when they are due. One that fails goes on, more seldom, and says so; nothing but somebody's
// word switches it off. Each is seen in a record of class "service", /services/NAME, which is in memory, since
// it changes with every run; whether it is switched on, and how it went, the next server reads in one of class
// "state" below it. That a run begins is kept there first: one that ends the server has failed, and is not
// tried again before its time. Loop thread only.
class ServiceDesk {
 public:
  // What it refers to outlives it.
  struct Outside {
    CallDesk& calls;
    OwnRecords& records;
    EventLog& events;
    const Clock& clock;
    RandomSource random;
    // Somebody has switched one on or off.
    std::function<void(const Caller& by, bool is_enabled, const std::string& name)> on_switched{};
  };
  ServiceDesk(net::Loop& loop, Outside outside);
  ~ServiceDesk();

  // Its first run is due after a period, from when it last ran on. refused: the name is taken or none, or there are too many.
  Result<void> add(Service service);
  // What people call: services, services.enable, services.disable, services.run.
  void add_calls();
  // Nothing is begun any more.
  void stop();

 private:
  struct Entry {
    Service service;
    ServiceRuns runs;
    bool is_enabled = true;
    bool is_to_be_enabled = true;  // As somebody said last, perhaps not on disk yet …
    std::size_t words = 0;         // … and how often, of what is not.
    bool is_running = false;
    bool is_owed = false;  // Was due meanwhile, and waits for the run that is under way.
    Instant due;
    Instant begun;
    Timestamp ran_before;              // The last run but for the one under way.
    bool is_beginning_kept = false;    // That it is under way is on disk.
    std::optional<Instant> kept;       // When how it went was last on its way to the disk …
    bool has_news = false;             // … and whether it went on since.
    std::shared_ptr<CallRun> waiting;  // For the end of the run that is under way; null: nobody.
    bool is_unseen = false;            // Its record cannot be written, and that was said.
  };

  Result<Entry*> find(const std::string& name);
  // What the server before this one knew of it; from there to its next run.
  Duration resume(Entry& entry) const;
  void schedule(Entry& entry, Duration pause);
  void set_timer();
  void on_timer();
  void on_due(Entry& entry);
  void begin(Entry& entry);
  void call(Entry& entry);
  void on_answer(const std::string& name, const Result<protocol::Document>& answer);
  void note_answer(Entry& entry, const Result<protocol::Document>& answer);
  struct Switch {
    Caller by;
    std::string name;
    bool is_enabled = true;
  };
  void set_enabled(const Switch& to, std::shared_ptr<CallRun> run);
  void on_enabled(Entry& entry, bool is_enabled, const Result<void>& kept);
  void run_now(const CallArguments& arguments, std::shared_ptr<CallRun> run);
  CallValue list() const;
  ServiceView view(const Entry& entry) const;
  void show(Entry& entry);
  void keep(const Entry& entry, OwnRecords::Then then) const;

  net::Loop& loop_;
  Outside outside_;
  std::map<std::string, Entry> entries_;
  bool is_stopped_ = false;
  net::Timer timer_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace callboard::server
