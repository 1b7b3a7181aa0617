#pragma once

#include <cstdint>
#include <memory>

// Moves bytes in one direction between two non-blocking sockets. Private to net/; the relay's thread only.
namespace callboard::net {

class RelayPump {
 public:
  enum class Wait {
    turn,     // The budget is used up; there is more to do.
    input,    // Until `from` is readable.
    output,   // Until `to` is writable.
    nothing,  // `from` has ended and everything is delivered.
    failed,   // `errno_value` says why.
  };
  struct Step {
    Wait wait = Wait::nothing;
    std::uint64_t moved_bytes = 0;
    int errno_value = 0;
  };

  RelayPump() = default;
  RelayPump(const RelayPump&) = delete;
  RelayPump& operator=(const RelayPump&) = delete;
  virtual ~RelayPump() = default;

  // Moves about `budget_bytes` at most. Reads only when everything read before is delivered, and goes on until one side
  // has said that it would block: the next event of that side is an edge.
  virtual Step pump(int from, int to, std::uint64_t budget_bytes) = 0;
};

// read() and send(), through a buffer of at most 256 KiB.
std::unique_ptr<RelayPump> make_copying_pump();
// splice() through a pipe of `pipe_bytes`, or what the system grants. Null where there is no splice or no pipe to be had.
std::unique_ptr<RelayPump> make_splicing_pump(std::uint64_t pipe_bytes);

}  // namespace callboard::net
