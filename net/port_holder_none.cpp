#include "net/port_holder.h"

namespace callboard::net {

std::optional<std::int64_t> process_listening_on(std::uint16_t) { return std::nullopt; }

}  // namespace callboard::net
