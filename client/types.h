#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/entry.h"
#include "base/error.h"
#include "base/id.h"
#include "client/document_types.h"
#include "client/pull_types.h"
#include "client/record_types.h"

// What a client says and hears, as plain values. All text is UTF-8 unless a comment says otherwise.
namespace callboard::client {

struct User {
  SessionId session;
  std::string name;  // As shown: "rigging (2)" when another "rigging" was there first.
  std::string host;
  bool shares = false;  // Serves its folder: others can pull from it.
  Timestamp joined;
  std::string at;      // The item being worked on, empty for none …
  Timestamp at_since;  // … and since when.
  std::int64_t camera_x = 0;
  std::int64_t camera_y = 0;
  bool away =
      false;  // Its connection was lost, and it may come back; said of those who are listed, not of changes …
  std::uint64_t round_trip_us =
      0;  // … like how long a word of the server's and the answer are on their way; 0: not measured yet.
};

struct Departure {
  SessionId session;
  std::string name;
  std::string reason;
};

struct Message {
  std::uint64_t number = 0;  // 1, 2, 3 … in the order everybody sees.
  std::string user;
  std::string text;
  Timestamp timestamp;
};

// What somebody did that others may want to know later.
struct AuditEntry {
  std::uint64_t number = 0;  // Grows from each to the next, not by one.
  Timestamp timestamp;
  std::string user;   // As shown; empty: the operator of the server's machine, or nobody who is known.
  std::string what;   // One word: "kick"; docs/operations.md lists them.
  std::string about;  // Whom or what it was done to; may be empty, like all below.
  std::string key;    // Identity of the key of who did it.
  std::string from;   // Its address.
  std::string text;   // The reason, or how it ended.
};

struct AssetCopy {
  std::string user;
  SessionId session;
  Timestamp timestamp;  // When that copy was last modified.
};
// Item, e.g. "/dev/chr/Moria", to its newest copy among those online.
using Assets = std::map<std::string, AssetCopy>;
using AssetChanges = std::map<std::string, std::optional<AssetCopy>>;  // nullopt: nobody online has it.

struct TransferStatus {
  std::uint64_t transfer = 0;
  std::string giver;  // Of a channel empty: the server.
  std::string taker;
  std::string item;
  std::uint64_t bytes = 0;
  Timestamp started;
  std::uint64_t bytes_per_second = 0;  // Over the last seconds.
  bool channel =
      false;  // Not a pull: `item` is "/" and its name, `taker` opened it, `bytes` are those of both ways.
};

struct ServerStatus {
  std::string project;
  UniqueId server;
  std::string software;
  Timestamp started;
  Timestamp clock;
  std::uint64_t sessions = 0;
  std::uint64_t away = 0;  // Sessions without a connection, not among `sessions`.
  std::uint64_t visits = 0;
  std::uint64_t connections = 0;
  std::uint64_t revision = 0;      // Sequence number of the newest operation on disk.
  std::uint64_t memory_bytes = 0;  // Resident.
  std::vector<TransferStatus> transfers;
  std::string read_only;  // Why changes are refused; empty: they are not.
};

// A pull of this workstation's, or one that it serves.
struct WorkstationTransfer {
  enum class Direction { pulling, giving };
  Direction direction = Direction::pulling;
  std::string item;       // As they were named, with ", " between them.
  std::string peer;       // Who gives, or who takes; empty while that is not known.
  PullProgress progress;  // Of what is given, what was sent so far: only the taker knows what it wants.
};

// What a workstation knows of itself.
struct WorkstationStatus {
  std::string folder;  // Empty: none.
  std::string user;    // As shown, once it has joined; before that as it asked to be.
  bool is_joined = false;
  std::string server;       // Where it is joined, or was last; empty: nowhere yet.
  std::string why;          // Why it is not joined.
  bool is_refused = false;  // There is a server, and it does not let this workstation in.
  // Whether the folder's files are known without looking at all of them: watched. Otherwise `watch_trouble` says why each
  // transfer looks at them anew; none while the first scan is under way.
  bool is_watching = false;
  std::string watch_trouble;
  std::uint64_t files = 0;  // In the folder, while it is watched.
  std::uint64_t bytes = 0;
  std::uint64_t kept_writes = 0;  // That wait for a server, written down.
  std::vector<WorkstationTransfer> transfers;
};

}  // namespace callboard::client
