#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "tools/cli/visit.h"

namespace callboard::cli {

enum class IfLocked { warn, refuse };

// Says which of the items somebody else has locked. Outcome::locked where that is a reason not to go on. A server that does not say
// what is locked is none.
Result<void> check_locks(Run& run, Visit& visit, const std::vector<std::string>& items, IfLocked policy);

}  // namespace callboard::cli
