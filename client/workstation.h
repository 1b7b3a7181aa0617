#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/id.h"

namespace callboard::client {

// The id of a project folder on this machine, by which a server knows that a session that joins is the one that was lost.
// A random number in `.callboard/workstation`, mixed with the machine's name and the folder's path, so that a copied or
// shared folder is another workstation. Held by one program at a time (a lock on that file): programs that have the same
// folder joined side by side are different workstations. Thread: one at a time.
class Workstation {
 public:
  // Tries at once; what stands in the way (no folder, not writable, held) only means that there is no id.
  Workstation(const std::string& folder, const std::string& host);

  // nullopt: none to be had.
  const std::optional<UniqueId>& id() const { return id_; }

 private:
  Fd lock_;
  std::optional<UniqueId> id_;
};

}  // namespace callboard::client
