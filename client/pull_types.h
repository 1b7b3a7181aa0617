#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/compression.h"
#include "base/entry.h"
#include "base/error.h"
#include "client/pull_progress.h"

namespace callboard::client {

struct PullRequest {
  std::vector<std::string>
      items;         // As people write them: "/dev/chr/Moria", a file's path, "/" for all. Raw bytes.
  std::string from;  // A user's name, or empty: who has the newest copy.
  std::vector<std::string> include{};  // Patterns (docs/operations.md); empty: everything.
  std::vector<std::string> exclude{};
  bool dry_run = false;
  bool sync = true;  // false: do not wait for the disk at the end.
  // Also remove (to the versions) what lies here under the items and the giver does not have. More than half of the local
  // files there go only with `agree_to_removals`.
  bool mirror = false;
  bool agree_to_removals = false;
  // An item that the giver has as a folder is not there: for paths of which nobody said what they are.
  bool files_alone = false;
  // What to do about a file that was changed here and there since the last pull.
  enum class OnConflict {
    version,  // The giver's takes the name, the local one becomes a version.
    keep,     // The local one stays.
    fail,  // Nothing is changed when there is one; nothing more when it comes about during the pull. Of items that are
    // pulled one by one, as with the newest copies, those that follow are left.
  };
  OnConflict on_conflict = OnConflict::version;
  // How long a full disk makes it wait for room before it gives up; 0: not at all.
  Duration wait_for_space = 5min;
  Compression compress = Compression::automatic;
};

enum class ChangeKind { added, changed, metadata, directory, symlink, removed, renamed };

struct PullChange {
  ChangeKind kind = ChangeKind::added;
  std::string path;  // Raw bytes, relative to the project folder.
  std::uint64_t size_bytes = 0;
  std::string from{};  // The path that something renamed has here now.
};

struct PullProblem {
  std::string path;
  Error error;
};

// A file that was changed here and at the giver; under --mirror also one that was changed here and is gone there.
struct PullConflict {
  std::string path;  // Raw bytes.
  bool is_kept_here =
      false;  // false: the giver's took its place, or would, and the local one is among the versions.
  bool is_gone_there = false;
  bool is_replaced = false;  // The giver's did take its place, or it went.
  // Under OnConflict::fail: it came about when something of its pull was changed. All that was is in the report.
  bool is_after_changes = false;
};

// What made a pull end otherwise than done.
enum class PullCause {
  pull,   // All of it at once: the request, the server, the giver, the connection, or whoever stopped it.
  files,  // Problems, refused removals or conflicts, each of which is told; all the rest came.
  disk,   // The disk here, or the project folder on it: nothing else would fare better.
};

struct PullReport {
  // done, or how it ended: interrupted, cancelled, …; with problems, what befell all of them, else failed.
  Outcome outcome = Outcome::done;
  PullCause cause = PullCause::pull;  // When not done.
  std::string text;                   // Why, when not done.
  std::string giver;
  bool has_changed = false;      // Anything here, be it a folder's mode. False for a dry run.
  std::uint64_t files = 0;       // Received and in place (or, for a dry run, that would be).
  std::uint64_t bytes = 0;       // Of their content.
  std::uint64_t wire_bytes = 0;  // Received and sent on the data connection.
  std::uint64_t unchanged_files = 0;
  bool is_durable = true;  // A power cut takes nothing of it away; false without `sync` and after a failure.
  // Of `files` and `bytes`, what did not travel: it was somewhere in the local folder and was copied or renamed.
  std::uint64_t files_reused = 0;
  std::uint64_t bytes_reused = 0;
  std::vector<PullChange> changes;  // Filled in a dry run only.
  std::vector<std::pair<std::string, std::string>>
      versions;  // Local file that was changed here → where it was kept.
  std::vector<std::string>
      open_versions;  // Where those of `versions` were kept that a program still has open.
  std::vector<PullConflict> conflicts;
  // Under --mirror: what was removed → where it was kept; a folder is one of them.
  std::vector<std::pair<std::string, std::string>> removed;
  // More than half of the local files would have to go, and nobody agreed: nothing was removed. Files to go, of how many.
  std::uint64_t removals_refused = 0;
  std::uint64_t removals_refused_of = 0;
  std::uint64_t removals_left = 0;  // Files that would have gone, but for problems.
  // Files that could not be had, each with the reason. Of more than can be listed, some of either outcome where there are two.
  std::vector<PullProblem> problems;
  std::uint64_t problems_unlisted = 0;
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
