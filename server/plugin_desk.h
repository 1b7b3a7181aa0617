#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/loop.h"
#include "net/timer.h"
#include "server/calls/call_registry.h"
#include "server/calls/server_calls.h"
#include "server/event_log.h"
#include "server/plugin_threads.h"
#include "server/plugins/plugin.h"
#include "server/server_channels.h"
#include "server/taking_turns.h"

namespace callboard::server {

// From the end of everything that it does until a plugin is gone, as for a task.
inline constexpr auto kPluginEndLimit = 3s;
// Calls that one plugin carries out at a time; the others wait, and people take turns.
inline constexpr std::size_t kPluginCallsAtOnce = 2;

// The plugins of a server: their calls and channels are carried out on threads of their own, for none of
// which anybody waits. Loop thread only.
class PluginDesk {
 public:
  // All must be there for as long as somebody calls or opens what they have.
  PluginDesk(net::Loop& loop, CallRegistry& calls, ServerChannels& channels, EventLog& events);
  // Blocks until they have ended, but for kPluginEndLimit.
  ~PluginDesk();

  // Blocking. usage: it is no plugin, or describes what makes no sense; refused: a name is taken.
  Result<void> load(const std::string& file);
  // One that is loaded is ready.
  std::vector<ProgramHealth> health() const;
  // Ends what they do, then the plugins. `done` is called once. True: some go on after kPluginEndLimit, which
  // the log says of each; the process has to end without them.
  void stop(std::function<void(bool is_any_left)> done);

 private:
  // One call that a plugin has to carry out.
  struct Job {
    plugin::Request request;
    std::uint64_t number = 0;
    std::stop_source stop;
    std::shared_ptr<CallRun> run;
  };
  struct Loaded {
    std::string file;
    std::shared_ptr<plugin::Plugin> plugin;
    std::size_t running = 0;
    TakingTurns<Job> waiting;  // By person.
  };
  using LoadedPtr = std::shared_ptr<Loaded>;

  Result<void> add_calls(const LoadedPtr& loaded);
  Result<void> add_channels(const LoadedPtr& loaded);
  void on_called(const LoadedPtr& loaded, const std::string& name, const Caller& caller,
                 const CallArguments& arguments, std::shared_ptr<CallRun> run);
  void carry_out_next(const LoadedPtr& loaded);
  void on_carried_out(const LoadedPtr& loaded, std::uint64_t number, CallValue value);
  Result<void> take(const LoadedPtr& loaded, const std::shared_ptr<const plugin::ChannelOffer>& offer,
                    ServerChannels::Taken taken);
  void end_all();
  // When nothing runs any more the plugins go, and when they have gone it is done.
  void go_on_stopping();
  void give_up();

  CallRegistry& calls_;
  ServerChannels& channels_;
  EventLog& events_;
  PluginThreads threads_;
  std::vector<LoadedPtr> loaded_;
  struct Running {
    std::shared_ptr<CallRun> run;
    std::stop_source stop;
  };
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, Running> runs_;  // Under way.
  std::unordered_map<std::uint64_t, std::shared_ptr<channel::ChannelLine>> lines_;
  net::Timer limit_;
  std::function<void(bool)> stopped_;  // Set: stopping.
  bool is_over_ = false;               // Nobody waits for what still runs.
};

}  // namespace callboard::server
