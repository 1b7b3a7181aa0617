#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "net/loop.h"

namespace callboard::net {

// Calls back on the loop for every arrival of one signal (several that arrive together may count as one). While it
// exists the signal's usual effect is off. Does not keep the loop running.
class Signal {
 public:
  static Result<std::unique_ptr<Signal>> open(Loop& loop, int number, std::function<void()> on_signal);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  struct Impl;
  explicit Signal(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace callboard::net
