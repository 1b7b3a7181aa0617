#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/access_key.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "protocol/datagram.h"

// Datagrams that prove who sent them: docs/protocol.md, 1.1.
namespace callboard::protocol {

// What a key signs datagrams with, and what it marks them with: nobody makes a mark of a signature. Both follow from the key's
// secret, which TLS uses, and say nothing of it. Making one costs as much as two signatures: who signs or checks many keeps it.
class DatagramKey {
 public:
  DatagramKey(const Secret& secret);  // Implicit: a datagram is signed with a secret, by way of this.

  std::array<std::uint8_t, 32> signature_of(std::string_view text) const;
  std::array<std::uint8_t, 32> mark_of(std::string_view text) const;  // Cut where it is written.

 private:
  std::array<std::uint8_t, 32> signing_;
  std::array<std::uint8_t, 32> marking_;
};

// What says when it was signed is believed for this long: clocks differ, and datagrams are on their way.
inline constexpr std::chrono::milliseconds kSignedFor = 30s;
bool is_fresh(Timestamp at, Timestamp now);

// The line with its `mac`. `datagram` is an Announcement, Abort or AbortAcknowledged with a signature whose `mac` is still empty.
std::string format_signed(const Datagram& datagram, const DatagramKey& key);
// Whether the holder of that key wrote the line as it is.
bool is_signed_with(ByteView line, const DatagramKey& key);

// How many marks there is room for. `announcement` has marks whose `row` is still empty.
std::size_t marks_max(const Announcement& announcement);
// Its line with a mark by each of the keys: one at least, and marks_max() at most.
std::string format_marked(const Announcement& announcement, std::span<const DatagramKey> keys);
// Whether a holder of that key wrote the line as it is, up to the marks; nothing stands behind those.
bool is_marked_with(ByteView line, const DatagramKey& key);

}  // namespace callboard::protocol
