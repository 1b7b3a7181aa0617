#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/entry.h"
#include "base/result.h"
#include "sync/file_ops.h"
#include "sync/hash.h"
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
  // The folder of what is kept, and what is asked while files are read (may be empty). All must outlive the call.
  struct Kept {
    const Root& root;
    FileOps& ops;
    int folder_fd = -1;
    PullRecords& records;
    OnRead on_read{};
  };
  // One that could not be read to its end.
  struct Unread {
    std::string path;
    Error error;
  };
  // Records what the journals that are kept have and the files still are. One goes only when that is recorded and it was read
  // to its end: the next pull finds all others, also when this fails, which it does when it is cancelled, or there is no
  // recording (a full disk is waited for as in a pull): what this pull would bring could not be recorded, either.
  static Result<std::vector<Unread>> record_kept(const Kept& kept);

 private:
  static constexpr std::string_view kName = "pulling";

  FileOps& ops_;
  int folder_fd_;
  bool is_written_ = false;
};

}  // namespace callboard::sync
