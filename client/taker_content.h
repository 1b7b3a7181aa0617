#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "base/bytes.h"
#include "client/delta_content.h"
#include "client/replaced_file.h"
#include "client/taker_buffers.h"
#include "client/taker_machine.h"
#include "client/taker_state.h"
#include "sync/stager.h"

namespace callboard::client {

class TakerWriters;

// What came of a large file's content.
struct ContentPiece {
  ByteView bytes;
  std::shared_ptr<TakerBuffer> buffer;  // Where they lie; null: whoever performs it keeps them.
};
// What is to be done about the large file under way, in the order it came.
using ContentStep =
    std::variant<TakerMachine::FileBegins, ContentPiece, TakerMachine::FileHole, TakerMachine::FileEnds>;

// The large file that is taken in, piece by piece: hashed, written, verified, handed to the committer. After a cancel
// nothing more is written. Destroyed in the middle of a file, what came of it stays for the next try. Thread: one at a
// time.
class TakerContent {
 public:
  TakerContent(TakerWriters& writers, TakerState& state) : writers_(writers), state_(state) {}

  // The steps come in this order: one begin, any number of pieces and holes, one end.
  void perform(ContentStep& step);

 private:
  void begin(WantedFile file, bool is_sparse);
  void write(ByteView content);
  // So many zeros, as a hole.
  void skip(std::uint64_t size_bytes);
  void end(const TakerMachine::FileEnds& ends);
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
