#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>

#include "base/fd.h"
#include "net/relay_poller.h"

namespace callboard::net {
namespace {

constexpr std::uint64_t kWakeToken = std::numeric_limits<std::uint64_t>::max();

// Edge-triggered: a socket is registered once, and no system call is spent on changing what is awaited.
class EpollPoller final : public RelayPoller {
 public:
  EpollPoller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  bool is_ready() {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.u64 = kWakeToken;
    return epoll_ && wake_ && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) == 0;
  }

  Result<void> add(int fd, std::uint64_t token) override {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = token;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
      return os_error("watch a relayed socket", errno);
    }
    return {};
  }

  void remove(int fd, std::uint64_t) override { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  void await(std::uint64_t, bool, bool) override {}

  void wait(std::optional<Duration> limit, std::vector<Event>& events) override {
    events.clear();
    const int ms =
        limit ? static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*limit).count()) : -1;
    const int count = ::epoll_wait(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()), ms);
    for (int i = 0; i < count; ++i) {
      const epoll_event& ready = ready_[static_cast<std::size_t>(i)];
      if (ready.data.u64 == kWakeToken) {
        continue;  // The edge was all; the counter may stay.
      }
      const bool is_over = (ready.events & (EPOLLHUP | EPOLLERR)) != 0;
      events.push_back({ready.data.u64, is_over || (ready.events & (EPOLLIN | EPOLLRDHUP)) != 0,
                        is_over || (ready.events & EPOLLOUT) != 0, (ready.events & EPOLLERR) != 0});
    }
  }

  void wake() override {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_.get(), &one, sizeof(one)));
  }

 private:
  Fd epoll_;
  Fd wake_;
  std::array<epoll_event, 128> ready_{};
};

}  // namespace

std::unique_ptr<RelayPoller> make_epoll_poller() {
  auto poller = std::make_unique<EpollPoller>();
  return poller->is_ready() ? std::move(poller) : nullptr;
}

}  // namespace callboard::net
