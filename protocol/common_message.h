#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/compression.h"
#include "base/error.h"

// What the messages of both sides share, and those that both may say; see message.h.
namespace callboard::protocol {

// JSON text, never copied once it is here: told to a hundred sessions it is still one buffer. Null: no
// document.
using Document = std::shared_ptr<const std::string>;

// The two records that hold a document; their messages differ in the verb alone.
enum class DocumentRecord { story, analytics };
constexpr std::string_view to_text(DocumentRecord record) {
  return record == DocumentRecord::story ? "story" : "analytics";
}

using AskId = std::uint32_t;
using TransferId = std::uint64_t;

// --- Said by both sides
struct Yours {
  std::optional<Timestamp> clock{};  // The client's, when it says this.
};
struct Bye {
  Outcome outcome = Outcome::done;
  std::string reason;
  bool for_good = false;  // Said by a server: the client is not to come back by itself.
  std::string to{};       // With it: but to join the server at this address, HOST:PORT.
};
// A verb this version does not know, and that asks nothing: to be ignored.
struct UnknownTell {
  std::string verb;
};

}  // namespace callboard::protocol
