#pragma once

#include <string>

#include "base/access_key.h"
#include "base/bytes.h"
#include "protocol/datagram.h"

// Datagrams that prove who sent them: docs/protocol.md, 1.1.
namespace callboard::protocol {

// The line with its `mac`. `datagram` is an Announcement, Abort or AbortAcknowledged with a signature whose `mac` is still empty.
std::string format_signed(const Datagram& datagram, const Secret& secret);
// Whether the holder of that secret wrote the line as it is.
bool is_signed_with(ByteView line, const Secret& secret);

}  // namespace callboard::protocol
