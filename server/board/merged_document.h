#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/document/edits.h"
#include "server/board/operation.h"

namespace callboard::server {

// The newest revision of a document.
struct Head {
  std::uint64_t revision =
      0;  // Sequence number of the operation that last changed it; 0: there is no document.
  UniqueId operation;
  SessionId session;
  std::string user;
  Timestamp timestamp;
};

// A document as the fold of its operations: their edits applied in the order of their stamps, whatever order they
// arrived in. So different parts of two authors both survive, and of the same part the newest stands. One that arrives
// late is put between the newest kMergeWindowOperations; one older than all of those is lost to them.
// A value; copying it is cheap. Thread: any, one at a time.
class MergedDocument {
 public:
  struct Effect {
    bool changed = false;  // The document is another one now.
    bool stands = false;   // All that the operation says is what one sees.
  };
  struct Entry {
    std::uint64_t sequence = 0;
    std::shared_ptr<const Operation> operation;
    // The document after it; of every kMergeWindowStride-th.
    std::optional<document::Growth> after;
  };

  // `sequence` is greater than that of any before. `operation.edits` is there (ENSURE).
  Effect apply(std::uint64_t sequence, const Operation& operation);

  const Head& head() const { return head_; }
  // Null: there is no document.
  const document::ValuePtr& root() const { return growth_.root(); }
  // The very text that its author sent, where the newest operation is all of it; null otherwise.
  Document text() const;
  // The newest of what an author had seen who knew revision `base` and all that `session` wrote.
  Stamp newest_known(SessionId session, std::uint64_t base) const;
  // Those that came after revision `base`, by others, and know what they were made from.
  void for_each_unseen(const Operation& by, const std::function<void(const Entry&)>& visit) const;

  void append_to(ByteWriter& writer) const;
  static Result<MergedDocument> from(ByteReader& reader);
  // What was a document by itself: the first snapshots' form.
  static Result<MergedDocument> from_whole(Head head, std::string_view text);

 private:
  void put_between(std::deque<Entry>::iterator place, Entry entry);
  void replay_from(std::size_t index);
  void keep_window_short();

  Head head_;
  document::Growth growth_;  // After all of them.
  document::Growth floor_;   // Before the first of window_.
  Stamp floor_stamp_;
  std::deque<Entry> window_;  // In the order of their stamps.
  std::uint64_t window_bytes_ = 0;
};

}  // namespace callboard::server
