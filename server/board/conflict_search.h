#pragma once

#include <cstdint>
#include <vector>

#include "server/board/conflicts.h"
#include "server/board/merged_document.h"

namespace callboard::server {

// Of a path or a value, that are read, printed or copied in the time of one comparison.
inline constexpr std::uint64_t kBytesAtOnce = 16;

// What an operation that arrives has in common with those that its author had not seen.
struct ConflictSearch {
  std::vector<Conflict> found;  // Without numbers; kConflictsKept at most.
  std::uint64_t work = 0;       // Edits compared with each other, or what takes as long: about 25 ns each.
};

// Before `operation` is applied to `document`. Everybody waits for it, so it goes back from the newest until it took
// kConflictWorkMax or found almost kConflictsKept: those that are left count as having changed everything, which is one conflict
// with those that are newer than the operation and one with those that are older, each about all places that it changes. Those
// that the document has forgotten count as having changed everything, too: a conflict for each of its places, the last one of
// kConflictsPerTell about all that are left; where others of that side are left, too, they are one conflict with those. Where
// stands what came after all of these, and was compared or is by the same author, they have lost nothing to the operation. So
// nothing is lost that is in no conflict, but for one value: what one of them had put there before the author put the same, who
// now takes that away again. Pure.
ConflictSearch search_conflicts(std::uint64_t sequence, const Operation& operation,
                                const MergedDocument& document);

}  // namespace callboard::server
