#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/document/edits.h"
#include "base/id.h"
#include "base/result.h"

namespace callboard::server {

// Text shared by the log, the board and every frame that tells of it. Never copied, never changed.
using Document = std::shared_ptr<const std::string>;

// The records that outlive their sessions. The numbers are those of the database: never reuse one.
enum class Record : std::uint8_t { story = 1, analytics = 2, messages = 3, audit = 5 };
// Whether it is a document, that edits are merged into.
constexpr bool is_document(Record record) { return record == Record::story || record == Record::analytics; }

// How an operation says what it does to a document; the numbers are those of the database, too.
enum class Form : std::uint8_t {
  whole = 0,  // `value` takes the place of everything.
  edits = 1,  // `value` is document::Edits: what its author did, and nothing about the rest.
};

// What arbitration goes by: hybrid logical time (later in one millisecond has the greater counter), then ties.
struct Stamp {
  Timestamp time;
  std::uint32_t counter = 0;
  SessionId session;
  UniqueId operation;
  friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

// One change of a disk-life record, as it stands in the log.
struct Operation {
  UniqueId id;                // Made by the client: a retry carries the same one.
  SessionId session;          // Who wrote it.
  std::string user;           // The name shown for that session when it wrote.
  Timestamp timestamp;        // Corrected to the server's time, never in its future …
  std::uint32_t counter = 0;  // … and which of those in that millisecond.
  Record record = Record::story;
  std::uint64_t base = 0;  // The revision it was made from; 0 unknown.
  Form form = Form::whole;
  std::uint64_t settles = 0;  // The conflict it puts an end to; 0 none.
  Document value;             // Never null.
  // What `value` says; see read_edits(). Null for what is no document's.
  std::shared_ptr<const document::Edits> edits;
};

// Whether its author is known to have seen what stood there: only then can two be in conflict.
inline bool is_based(const Operation& operation) {
  return operation.form == Form::edits && operation.base != 0;
}

inline Stamp stamp_of(const Operation& operation) {
  return {operation.timestamp, operation.counter, operation.session, operation.id};
}

// Fills `edits` from `value`, unless it is there. Takes as long as parsing does. Nothing for what is no document's.
Result<void> read_edits(Operation& operation);

}  // namespace callboard::server
