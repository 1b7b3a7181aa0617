#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <unordered_map>

#include "base/fd.h"
#include "net/relay_poller.h"
#include "net/socket_posix.h"

namespace callboard::net {
namespace {

// poll(): asks again for every socket each time, which is slow for hundreds and there everywhere.
class PollPoller final : public RelayPoller {
 public:
  PollPoller() {
    int ends[2] = {-1, -1};
    if (::pipe(ends) == 0) {
      wake_reader_ = Fd(ends[0]);
      wake_writer_ = Fd(ends[1]);
      for (const int end : ends) {
        ::fcntl(end, F_SETFD, FD_CLOEXEC);
        set_nonblocking(end, true);
      }
    }
  }

  bool is_ready() const { return static_cast<bool>(wake_reader_); }

  Result<void> add(int fd, std::uint64_t token) override {
    watched_[token] = {fd, 0};
    return {};
  }

  void remove(int, std::uint64_t token) override { watched_.erase(token); }

  void await(std::uint64_t token, bool until_readable, bool until_writable) override {
    const auto found = watched_.find(token);
    if (found != watched_.end()) {
      found->second.awaited =
          static_cast<short>((until_readable ? POLLIN : 0) | (until_writable ? POLLOUT : 0));
    }
  }

  void wait(std::optional<Duration> limit, std::vector<Event>& events) override {
    events.clear();
    asked_.assign(1, pollfd{wake_reader_.get(), POLLIN, 0});
    tokens_.assign(1, 0);
    for (const auto& [token, watched] : watched_) {
      // One that awaits nothing is left out: poll would tell of its hang-up again and again.
      if (watched.awaited != 0) {
        asked_.push_back({watched.fd, watched.awaited, 0});
        tokens_.push_back(token);
      }
    }
    const int ms =
        limit ? static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*limit).count()) : -1;
    if (::poll(asked_.data(), static_cast<nfds_t>(asked_.size()), ms) <= 0) {
      return;
    }
    drain_wakes();
    for (std::size_t i = 1; i < asked_.size(); ++i) {
      const short got = asked_[i].revents;
      if (got != 0) {
        const bool is_over = (got & (POLLHUP | POLLERR | POLLNVAL)) != 0;
        events.push_back({tokens_[i], is_over || (got & POLLIN) != 0, is_over || (got & POLLOUT) != 0,
                          (got & (POLLERR | POLLNVAL)) != 0});
      }
    }
  }

  void wake() override {
    const char any = 0;
    static_cast<void>(::write(wake_writer_.get(), &any, 1));  // Full: it is awake already.
  }

 private:
  struct Watched {
    int fd = -1;
    short awaited = 0;
  };

  void drain_wakes() {
    char rest[64];
    while (::read(wake_reader_.get(), rest, sizeof(rest)) > 0) {
    }
  }

  Fd wake_reader_;
  Fd wake_writer_;
  std::unordered_map<std::uint64_t, Watched> watched_;
  std::vector<pollfd> asked_;
  std::vector<std::uint64_t> tokens_;
};

}  // namespace

std::unique_ptr<RelayPoller> make_poll_poller() {
  auto poller = std::make_unique<PollPoller>();
  return poller->is_ready() ? std::move(poller) : nullptr;
}

#ifndef __linux__
std::unique_ptr<RelayPoller> make_epoll_poller() { return nullptr; }
#endif

}  // namespace callboard::net
