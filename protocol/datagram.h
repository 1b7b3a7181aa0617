#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"

// Discovery: docs/protocol.md, section 1.
namespace callboard::protocol {

// Who says it, so that it can be believed: see datagram_signature.h.
struct Signature {
  Timestamp at;       // The sender's clock.
  std::string by;     // The identity of the key that signs.
  UniqueId nonce;     // Of an abort: its own, once. Of what answers a search or an abort: that one's.
  std::string mac{};  // 64 hex digits; empty: still to be signed.
};

// Characters of base64url for 16 bytes.
inline constexpr std::size_t kMarkSize = 22;

// Whether it is one: of whole marks, and nothing else.
bool is_row_of_marks(std::string_view text);

// Who announces it, to every holder of a key whose mark is in the row: see datagram_signature.h.
struct Marks {
  Timestamp at;       // The server's clock.
  std::string row{};  // kMarkSize characters each; empty: still to be made.
};

struct Announcement {
  std::string address;
  std::string project;
  std::uint16_t port = kSessionPort;     // Read as kSessionPort when it is not told.
  std::optional<UniqueId> id;            // Not told by the program this one replaces.
  std::uint32_t proto = 1;               // Read as 0 when it is not told.
  std::string access = "open";           // Read as "open" when it is not told.
  std::optional<Signature> signature{};  // Of an answer.
  std::optional<Marks> marks{};          // Of what is said to everybody.
};
// For a signed answer: by whose key, and with what in it.
struct Challenge {
  std::string by;
  UniqueId nonce;
};
struct Search {
  std::optional<std::string> project;
  std::optional<Challenge> challenge{};
};
struct Abort {
  std::optional<std::string> project;
  std::optional<UniqueId> id{};  // Of the server that is meant; told with a signature.
  std::optional<Signature> signature{};
};
struct AbortAcknowledged {
  std::string address;
  std::string project;
  std::optional<UniqueId> id;
  std::optional<Signature> signature{};
};
struct TerminalLine {
  std::string time;
  std::string user;
  std::string text;
};
using Datagram = std::variant<Announcement, Search, Abort, AbortAcknowledged, TerminalLine>;

// At most kDatagramMax bytes: a terminal line's text is cut (between code points) to fit.
std::string format(const Datagram& datagram);
// nullopt for everything that is not exactly one of ours: garbage, too long, not UTF-8, a field that says
// nonsense.
std::optional<Datagram> parse_datagram(ByteView bytes);

}  // namespace callboard::protocol
