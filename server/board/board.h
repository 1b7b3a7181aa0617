#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "server/board/conflicts.h"
#include "server/board/merged_document.h"
#include "server/board/operation.h"
#include "server/board/record_table.h"

namespace callboard::server {

struct Message {
  std::uint64_t number = 0;  // 1, 2, 3 … in the order of the log.
  std::string user;
  SessionId session;
  Timestamp timestamp;
  Document text;
};

// What one operation did.
struct Applied {
  UniqueId operation;
  std::uint64_t sequence = 0;
  Record record = Record::story;
  bool won = false;          // All of it stands. True for every message.
  std::uint64_t number = 0;  // Of a message; of a record the revision.
  Timestamp timestamp;
  Outcome outcome = Outcome::done;  // Of a change of a record; see RecordTable::apply().
  std::uint64_t conflict_count = 0;
  std::vector<Conflict> conflicts{};  // That it is in; told once, not remembered.
};

// The disk-life part of the board: a fold over the log and of nothing else, so that every replay arrives at the same
// state; and documents are the same whatever order their operations arrived in (MergedDocument).
// Copying it is cheap: documents and messages are shared. Thread: any, one at a time.
class Board {
 public:
  // `sequence` is greater than that of any operation before; gaps are allowed.
  Applied apply(std::uint64_t sequence, const Operation& operation);

  // What an operation did, for one of the newest kOperationsRemembered.
  std::optional<Applied> find(UniqueId operation) const;

  // Of the last operation applied; 0 for an empty board.
  std::uint64_t sequence() const { return sequence_; }
  // `record` is one with a document (not messages).
  const MergedDocument& document(Record record) const;
  const Head& head(Record record) const { return document(record).head(); }
  const Conflicts& conflicts() const { return conflicts_; }
  const RecordTable& records() const { return records_; }
  std::uint64_t last_message() const { return last_message_; }
  // Up to `count` messages numbered after `number`, oldest first, from the newest kMessagesKept.
  std::vector<std::shared_ptr<const Message>> messages_after(std::uint64_t number, std::size_t count) const;

  // The whole state for a snapshot, and back. Equal boards have equal bytes.
  Bytes encoded() const;
  static Result<Board> decoded(ByteView bytes);

 private:
  void arbitrate(const Operation& operation, Applied& applied);
  static Result<void> decode_format(ByteReader& reader, std::uint8_t format, Board& board);
  static Result<void> decode_first_format(ByteReader& reader, Board& board);
  void keep_message(const Operation& operation);
  void remember(const Applied& applied);

  std::uint64_t sequence_ = 0;
  std::uint64_t last_message_ = 0;
  std::array<MergedDocument, 2> documents_;  // Story, analytics.
  Conflicts conflicts_;
  RecordTable records_;
  std::deque<std::shared_ptr<const Message>> messages_;
  std::deque<UniqueId> remembered_;  // Oldest first: what to forget next.
  std::unordered_map<UniqueId, Applied> applied_;
};

}  // namespace callboard::server
