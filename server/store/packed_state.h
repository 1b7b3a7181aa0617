#pragma once

#include "base/bytes.h"
#include "base/result.h"

// How the database keeps snapshots and keyframes: as one zstd frame, which says how long they are. Of what changed lately most is
// said in each of them again, and a commit takes the longer the more pages it writes. Thread: any.
namespace callboard::server {

// As it is where zstd makes it no shorter, or has no memory.
Bytes packed_state(Bytes state);
// What was kept before schema version 4 is as it was: no state begins as a zstd frame does, with the byte 0x28.
Result<Bytes> unpacked_state(ByteView kept);

}  // namespace callboard::server
