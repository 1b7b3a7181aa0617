#pragma once

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "net/endpoint.h"
#include "net/loop.h"

namespace callboard::net {

// One IPv4 UDP socket that may broadcast. Nothing is queued: a datagram goes out in send() or not at all.
// Loop thread only; may be destroyed inside its handlers. Keeps the loop running.
class UdpSocket {
 public:
  struct Options {
    // Broadcasts are heard by sockets bound to "0.0.0.0" or to the broadcast address itself.
    Endpoint at{"0.0.0.0", 0};
    // Other programs on this host may bind the same port; all of them hear broadcasts, one of them a unicast. Leave it
    // off (with port 0) where answers are to come to this socket alone.
    bool shares_port = false;
  };
  struct Handlers {
    // The datagram is valid during the call.
    std::function<void(ByteView datagram, const Endpoint& from)> on_datagram;
    // Receiving failed; it goes on. May be left empty.
    std::function<void(const Error& why)> on_trouble;
  };

  static Result<std::unique_ptr<UdpSocket>> open(Loop& loop, const Options& options, Handlers handlers);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  // An error concerns this datagram alone.
  Result<void> send(const Endpoint& to, ByteView datagram);
  Endpoint local() const;

 private:
  struct Impl;
  explicit UdpSocket(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace callboard::net
