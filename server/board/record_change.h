#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/document/value.h"
#include "base/id.h"
#include "base/record_action.h"
#include "base/result.h"

namespace callboard::server {

// Whose a record is: of a session while that is here, and of its user as well.
struct RecordOwner {
  SessionId session;
  std::string user;
  explicit operator bool() const { return static_cast<bool>(session) || !user.empty(); }
  friend bool operator==(const RecordOwner&, const RecordOwner&) = default;
};

// How a call ended for which a record was changed. It stands in the log with the change: who asks again by the same operation id
// is answered from there, and it is not done twice.
struct RecordAnswer {
  UniqueId op;
  std::string call;           // Its name.
  UniqueId asked;             // A digest of who asked, and with what; zero: not known.
  document::ValuePtr result;  // Null: it was larger than kRecordAnswerMax.
};
using RecordAnswerPtr = std::shared_ptr<const RecordAnswer>;

// What is done with a record, checked against its class before: the fold needs no schema.
struct RecordChange {
  RecordAction action = RecordAction::set;
  std::string record_class{};   // Of make, and of a put that may make it.
  RecordOwner owner{};          // Of what is made, or whom it is given to.
  bool is_owners = false;       // Only its owner may do this.
  document::ValuePtr fields{};  // An object, for make, set and put; null for the others.
  RecordAnswerPtr answer{};     // Null: it was done for no call that can be asked for again.
};

// The text of an operation's value, and back. Thread: any.
std::string print(const RecordChange& change);
Result<RecordChange> parse_record_change(std::string_view text);

}  // namespace callboard::server
