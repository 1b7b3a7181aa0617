#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/loop.h"

namespace callboard::server {

// Threads that run other people's code: what one of them brings back comes to the loop, and nobody has to
// wait until it ends. Loop thread only. Destroyed before its Loop; threads that still run then go on by
// themselves, and are heard no more.
class PluginThreads {
 public:
  using Delivery = std::function<void()>;
  // Whose code it is, and what that does: "words.so", "call word.length".
  struct Doing {
    std::string file;
    std::string what;
  };

  explicit PluginThreads(net::Loop& loop);
  ~PluginThreads();
  PluginThreads(const PluginThreads&) = delete;
  PluginThreads& operator=(const PluginThreads&) = delete;

  // Runs `work`, which must not throw, on a thread of its own; what it returns runs on the loop. failed:
  // there is no thread to be had, and `work` is not called.
  Result<void> start(Doing doing, std::function<Delivery()> work);
  // What brings something to the loop from any thread, for as long as this is there.
  std::function<void(Delivery)> poster() const;

  // What the threads do that have not ended.
  std::vector<Doing> running() const;
  // Blocks until all have ended. False: some have not.
  bool wait(Duration limit);

 private:
  struct State;

  void on_ended(std::uint64_t number, const Delivery& delivery);

  std::shared_ptr<State> state_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::thread> threads_;
};

}  // namespace callboard::server
