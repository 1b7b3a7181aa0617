#pragma once

#include <string>

#include "base/error.h"
#include "client/pull_types.h"

namespace callboard::client {

// How a pull ended that nothing but its files made end otherwise than done: by its problems, removals refused and conflicts.
Error ending_of_files(const PullReport& report);

// Of a PullConflict's path.
std::string text_of_conflict(const std::string& path, bool is_gone_there);

// Whether its items are pulled one by one: each may have its newest copy somewhere else.
bool goes_by_item(const PullRequest& request);
// Adds what another pull did to `all`. Where files alone are the cause, all of them together say how it ended; else it is what
// was first not done. But who stopped it, or a disk that takes nothing more, comes before anything else.
void add_report(PullReport& all, PullReport one);
// The same of one of several items that are pulled one by one: why nothing of it came, or not all, is told with the problems.
void add_item_report(PullReport& all, const std::string& item, PullReport one);
// Whether the items that follow one that ended so are left: somebody stopped it, the disk here takes nothing more, or nothing
// is to be changed where there is a conflict.
bool ends_all(const PullRequest& request, const PullReport& one);

}  // namespace callboard::client
