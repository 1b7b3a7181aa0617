#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "base/within_memory.h"
#include "net/loop.h"

namespace callboard::net {

// Runs jobs on a few threads of its own, oldest first, and brings their results back to the loop. A job that is not
// delivered keeps the loop running. Loop thread only; destroyed before its Loop. Jobs must not throw; but
// work that returns a Result and finds no memory has failed.
class WorkQueue {
 public:
  // Runs on a worker; what it returns runs on the loop. A long job looks at the token now and then.
  using Delivery = std::function<void()>;
  using Job = std::function<Delivery(const std::stop_token& stop)>;

  WorkQueue(Loop& loop, std::size_t thread_count);
  // Asks running jobs to stop and waits for them, drops the others; nothing is delivered any more.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void submit(Job job);
  // The same with the result passed on: `work(stop)` on a worker, then `deliver(result)` on the loop.
  template <class Work, class Deliver>
  void submit(Work work, Deliver deliver) {
    submit(Job([work = std::move(work), deliver = std::move(deliver)](const std::stop_token& stop) mutable {
      auto result = std::make_shared<decltype(work(stop))>(attempt(work, stop));
      return Delivery([result, deliver = std::move(deliver)]() mutable { deliver(std::move(*result)); });
    }));
  }

  // Submitted and not yet delivered.
  std::size_t pending() const;

 private:
  template <class Work>
  static auto attempt(Work& work, const std::stop_token& stop) -> decltype(work(stop)) {
    if constexpr (std::is_convertible_v<Error, decltype(work(stop))>) {
      return within_memory([&] { return work(stop); });
    } else {
      return work(stop);
    }
  }

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::net
