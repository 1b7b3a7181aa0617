#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace callboard {

// All of a file, from its beginning. refused: it is longer than `max_bytes`. Blocking; what is interrupted goes on.
Result<Bytes> read_content(int fd, std::uint64_t max_bytes);
// All of `bytes`, at that place of the file. After an error any part of it may be there. Blocking, likewise.
Result<void> write_content(int fd, ByteView bytes, std::uint64_t at = 0);

}  // namespace callboard
