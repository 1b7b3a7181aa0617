#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/record_action.h"

// What a client says and hears of the board's records, as plain values.
namespace callboard::client {

// One record of the board. `fields` is a JSON object.
struct Record {
  std::string path;            // "/reviews/sc01"
  std::string record_class;    // "review", of the server's schema.
  SessionId owner;             // Null: nobody's, or of somebody who has left.
  std::string owner_name;      // Empty: nobody's.
  std::string by;              // Who changed it last; empty: the server.
  std::uint64_t revision = 0;  // Of its last change; 0: an event, which is not kept.
  Timestamp timestamp;         // Of the same, by the server's clock.
  std::string fields;
  friend bool operator==(const Record&, const Record&) = default;
};

struct RecordGone {
  std::string path;
  // It went with its owner's session, or is not shown here any more; else somebody removed it, or gave it away.
  bool left = false;
};

// What happened in a zone.
struct RecordNews {
  std::string zone;
  std::vector<Record> changed;  // New ones and events, too; one's own changes like all others.
  std::vector<RecordGone> gone;
  bool is_complete = true;  // False: of what was there when one entered, there is more to come.
};

using RecordHandler = std::function<void(const RecordNews&)>;

// What is to become of a record.
struct RecordChange {
  RecordAction action = RecordAction::set;
  std::string path;
  std::string record_class{};     // Of a make, and of a put that may make it.
  std::string fields{};           // A JSON object; not of give and remove.
  std::optional<SessionId> to{};  // Of a give: a session that has joined.
  std::uint64_t base = 0;         // The revision that it has to be at; 0: any.
};

}  // namespace callboard::client
