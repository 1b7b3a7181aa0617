#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/fd.h"
#include "net/endpoint.h"
#include "net/loop.h"

namespace callboard::net {

// Looks a host up and tries its addresses in turn until one takes the connection. Each address has an equal share of the
// time that is left. Private to net/. Loop thread only; destroying it gives up silently.
class Connector {
 public:
  // `on_done` is called once, never inside the constructor, and may destroy the Connector.
  Connector(Loop& loop, Endpoint to, Duration limit, std::function<void(Result<Fd> connected)> on_done);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace callboard::net
