#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sync/relative_path.h"
#include "sync/root.h"

namespace callboard::sync {

// What happened to one name since it was last reported, seen as one.
struct NameChange {
  // A directory came under this name: made here or moved here. What was under the name before is another one.
  bool came_as_directory = false;
  // A file was made here without having been written to yet.
  bool was_made = false;
  // A file got this name by a rename.
  bool was_renamed_here = false;
  // The newest that is known of its writers: one wrote, or the last one that wrote has closed it.
  enum class Writing : std::uint8_t { unknown, open, closed };
  Writing writing = Writing::unknown;
};

// Directories by their path in the project; for each the names in it that came, went or changed. A name without characters
// is the directory itself, told for the project folder only: others are names of their parents.
using DirectoryChanges = std::map<std::string, NameChange>;
struct Changes {
  bool everything =
      false;  // Changes were lost: anything may have changed, and all of it is to be watched anew.
  std::map<std::string, DirectoryChanges> directories;
  // Directories that were renamed within the project, in the order in which it happened; their names are among
  // `directories`, too.
  struct Move {
    std::string from;
    std::string to;
  };
  std::vector<Move> moves;

  bool empty() const { return !everything && directories.empty(); }
};

// Tells which names of a project folder change, directory by directory. The caller says which directories: each before it
// reads it, so that no change can fall between. What lies on a file system that others change from elsewhere (NFS, SMB,
// FUSE) cannot be watched; neither can anything where the system has no means for it. `.callboard` is never told.
// A change is told when the system call that made it has returned, without delay; one through a memory map when the file
// is closed. Thread: one at a time, but wake().
class Watch {
 public:
  // Of the kernel's memory each costs about 1 KiB. The system has a limit of its own.
  static constexpr std::size_t kDirectoriesMax = 1'000'000;
  // `directories_max` and not more are watched at once. Refused: this folder cannot be watched, and why.
  static Result<std::unique_ptr<Watch>> open(const Root& root, std::size_t directories_max = kDirectoriesMax);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // `directory` open as `fd`, which stays the caller's. A directory that is watched under another path is from now on told
  // under this one. Fails for good when a limit is reached: what is not watched makes the rest worthless.
  Result<void> add(const RelativePath& directory, int fd);
  // It and all beneath.
  void forget(const RelativePath& directory);
  // Forgets all directories and what was not yet taken; for after Changes::everything.
  Result<void> restart();
  std::size_t directory_count() const;

  // Everything that changed before the call and was not yet taken. Never blocks.
  Changes take();
  // Returns when there is something to take, after wake(), or after `limit`, whichever is first.
  void wait(std::optional<Duration> limit);
  // Ends the present wait(), or the next. Thread: any.
  void wake();

 private:
  struct State;
  explicit Watch(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace callboard::sync
