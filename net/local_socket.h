#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

// Sockets that lie in a folder and are for the processes of one user on one machine.
namespace callboard::net {

// Listens on the socket `name` in the directory that `directory_fd` is open on; whatever has that name is removed first, so
// the caller makes sure that nobody uses it. Only its owner may connect (0600, from the first moment). The directory's path
// may be longer than a socket's address (108 bytes) where the system has /proc. Non-blocking, close-on-exec.
Result<Fd> listen_local(int directory_fd, const std::string& name, int backlog = 64);

// Connects to it. not_found when nobody listens there; refused when somebody else's process does. Blocking, close-on-exec.
Result<Fd> connect_local(int directory_fd, const std::string& name);

// The next one who connects, non-blocking. Error: refused when it is not of this process's user, else as the system says;
// `errno` is EAGAIN when nobody waits.
Result<Fd> accept_local(int listening_fd);

}  // namespace callboard::net
