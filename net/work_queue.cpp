#include "net/work_queue.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/ensure.h"

namespace callboard::net {

struct WorkQueue::Impl {
  explicit Impl(Loop& on) : loop(on) {}

  // What deliveries find when they arrive on the loop; expired once the WorkQueue is gone.
  struct Desk {
    std::size_t pending = 0;
  };

  Loop& loop;
  std::shared_ptr<Desk> desk = std::make_shared<Desk>();
  std::mutex lock;
  std::condition_variable_any is_there_work;
  std::deque<Job> jobs;
  std::vector<std::jthread> threads;

  void work(const std::stop_token& stop);
  std::optional<Job> take(const std::stop_token& stop);
  void deliver(Delivery delivery);
};

std::optional<WorkQueue::Job> WorkQueue::Impl::take(const std::stop_token& stop) {
  std::unique_lock held(lock);
  is_there_work.wait(held, stop, [&] { return !jobs.empty(); });
  if (stop.stop_requested()) {
    return std::nullopt;
  }
  Job job = std::move(jobs.front());
  jobs.pop_front();
  return job;
}

void WorkQueue::Impl::deliver(Delivery delivery) {
  loop.post([&loop = loop, weak = std::weak_ptr<Desk>(desk), delivery = std::move(delivery)] {
    if (const auto alive = weak.lock()) {
      --alive->pending;
      loop.release();
      if (delivery) {
        delivery();
      }
    }
  });
}

void WorkQueue::Impl::work(const std::stop_token& stop) {
  while (auto job = take(stop)) {
    Delivery delivery = (*job)(stop);
    job.reset();  // What the job captured is gone before its result arrives.
    if (stop.stop_requested()) {
      return;
    }
    deliver(std::move(delivery));
  }
}

WorkQueue::WorkQueue(Loop& loop, std::size_t thread_count) : impl_(std::make_unique<Impl>(loop)) {
  ENSURE(thread_count > 0);
  for (std::size_t i = 0; i < thread_count; ++i) {
    impl_->threads.emplace_back([impl = impl_.get()](const std::stop_token& stop) { impl->work(stop); });
  }
}

WorkQueue::~WorkQueue() {
  for (std::jthread& thread : impl_->threads) {
    thread.request_stop();
  }
  impl_->threads.clear();
  for (; impl_->desk->pending > 0; --impl_->desk->pending) {
    impl_->loop.release();
  }
}

void WorkQueue::submit(Job job) {
  ++impl_->desk->pending;
  impl_->loop.hold();
  {
    const std::lock_guard held(impl_->lock);
    impl_->jobs.push_back(std::move(job));
  }
  impl_->is_there_work.notify_one();
}

std::size_t WorkQueue::pending() const { return impl_->desk->pending; }

}  // namespace callboard::net
