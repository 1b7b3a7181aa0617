#include "protocol/faults.h"

#include <fmt/format.h>

#include <string>

#include "base/text.h"

namespace callboard::protocol {

namespace {
constexpr std::size_t kReasonShown =
    256;  // Code points of a peer's reason: two lines of a terminal and a half.
}

Error unexpected(std::string_view expected_verb, std::string_view got_verb) {
  return {Outcome::usage, fmt::format("expected {}, got {}", quoted(expected_verb), quoted(got_verb))};
}

Error out_of_turn(std::string_view verb, std::string_view situation) {
  return {Outcome::refused, fmt::format("spoke out of turn: {} while {}", quoted(verb), situation)};
}

Error key_needed() {
  return {Outcome::refused,
          "the server asks for a key: whoever runs it makes one (callboard key add NAME); keep the line in "
          ".callboard/key, with chmod 600, or in CALLBOARD_KEY"};
}

Error said_bye(const Bye& bye) {
  return {bye.outcome, bye.reason.empty() ? std::string("said bye") : escaped(bye.reason, kReasonShown)};
}

}  // namespace callboard::protocol
