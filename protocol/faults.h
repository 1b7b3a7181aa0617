#pragma once

#include <string_view>

#include "base/error.h"
#include "protocol/message.h"

// The words in which a session says what its peer did wrong.
namespace callboard::protocol {

// The right side spoke, but not the thing that comes now: `expected "username", got "story"`.
Error unexpected(std::string_view expected_verb, std::string_view got_verb);
// The wrong side spoke: `spoke out of turn: "story" while the server has the turn`.
Error out_of_turn(std::string_view verb, std::string_view situation);
// A server with keys was met without one; says where a key is to be had.
Error key_needed();
// How a session ended whose peer said `bye`; fit for a log line.
Error said_bye(const Bye& bye);

}  // namespace callboard::protocol
