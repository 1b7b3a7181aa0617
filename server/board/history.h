#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/document/pointer.h"
#include "base/limits.h"
#include "base/result.h"
#include "server/board/audit_entry.h"
#include "server/board/operation.h"

namespace callboard::server {

// One operation on a document, as the history lists it.
struct Revision {
  std::uint64_t number = 0;  // Its place in the log.
  SessionId session;
  std::string user;
  Timestamp timestamp;
  std::uint64_t base = 0;  // 0: unknown.
  bool stands =
      true;  // False: a newer value was there already when it came, of all that it changed or of some.
  std::uint64_t size_bytes = 0;
  std::string at;  // A pointer to all that it changed: what its changes have in common.
  std::uint64_t settles = 0;
  std::uint64_t places = 1;  // How many it changed there.
  bool is_partly = false;    // What does not stand is some of it.
};

struct HistoryQuery {
  Record record = Record::story;
  document::Tokens at{};                          // Only those that changed what stands there.
  Timestamp since{};                              // Only those from then on.
  std::uint64_t before = 0;                       // Only those below this number; 0: the newest.
  std::size_t count = 0;                          // At most so many.
  std::uint64_t looked_at = kHistoryLookedAtMax;  // With `at`: at most so many are looked at.
};

struct Listing {
  std::vector<Revision> revisions;  // Newest first.
  // What is below this number was not looked at; 0: all was that could be listed, or there are as many as may be.
  std::uint64_t looked_to = 0;
};

struct Committed;

struct Version {
  Revision revision;
  // The document as it became; where nothing of it stood, as it was written.
  document::ValuePtr value;
  // With all that its author wrote, whatever was there.
  document::ValuePtr written;
};

// Whether one of its edits is at that place or within it; `before` says what the pointer means, and what is there no more is
// known by its key. `operation.edits` is there.
bool is_about(const Operation& operation, const document::Tokens& at, const document::ValuePtr& before);

// Reads what a log has kept, beside it. Everything blocks; one thread at a time.
class History {
 public:
  virtual ~History() = default;
  // Whether the last call failed because what the log wrote cannot be read any more.
  virtual bool is_broken() const { return false; }
  // Whether it is in the way of the log's next write, and has to go after what it was opened for.
  virtual bool is_for_once() const { return false; }
  virtual Result<Listing> list(const HistoryQuery& query) = 0;
  // not_found: there was none of that number for the record, or it is no longer kept.
  virtual Result<Version> version(Record record, std::uint64_t number) = 0;
  // What the document was after operation `number`, whatever that was about.
  virtual Result<document::ValuePtr> document_at(Record record, std::uint64_t number) = 0;
  // Those of these operations that are on that document and are kept, in no order; with their edits read.
  virtual Result<void> visit_operations(Record record, const std::vector<UniqueId>& ids,
                                        const std::function<void(const Committed&)>& visit) = 0;
  // All operations on the record at `path` up to number `last`, in order; with their changes read.
  virtual Result<void> visit_record(const std::string& path, std::uint64_t last,
                                    const std::function<void(const Committed&)>& visit) = 0;
  // At most `count` of the audit, those after number `since`.
  virtual Result<AuditListing> audit(std::uint64_t since, std::size_t count) = 0;
};

}  // namespace callboard::server
