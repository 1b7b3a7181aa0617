#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

// Tells the relay's thread which sockets can move again. Private to net/.
namespace callboard::net {

class RelayPoller {
 public:
  struct Event {
    std::uint64_t token = 0;
    bool is_readable = false;
    bool is_writable = false;
    bool is_broken = false;  // An error is pending on the socket.
  };

  RelayPoller() = default;
  RelayPoller(const RelayPoller&) = delete;
  RelayPoller& operator=(const RelayPoller&) = delete;
  virtual ~RelayPoller() = default;

  virtual Result<void> add(int fd, std::uint64_t token) = 0;
  virtual void remove(int fd, std::uint64_t token) = 0;
  // What the socket has refused (would block), to be told of when it changes. Edge-triggered pollers need no telling.
  virtual void await(std::uint64_t token, bool until_readable, bool until_writable) = 0;
  // Waits at most `limit` (none: for ever); wake() ends it, or the next one, at once.
  virtual void wait(std::optional<Duration> limit, std::vector<Event>& events) = 0;
  // Any thread.
  virtual void wake() = 0;
};

std::unique_ptr<RelayPoller> make_poll_poller();
// Null where there is no epoll.
std::unique_ptr<RelayPoller> make_epoll_poller();

}  // namespace callboard::net
