#pragma once

#include <cstdint>

#include "protocol/message.h"

namespace callboard::server {

// Which of a session's paces something counts in, and as how many there: one for about 10 us that it takes the loop. Pure.
struct AskCost {
  enum class Kind { write, message, ask };
  Kind kind = Kind::ask;
  std::uint64_t count = 1;
};

// What is known before it is done.
AskCost cost_of(const protocol::ClientMessage& message);
// What an answer of that size costs besides: to be encoded, encrypted and given to the system.
std::uint64_t cost_of_answer(std::uint64_t size_bytes);
// What making JSON of that size costs.
std::uint64_t cost_of_making(std::uint64_t size_bytes);

}  // namespace callboard::server
