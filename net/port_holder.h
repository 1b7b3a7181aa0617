#pragma once

#include <cstdint>
#include <optional>

namespace callboard::net {

// The process on this machine that listens on that TCP port, for a message; nullopt: none that this user may look into.
std::optional<std::int64_t> process_listening_on(std::uint16_t port);

}  // namespace callboard::net
