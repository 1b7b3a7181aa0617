#pragma once

#include <cstdint>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "client/delta_choice.h"
#include "client/taker.h"
#include "client/taker_machine.h"
#include "client/taker_queue.h"
#include "client/taker_state.h"
#include "sync/chunk_list.h"

namespace callboard::client {

// Decides of large files of which there is an older version here what is wanted of them: finds the chunks that the giver
// lists in the older version, and wants the rest, or all of it as soon as that is cheaper on the link at hand. On a thread of
// its own, which starts with the first such file. The state must outlive it.
class DeltaTaker {
 public:
  DeltaTaker(const TakerParts& parts, TakerState& state);
  ~DeltaTaker();
  DeltaTaker(const DeltaTaker&) = delete;
  DeltaTaker& operator=(const DeltaTaker&) = delete;

  // Planning thread. Asks for the file's chunks, or false: not worth it. `older`: the digest of what is here.
  Result<bool> want(const WantedFile& file, const Digest& older);
  // Receiving thread.
  void on_chunks(TakerMachine::ChunksCome come);

 private:
  // The file whose list is coming.
  struct Current;
  struct Arrived {
    TakerMachine::ChunksCome come;
    Instant when;
    std::uint64_t received_bytes = 0;  // On the connection so far.
  };

  void run();
  void take(Arrived arrived);
  void add(Current& current, const Arrived& arrived);
  std::unique_ptr<Current> begin(const Arrived& arrived) const;
  bool is_hopeless(Current& current) const;
  void chunk_older(Current& current, std::uint64_t end) const;
  DeltaCosts costs(const Current& current, const sync::DeltaPlan& plan) const;
  void decide(Current& current, protocol::ChunksState state);
  void want_plan(Current& current, sync::DeltaPlan plan);
  void want_whole(Current& current);

  TakerParts parts_;
  TakerState& state_;
  const Instant started_;
  TakerQueue<Arrived> queue_;
  std::thread thread_;
  std::unique_ptr<Current> current_;  // Deciding thread only.
};

}  // namespace callboard::client
