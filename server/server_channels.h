#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/access_key.h"
#include "base/fd.h"
#include "base/result.h"
#include "net/channel/channel_line.h"
#include "net/loop.h"
#include "server/permissions.h"
#include "server/transfers.h"

namespace callboard::server {

// The channels that clients open to the server: who takes them by name, and the ends of those that are open.
// To the relay the server's end is a socket like any other. Loop thread only.
class ServerChannels {
 public:
  // An open one, for the thread that serves it.
  struct Taken {
    std::shared_ptr<channel::ChannelLine> line;
    std::string by;
    std::optional<AccessKey> key{};  // To be proven on it before anything else.
  };
  struct Offer {
    std::string name;
    std::string permission;  // What it takes beside what any channel does; empty: nothing.
    // Without waiting. An error is told to who has opened it.
    std::function<Result<void>(Taken taken)> take;
  };

  // `cancel` ends the transfer of a channel that was broken off here, and says why.
  ServerChannels(net::Loop& loop, std::function<void(Transfers::Id id, const Error& why)> cancel);
  ~ServerChannels();
  ServerChannels(const ServerChannels&) = delete;
  ServerChannels& operator=(const ServerChannels&) = delete;

  // usage: it has no name for a channel, or for a permission; refused: the name is taken.
  Result<void> offer(Offer offer);
  // Whether who may so much may open that one: not_found, or refused.
  Result<void> check(const std::string& name, const Permissions& has) const;

  // Whether one takes this permission.
  bool asks_for(const std::string& permission) const;

  // Its client comes, or its transfer is over before.
  void expect(Transfers::Id id, const std::string& name, const std::string& by,
              const std::optional<AccessKey>& key);
  // It has come: the socket that it is to be connected with.
  Result<Fd> open(Transfers::Id id);
  void on_over(Transfers::Id id, const Error& why);

 private:
  struct Expected {
    std::string name;
    std::string by;
    std::optional<AccessKey> key;
  };

  net::Loop& loop_;
  std::function<void(Transfers::Id, const Error&)> cancel_;
  std::map<std::string, Offer> offers_;
  std::unordered_map<Transfers::Id, Expected> expected_;
  std::unordered_map<Transfers::Id, std::shared_ptr<channel::ChannelLine>> lines_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // For what the loop has still to do.
};

}  // namespace callboard::server
