#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "protocol/state_message.h"

namespace callboard::client {

// The revisions of the documents that were known in this folder when its last session was joined, or ended, kept in
// `.callboard/last_known` (a line of each: NAME NUMBER): what is changed without a server by a client that was never joined was
// made from these. One that is too old costs a conflict, so it is not synced. Thread: one at a time.
class LastKnown {
 public:
  // An empty folder remembers nothing.
  explicit LastKnown(const std::string& folder);

  // 0: none.
  std::uint64_t of(protocol::DocumentRecord record) const { return revisions_[index_of(record)]; }
  // A revision of 0 is none that is known, and changes nothing.
  void set(std::uint64_t story, std::uint64_t analytics);

 private:
  static std::size_t index_of(protocol::DocumentRecord record) {
    return record == protocol::DocumentRecord::story ? 0 : 1;
  }

  std::string path_;
  std::array<std::uint64_t, 2> revisions_{};
};

}  // namespace callboard::client
