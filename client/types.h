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
  std::string giver;
  std::string taker;
  std::string item;
  std::uint64_t bytes = 0;
  Timestamp started;
};

struct ServerStatus {
  std::string project;
  UniqueId server;
  std::string software;
  Timestamp started;
  Timestamp clock;
  std::uint64_t sessions = 0;
  std::uint64_t visits = 0;
  std::uint64_t connections = 0;
  std::uint64_t revision = 0;      // Sequence number of the newest operation on disk.
  std::uint64_t memory_bytes = 0;  // Resident.
  std::vector<TransferStatus> transfers;
};

struct PullRequest {
  std::vector<std::string>
      items;         // As people write them: "/dev/chr/Moria", a file's path, "/" for all. Raw bytes.
  std::string from;  // A user's name, or empty: who has the newest copy.
  std::vector<std::string> include{};  // Patterns (docs/operations.md); empty: everything.
  std::vector<std::string> exclude{};
  bool dry_run = false;
  bool sync = true;  // false: do not wait for the disk at the end.
};

// Totals grow while the giver's folder is still being listed; `listed` says that they are final.
struct PullProgress {
  std::uint64_t files_wanted = 0;
  std::uint64_t files_done = 0;
  std::uint64_t bytes_wanted = 0;
  std::uint64_t bytes_done = 0;
  bool listed = false;
  std::string current;  // Path of the file under way; raw bytes.
};

enum class ChangeKind { added, changed, metadata, directory, symlink };

struct PullChange {
  ChangeKind kind = ChangeKind::added;
  std::string path;  // Raw bytes, relative to the project folder.
  std::uint64_t size_bytes = 0;
};

struct PullProblem {
  std::string path;
  Error error;
};

struct PullReport {
  Outcome outcome =
      Outcome::done;  // done, or the worst that befell: failed (some files), interrupted, cancelled, …
  std::string text;   // Why, when not done.
  std::string giver;
  std::uint64_t files = 0;       // Received and in place (or, for a dry run, that would be).
  std::uint64_t bytes = 0;       // Of their content.
  std::uint64_t wire_bytes = 0;  // Received and sent on the data connection.
  std::uint64_t unchanged_files = 0;
  std::vector<PullChange> changes;  // Filled in a dry run only.
  std::vector<std::pair<std::string, std::string>>
      versions;                       // Local file that was changed here → where it was kept.
  std::vector<PullProblem> problems;  // Files that could not be had, each with the reason.
};

// One line of `ls`: a name in another user's copy, and how it compares with the local folder.
enum class Difference { same, differs, only_there, only_here };
struct LookEntry {
  Entry entry;
  std::string path;
  std::uint64_t files_below = 0;  // Of a directory.
  std::uint64_t bytes_below = 0;
  Difference difference = Difference::only_there;
};

}  // namespace callboard::client
