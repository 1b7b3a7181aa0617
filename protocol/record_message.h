#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/id.h"
#include "base/record_action.h"
#include "protocol/common_message.h"

// What both sides say of records and zones; see message.h.
namespace callboard::protocol {

// --- Said by the client: asks
// Something is done with one record of the board.
struct RecordAsk {
  AskId id = 0;
  UniqueId op;
  std::string path;
  RecordAction action = RecordAction::set;
  std::string record_class;       // Of a make, and of a put that may make it.
  std::optional<SessionId> to{};  // Of a give.
  std::uint64_t base = 0;         // The revision that it has to be at; 0: any.
  Document fields;                // A JSON object; not of give and remove.
};
// The records of a zone, once.
struct RecordsRead {
  AskId id = 0;
  std::string zone;
  std::string after;  // Those whose paths are greater.
};
// What is and what happens in a zone is told from now on, until the exit.
struct EnterAsk {
  AskId id = 0;
  std::string zone;
};
struct ExitAsk {
  AskId id = 0;
  std::string zone;
};

// These are the classes of records that the asker works with: whether the server's fit.
struct SchemaAsk {
  AskId id = 0;
  Document schema;
};

// --- Said by the server: answers (`re` is set) and tells (it is not)
// Records of a zone: a JSON array of {"path", "class", "owner"?, "user"?, "by"?, "revision", "timestamp", "fields"} and
// {"path", "gone": true, "left"?: true}.
struct Records {
  std::optional<AskId> re;
  std::string zone;
  bool full = false;  // It begins anew: what is not told until `more` is false is not there.
  bool more = false;  // There is more to tell of what is there already.
  Document records;
  std::string why{};  // Why it is told no more: the listener was put out of the zone. Empty: it is in it.
};

}  // namespace callboard::protocol
