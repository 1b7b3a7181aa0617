#include "net/relay.h"

#include <unordered_map>
#include <utility>

#include "base/ensure.h"
#include "net/relay_thread.h"

namespace callboard::net {

struct Relay::Impl {
  // What the loop thread knows; ends that arrive after the Relay is gone find it expired.
  struct Desk {
    std::function<void(const RelayEnd&)> on_end;
    std::unordered_map<std::uint64_t, std::shared_ptr<RelayCounters>> running;
  };

  Loop& loop;
  std::shared_ptr<Desk> desk = std::make_shared<Desk>();
  std::unique_ptr<RelayThread> thread;

  explicit Impl(Loop& on) : loop(on) {}

  static void tell(Loop& loop, Desk& desk, std::uint64_t id, const Error& why) {
    const auto found = desk.running.find(id);
    ENSURE(found != desk.running.end());
    const RelayEnd end{id, found->second->progress(), why};
    desk.running.erase(found);
    loop.release();
    desk.on_end(end);
  }
};

Relay::Relay(Loop& loop, Options options, std::function<void(const RelayEnd&)> on_end)
    : impl_(std::make_unique<Impl>(loop)) {
  impl_->desk->on_end = std::move(on_end);
  const std::weak_ptr<Impl::Desk> weak = impl_->desk;
  impl_->thread = std::make_unique<RelayThread>(options, [&loop, weak](std::uint64_t id, Error why) {
    loop.post([&loop, weak, id, why = std::move(why)] {
      if (const auto desk = weak.lock()) {
        Impl::tell(loop, *desk, id, why);
      }
    });
  });
}

Relay::~Relay() {
  impl_->thread.reset();
  for (std::size_t left = impl_->desk->running.size(); left > 0; --left) {
    impl_->loop.release();
  }
  impl_->desk->running.clear();
}

void Relay::add(RelayPair pair) {
  ENSURE(pair.giver && pair.taker);
  const std::uint64_t id = pair.id;
  auto counters = std::make_shared<RelayCounters>();
  ENSURE(impl_->desk->running.emplace(id, counters).second);
  impl_->loop.hold();
  impl_->thread->add(std::move(pair), std::move(counters));
}

void Relay::cancel(std::uint64_t id, Error why) { impl_->thread->cancel(id, std::move(why)); }

void Relay::set_limits(const RelayLimits& limits) { impl_->thread->set_limits(limits); }

std::optional<RelayProgress> Relay::progress(std::uint64_t id) const {
  const auto found = impl_->desk->running.find(id);
  return found == impl_->desk->running.end() ? std::nullopt : std::optional(found->second->progress());
}

std::size_t Relay::size() const { return impl_->desk->running.size(); }

}  // namespace callboard::net
