#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "protocol/message.h"
#include "server/record_desk.h"

namespace callboard::server {

// Whether one of two paths is the other, or lies in it.
bool overlap(std::string_view one, std::string_view other);

// What is concerned: an item alone, which a lock above it locks, too; or all that is below it as well.
enum class LockReach { item, whole };

// The locks that others than `who` have there, those above first, `most` of them. One whose lease is over counts no more.
std::vector<RecordStatePtr> locks_of_others(const RecordDesk& records, const RecordDesk::Author& who,
                                            const std::string& item, LockReach reach, Timestamp now,
                                            std::size_t most);

// Whether `who` has one there, above it or below it.
bool has_lock(const RecordDesk& records, const RecordDesk::Author& who, const std::string& item,
              Timestamp now);

// locked: the ask writes to what somebody else has locked, says who. A document is the item "/story" or "/analytics", and a
// place in it what its pointer adds to that. Of a patch that is too long to be read here it takes all of the document.
Result<void> check_locks(const RecordDesk& records, const RecordDesk::Author& who,
                         const protocol::ClientMessage& ask, Timestamp now);
// The same for a document that comes with a join.
Result<void> check_locks(const RecordDesk& records, const RecordDesk::Author& who,
                         protocol::DocumentRecord document, Timestamp now);

// "/dev/chr/Moria" of the lock on it, and what one is told who meets it.
std::string item_of_lock(const RecordState& lock);
Error is_locked(const RecordState& lock);
Error is_locked_by(const std::string& path, const std::string& user);
// When it ends, in milliseconds; 0: with its owner's session. One that is marked as broken has ended: whatever is still to be
// done about it, it is in nobody's way.
std::int64_t end_of_lock(const RecordState& lock);
// A field of a lock; 0 where it has none.
std::int64_t time_in_lock(const RecordState& lock, std::string_view field);
bool is_broken(const RecordState& lock);

}  // namespace callboard::server
