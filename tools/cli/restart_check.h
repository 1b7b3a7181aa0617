#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/loop.h"
#include "net/process.h"
#include "net/timer.h"
#include "tools/cli/daemon.h"

namespace callboard::cli {

// Looks, before a server starts itself anew, whether that would load what it is to load: by `serve --check` with the words
// it was started with, in a process of its own, since a plugin that was replaced cannot be loaded beside the one that
// runs. Loop thread only.
class RestartCheck {
 public:
  using Then = std::function<void(Result<void> checked)>;

  // `loop` outlives it.
  explicit RestartCheck(net::Loop& loop, std::chrono::seconds patience = kStartCheckLimit);
  // `then` is called once, never within this; not at all once this is destroyed. refused: one is under way. timed_out: a
  // library of --plugin does not come to an end, say.
  void begin(Then then);
  ~RestartCheck();
  RestartCheck(const RestartCheck&) = delete;
  RestartCheck& operator=(const RestartCheck&) = delete;

 private:
  void on_limit();
  void on_ended(const net::Process::Ending& ending);
  void end(Result<void> checked);
  void end_soon(Error why);
  Result<void> result_of(const net::Process::Ending& ending) const;

  net::Loop& loop_;
  const std::chrono::seconds patience_;
  net::Timer limit_;
  Then then_;                              // Empty: nobody waits for one.
  std::string said_;                       // On its standard error, the end of it.
  std::unique_ptr<net::Process> process_;  // Until it has ended, though nobody waits for it any more.
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace callboard::cli
