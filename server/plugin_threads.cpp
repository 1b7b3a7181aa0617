#include "server/plugin_threads.h"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

namespace callboard::server {

// What a thread knows of its owner; it may outlive that.
struct PluginThreads::State {
  PluginThreads* owner = nullptr;  // The loop thread's; null: nobody is told.
  std::mutex mutex;                // Guards all below.
  std::condition_variable ended;
  net::Loop* loop = nullptr;
  std::map<std::uint64_t, Doing> running;
};

PluginThreads::PluginThreads(net::Loop& loop) : state_(std::make_shared<State>()) {
  state_->owner = this;
  state_->loop = &loop;
}

PluginThreads::~PluginThreads() {
  state_->owner = nullptr;
  std::map<std::uint64_t, Doing> running;
  {
    const std::lock_guard lock(state_->mutex);
    state_->loop = nullptr;
    running = state_->running;
  }
  for (auto& [number, thread] : threads_) {
    if (running.contains(number)) {
      thread.detach();
    } else {
      thread.join();
    }
  }
}

std::function<void(PluginThreads::Delivery)> PluginThreads::poster() const {
  return [state = state_](Delivery delivery) {
    const std::lock_guard lock(state->mutex);
    if (state->loop == nullptr) return;
    state->loop->post([state, delivery = std::move(delivery)] {
      if (state->owner != nullptr) delivery();
    });
  };
}

Result<void> PluginThreads::start(Doing doing, std::function<Delivery()> work) {
  const std::uint64_t number = ++last_number_;
  auto run = [state = state_, number, post = poster(), work = std::move(work)]() mutable {
    Delivery delivery = work();
    work = nullptr;
    {
      const std::lock_guard lock(state->mutex);
      state->running.erase(number);
      // Here, since after that nobody waits for this thread.
      state->ended.notify_all();
    }
    post([state, number, delivery = std::move(delivery)] { state->owner->on_ended(number, delivery); });
  };
  {
    const std::lock_guard lock(state_->mutex);
    state_->running.emplace(number, std::move(doing));
  }
  try {
    threads_.emplace(number, std::thread(std::move(run)));
  } catch (const std::system_error& problem) {
    const std::lock_guard lock(state_->mutex);
    state_->running.erase(number);
    return Error{Outcome::failed, std::string("has no thread for it: ") + problem.what()};
  }
  return {};
}

void PluginThreads::on_ended(std::uint64_t number, const Delivery& delivery) {
  if (const auto node = threads_.extract(number); !node.empty()) node.mapped().join();
  if (delivery) delivery();
}

std::vector<PluginThreads::Doing> PluginThreads::running() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<Doing> all;
  for (const auto& [number, doing] : state_->running) all.push_back(doing);
  return all;
}

bool PluginThreads::wait(Duration limit) {
  std::unique_lock lock(state_->mutex);
  return state_->ended.wait_for(lock, limit, [this] { return state_->running.empty(); });
}

}  // namespace callboard::server
