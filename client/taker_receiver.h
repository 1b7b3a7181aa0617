#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "client/delta_taker.h"
#include "client/taker_buffers.h"
#include "client/taker_state.h"
#include "client/taker_turns.h"
#include "client/taker_writers.h"
#include "protocol/frame.h"
#include "protocol/squeezed.h"

namespace callboard::client {

// Takes in what the giver sends: listings go to the planner, small files to the writers where they lie in the buffer, and
// the content of large ones to disk, for which two threads take turns. Thread: one at a time; run() has its own second one.
class TakerReceiver {
 public:
  // Before start_writing() no file may come, and none does: none was wanted.
  // `may_squeeze`: the giver was told that it may.
  TakerReceiver(net::DataSocket& socket, TakerState& state, const Bytes& already_read,
                bool may_squeeze = false);
  void start_writing(TakerWriters& writers, DeltaTaker& deltas) {
    writers_ = &writers;
    deltas_ = &deltas;
  }

  // Until the next `opened` or `listing` came, without a thread.
  Result<void> receive_event();
  // Until the giver closes. Tells the state how it ended.
  void run();

 private:
  // Of one of the two threads.
  struct Turn {
    std::unique_ptr<std::byte[]> block;  // Where it receives content that it then writes.
    std::vector<ContentStep> steps;      // What is to be written.
    std::uint64_t place = 0;
  };

  void take_turns();
  bool receive(Turn& turn);
  Result<bool> receive_more(Turn& turn);
  Result<bool> receive_some();
  Result<bool> receive_content(Turn& turn);
  void make_room();
  void help_with(const WantedFile& file);
  Result<void> handle_buffered();
  Result<bool> handle_frame();
  Result<void> handle_whole(const protocol::FrameView& frame, const std::shared_ptr<TakerBuffer>& buffer);
  Result<void> handle_squeezed(ByteView body);
  void discard_until_closed();
  void on_event(TakerMachine::Event event, const std::shared_ptr<TakerBuffer>& buffer);
  void on_no_file(const TakerMachine::NoFile& none);

  net::DataSocket& socket_;
  TakerState& state_;
  TakerWriters* writers_ = nullptr;
  DeltaTaker* deltas_ = nullptr;
  TakerBuffers first_buffers_;
  TakerTurns turns_;
  std::thread helper_;
  // What follows belongs to who has the turn to receive.
  bool has_ended_ = false;
  std::vector<ContentStep> steps_;  // Of this turn.
  std::shared_ptr<TakerBuffer> buffer_;
  bool is_shared_ = false;          // Somebody may still read what lies before position_.
  std::size_t position_ = 0;        // Of the first byte that was not handled …
  std::size_t filled_ = 0;          // … and of the end.
  std::uint64_t content_left_ = 0;  // Of the `data` frame under way.
  bool got_listing_ = false;
  bool may_squeeze_;
  protocol::Unsqueezer unsqueezer_;
  bool is_unsqueezed_ = false;  // The last frame was taken apart into a buffer of its own.
};

}  // namespace callboard::client
