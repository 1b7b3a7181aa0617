#pragma once

#include <functional>
#include <memory>

#include "net/loop.h"

namespace callboard::net {

// Has something called on the loop from where nothing may be allocated or waited for. However often it is raised before the loop
// comes to it, that is one call. Does not keep the loop running.
class Alarm {
 public:
  Alarm(Loop& loop, std::function<void()> on_raised);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Any thread, as long as the Alarm lives.
  void raise() noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace callboard::net
