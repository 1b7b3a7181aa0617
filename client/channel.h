#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/channel/channel.h"

namespace callboard::client {

// Client::open_channel opens one, to a user who offers it (Client::offer_channel) or to the server.
using Channel = channel::Channel;

// Who asks for a channel.
struct ChannelRequest {
  std::string name;
  std::string user;
};

// A channel that others may open to this client.
struct ChannelOffer {
  std::string name;  // 1–64 characters on one line, the same for who opens it.
  // Called with each, on a thread of its own, in which it may wait. Ending the client breaks channels off and
  // waits until it returns.
  std::function<void(std::shared_ptr<Channel> channel)> take;
  // Empty: everybody may. On the client's thread, so without waiting; an error is told to who asked.
  std::function<Result<void>(const ChannelRequest& request)> may = {};
};

}  // namespace callboard::client
