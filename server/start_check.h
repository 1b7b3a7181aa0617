#pragma once

#include "base/result.h"
#include "server/server.h"

namespace callboard::server {

// Whether Server::start() could load what these options name, and what lies beside the project's board: its tasks,
// plugins, keys and roles, and a backup that it is to begin with. Of the board itself only whether it is of a newer program: a server may run on it. More than start() itself
// refuses: roles that make no sense, without which it would start. Changes nothing, but loads the plugins'
// libraries into this process, where each is made and asked what it has. Of a task it is looked at that it is a program: what
// it tells is not known, since it may do things when it is started. Blocking.
Result<void> check_start(const ServerOptions& options);

}  // namespace callboard::server
