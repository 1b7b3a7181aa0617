#pragma once

#include <optional>
#include <string>

#include "net/endpoint.h"

namespace callboard::client {

// The address where this folder's server was last joined, kept in `.callboard/last_server` (one line, HOST:PORT) so that
// the next start need not ask the network. A hint: unreadable or unwritable, it is only slower. Thread: one at a time.
class LastServer {
 public:
  // An empty folder remembers for the life of the object only.
  explicit LastServer(std::string folder);

  const std::optional<net::Endpoint>& get() const { return endpoint_; }
  void set(const net::Endpoint& endpoint);

 private:
  std::string path_;
  std::optional<net::Endpoint> endpoint_;
};

}  // namespace callboard::client
