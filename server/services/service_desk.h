#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/id.h"
#include "net/loop.h"
#include "net/timer.h"
#include "server/calls/call_desk.h"
#include "server/event_log.h"
#include "server/services/service.h"
#include "server/tasks/state_store.h"

namespace callboard::server {

// Runs services when they are due, and knows how they went. One that fails goes on, more seldom, and says so; nothing but
// somebody's word switches it off, which outlives the server (state "/services/NAME"). Loop thread only.
class ServiceDesk {
 public:
  // What it refers to outlives it.
  struct Outside {
    CallDesk& calls;
    StateStore& states;
    EventLog& events;
    const Clock& clock;
    RandomSource random;
  };
  ServiceDesk(net::Loop& loop, Outside outside);
  ~ServiceDesk();

  // Its first run is due after a period. refused: the name is taken, or there are too many.
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
    bool is_running = false;
    bool is_owed = false;  // Was due meanwhile, and waits for the run that is under way.
    Instant due;
    Instant begun;
  };

  Result<Entry*> find(const std::string& name);
  void schedule(Entry& entry);
  void set_timer();
  void on_timer();
  void on_due(Entry& entry);
  void begin(Entry& entry);
  void on_answer(const std::string& name, const Result<protocol::Document>& answer);
  void set_enabled(const std::string& name, bool is_enabled, std::shared_ptr<CallRun> run);
  CallValue list() const;

  net::Loop& loop_;
  Outside outside_;
  std::map<std::string, Entry> entries_;
  bool is_stopped_ = false;
  net::Timer timer_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace callboard::server
