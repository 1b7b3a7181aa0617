#pragma once

namespace callboard {

// From now on nothing of what this process has in its memory is written to a file when it crashes, and no other process of the same
// user may look into it: for programs that hold keys. It cannot be undone but by exec. Thread: any.
void forbid_core_dumps();

}  // namespace callboard
