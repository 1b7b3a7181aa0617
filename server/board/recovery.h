#pragma once

#include <cstdint>
#include <map>

#include "server/board/board.h"
#include "server/board/log.h"

namespace callboard::server {

struct Recovered {
  Board board;
  std::uint64_t snapshot_sequence = 0;  // What the board began with.
  std::uint64_t operations_replayed = 0;
  std::uint64_t bytes_replayed = 0;                  // Of their values.
  std::map<Record, std::uint64_t> newest_keyframes;  // Of each document: Log::newest_keyframe().
};

// The board as the log has it: the newest snapshot and everything after it. Blocking.
Result<Recovered> recover(Log& log);

}  // namespace callboard::server
