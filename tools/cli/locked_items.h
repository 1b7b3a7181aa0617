#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "client/types.h"
#include "tools/cli/visit.h"

namespace callboard::cli {

enum class IfLocked { warn, refuse };
// What a command is about: the items alone, or all that is below them as well.
enum class Below { left_out, counted };

// Says which of the items, or what above them, somebody else has locked. Outcome::locked where that is a reason not to go on: by
// `policy`, or by the server's. A server that does not say what is locked is none.
Result<void> check_locks(Run& run, Visit& visit, const std::vector<std::string>& items, Below below,
                         IfLocked policy);
// The same before a document is changed. Without a server the change is kept, and nobody is asked.
Result<void> check_locks(Run& run, Visit& visit, const client::DocumentChange& change);

}  // namespace callboard::cli
