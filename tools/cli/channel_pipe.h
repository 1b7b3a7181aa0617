#pragma once

#include <thread>

#include "client/channel.h"

namespace callboard::cli {

// Carries what comes on one file descriptor into a channel, on a thread of its own, and says there that it was all. Another
// thread may read the channel meanwhile. Destroying it stops reading, wherever that is.
class ChannelPipe {
 public:
  ChannelPipe(client::Channel& channel, int from_fd);
  ~ChannelPipe();
  ChannelPipe(const ChannelPipe&) = delete;
  ChannelPipe& operator=(const ChannelPipe&) = delete;

  // Once it has ended: what failed, of the file or of the channel.
  Result<void> stop();

 private:
  void run();
  Result<void> carry();
  // False: it is to stop.
  bool wait_for_input() const;

  client::Channel& channel_;
  int from_fd_;
  int stop_read_fd_ = -1;  // Readable when it is to stop: the other end is closed then.
  int stop_write_fd_ = -1;
  Result<void> carried_;
  std::thread thread_;
};

// What comes on the channel goes to `to_fd`, until the other side has ended.
Result<void> carry_out(client::Channel& channel, int to_fd);

}  // namespace callboard::cli
