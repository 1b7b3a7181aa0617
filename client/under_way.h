#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "net/loop.h"
#include "net/timer.h"
#include "protocol/message.h"

namespace callboard::client {

// The transfers that this client gives and takes. As long as there are any it has said every kWorkingPeriod that they go on:
// one that waits for this machine's disk moves nothing and is alive all the same. Client's thread only.
class UnderWay {
 public:
  enum class Giving { pull, look };

  UnderWay(net::Loop& loop, std::function<void(protocol::WorkingAsk)> say);

  void give(protocol::TransferId transfer, Giving giving);
  void take(protocol::TransferId transfer);
  // It is over; what was given, nullopt when nothing was.
  std::optional<Giving> end(protocol::TransferId transfer);
  void clear();
  std::size_t given() const { return gives_.size(); }

 private:
  void note_begun();
  void say_working();

  std::function<void(protocol::WorkingAsk)> say_;
  std::map<protocol::TransferId, Giving> gives_;
  std::set<protocol::TransferId> takes_;
  net::Timer timer_;  // Set while there are any of the two.
};

}  // namespace callboard::client
