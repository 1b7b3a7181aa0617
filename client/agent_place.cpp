#include "client/agent_place.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/lock_holder.h"
#include "base/text.h"
#include "net/local_socket.h"
#include "sync/root.h"

namespace callboard::client {
namespace {

Result<void> take_lock(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return os_error("lock " + quoted(AgentPlace::kLock), errno);
    return Error{Outcome::locked, "`callboard join` runs here already, as " + lock_holder_in(fd) +
                                      "; stop that one first, or give another --folder"};
  }
  write_lock_holder(fd);
  return {};
}

}  // namespace

Result<AgentPlace> AgentPlace::take(const std::string& folder) {
  const std::string where = "project folder " + quoted(folder);
  const auto root = sync::Root::open(folder);
  if (!root) return root.error();
  auto directory = root->private_directory();
  if (!directory) return directory.error().prefixed(where);
  Fd lock(::openat(directory->get(), kLock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return os_error("open " + quoted(kLock), errno).prefixed(where);
  if (auto taken = take_lock(lock.get()); !taken) return taken.error().prefixed(where);
  auto listening = net::listen_local(directory->get(), kSocket);
  if (!listening) return listening.error().prefixed(where);
  return AgentPlace(std::move(*directory), std::move(lock), std::move(*listening));
}

AgentPlace::~AgentPlace() {
  // While the lock is held: nobody else's socket can lie there.
  if (lock_) static_cast<void>(::unlinkat(directory_.get(), kSocket, 0));
}

}  // namespace callboard::client
