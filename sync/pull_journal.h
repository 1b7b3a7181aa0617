#pragma once

#include <string_view>
#include <vector>

#include "base/entry.h"
#include "base/result.h"
#include "sync/file_ops.h"
#include "sync/pull_records.h"
#include "sync/relative_path.h"
#include "sync/root.h"

namespace callboard::sync {

// What a group of changes gives its names, noted as "pulling" in the transfer's folder from before the first renaming until
// the index has it. A pull that is killed in between leaves files that have the giver's content and are not known as
// pulled: the next edit of the giver's would pass for a conflict. Who pulls next records what has the content that was noted.
// The content of the file: of each change the digest, the path and a NUL. Best effort: what cannot be written is not noted,
// and a power cut may take it.
// Thread: one at a time (the committing thread). `ops` and the folder must outlive it.
class PullJournal {
 public:
  PullJournal(FileOps& ops, int folder_fd) : ops_(ops), folder_fd_(folder_fd) {}

  struct Noted {
    RelativePath path;
    Digest digest;
  };
  void note(const std::vector<Noted>& files);
  // The index has what was noted.
  void clear();

  static bool is_name(std::string_view name) { return name == kName; }
  // Of one in the folder of what is kept.
  static bool is_kept_name(std::string_view name);
  // Moves that of a transfer that ended to what is kept.
  static void retire(FileOps& ops, const Place& from, int kept_fd);
  // Records what the journals in the folder of what is kept have and the files still are, and removes them.
  static Result<void> record_kept(const Root& root, FileOps& ops, int kept_fd, PullRecords& records);

 private:
  static constexpr std::string_view kName = "pulling";

  FileOps& ops_;
  int folder_fd_;
  bool is_written_ = false;
};

}  // namespace callboard::sync
