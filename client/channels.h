#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/channel.h"
#include "client/transfer_threads.h"
#include "net/channel/channel_line.h"

namespace callboard::client {

// The channels of one client: those it offers, those that others open to it and those that it opens. Each is opened on a
// thread of TransferThreads; on one that was offered its taker runs there, too. Client's thread only, but open().
class Channels {
 public:
  // All must outlive it.
  Channels(TransferDesk& desk, TransferThreads& threads) : desk_(desk), threads_(threads) {}

  // Thread: any.
  Answer<std::shared_ptr<Channel>> open(protocol::ChannelAsk ask);
  // What the server granted for a line of open().
  void add(const Granted& granted, const std::shared_ptr<channel::ChannelLine>& line);

  // Takes the place of one of the same name.
  Result<void> offer(ChannelOffer offer);
  void withdraw(const std::string& name) { offers_.erase(name); }
  // As the server is to be told at each join, and when it changed.
  protocol::ChannelsAsk offered() const;

  // Somebody has opened one.
  void on_wanted(const Granted& granted, const std::string& name);
  // False: it is no channel.
  bool on_over(const protocol::TransferOver& over);
  // With the session all channels are over.
  void on_lost(const Error& why);

 private:
  void refuse(const Granted& granted, const Error& why);

  TransferDesk& desk_;
  TransferThreads& threads_;
  std::map<std::string, ChannelOffer> offers_;
  std::map<protocol::TransferId, std::weak_ptr<channel::ChannelLine>>
      lines_;  // That the server has not said to be over.
};

}  // namespace callboard::client
