#pragma once

#include <cstdint>
#include <vector>

#include "server/board/conflicts.h"
#include "server/board/merged_document.h"

namespace callboard::server {

// What an operation that arrives has in common with those that its author had not seen.
struct ConflictSearch {
  std::vector<Conflict> found;  // Without numbers; kConflictsKept at most.
  std::uint64_t work = 0;       // Edits compared with each other, or what takes as long: about 25 ns each.
};

// Before `operation` is applied to `document`. Everybody waits for it, so it goes back from the newest until it took
// kConflictWorkMax: those that are older than that count as having changed everything, which is in conflict with the first
// place that the operation changes. Those that the document has forgotten count as having changed everything, too, which is in
// conflict with each of its places. Pure.
ConflictSearch search_conflicts(std::uint64_t sequence, const Operation& operation,
                                const MergedDocument& document);

}  // namespace callboard::server
