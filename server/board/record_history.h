#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/board/history.h"
#include "server/board/record_table.h"

namespace callboard::server {

// One operation on a record, as the history lists it.
struct RecordRevision {
  std::uint64_t number = 0;  // Its place in the log.
  SessionId session;
  std::string user;
  Timestamp timestamp;
  std::uint64_t base = 0;  // 0: any.
  bool stands = true;      // False: it came to nothing, since somebody else was quicker.
  std::shared_ptr<const RecordChange> change;
};

struct RecordQuery {
  std::string path;
  Timestamp since{};         // Only those from then on.
  std::uint64_t before = 0;  // Only those below this number; 0: the newest.
  std::size_t count = 0;     // At most so many.
};

struct RecordListing {
  std::vector<RecordRevision> revisions;  // Newest first.
  bool is_more = false;
  RecordStatePtr last;  // As it was before it was removed, or is; null: that is no longer kept.
};

// Blocking, like the history it reads. What came before the oldest operation that is kept is not known: where that one is no
// beginning (a make, or a put that may make it), all is taken to stand until there is one.
Result<RecordListing> record_history(History& history, const RecordQuery& query);
// The record as it was by operation `number`. not_found: that was not about it or did not stand, removed it, or what it was made
// of is no longer kept.
Result<RecordStatePtr> record_version(History& history, const std::string& path, std::uint64_t number);

}  // namespace callboard::server
