#pragma once

#include <optional>

#include "base/bytes.h"
#include "client/delta_content.h"
#include "client/replaced_file.h"
#include "client/taker_machine.h"
#include "client/taker_state.h"
#include "sync/stager.h"

namespace callboard::client {

class TakerWriters;

// The large file that is taken in, piece by piece: hashed, written, verified, handed to the committer. After a cancel
// nothing more is written. Destroyed in the middle of a file, what came of it stays for the next try. Thread: the
// receiving one.
class TakerContent {
 public:
  TakerContent(TakerWriters& writers, TakerState& state) : writers_(writers), state_(state) {}

  // The calls come in this order: one begin, any number of writes and skips, one end.
  void begin(WantedFile file, bool is_sparse);
  void write(ByteView content);
  // So many zeros, as a hole.
  void skip(std::uint64_t size_bytes);
  void end(const TakerMachine::FileEnds& ends);

 private:
  void begin_delta();
  void write_piece(ByteView content);
  void skip_piece(std::uint64_t size_bytes);
  void copy_up_to_wanted();

  TakerWriters& writers_;
  TakerState& state_;
  WantedFile wanted_;
  ReplacedFile replaced_;
  std::optional<DeltaContent> delta_;           // When parts of it come from its older version.
  std::optional<sync::IncomingFile> incoming_;  // nullopt: what comes is void.
};

}  // namespace callboard::client
