#pragma once

#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace callboard::net {

// Two stream sockets of this process that are connected to each other. They block, and no program that is
// started gets them.
Result<std::pair<Fd, Fd>> make_socket_pair();

}  // namespace callboard::net
