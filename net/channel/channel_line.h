#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"
#include "net/data_socket.h"

namespace callboard::channel {

// What a Channel shares with the client or server that it belongs to: the connection, and the word of how it ended. Thread: any.
class ChannelLine {
 public:
  ChannelLine() = default;
  // On a connection that is there.
  explicit ChannelLine(Fd connected) : socket(std::move(connected)) {}

  net::DataSocket socket;

  // Nothing goes on: what is read or written at this moment fails, and everything later. The first reason counts.
  void end(const Error& why);
  // How the server says that it ended. What has arrived before may still be read; the connection closes by itself.
  void note_over(const Error& why);
  // Why a connection that broke did: the reason of end() or the server's, which follows soon if it follows at all.
  Error cause_of(const Error& broke);
  // Until the server has said how it ended, or this side is at its end; false: not within the limit.
  bool await_word(std::optional<Duration> limit);
  bool is_ended() const;

  // What is to be said to the server when this side breaks it off; never after end() has returned.
  void set_abandon(std::function<void(const Error& why)> abandon);
  void abandon(const Error& why);

 private:
  mutable std::mutex mutex_;  // Guards all below.
  std::condition_variable told_;
  std::optional<Error> why_;
  bool is_ended_ = false;
  std::function<void(const Error& why)> abandon_;
};

}  // namespace callboard::channel
