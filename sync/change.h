#pragma once

#include <cstdint>
#include <string>

#include "base/entry.h"
#include "base/error.h"
#include "sync/file_status.h"
#include "sync/relative_path.h"
#include "sync/stager.h"
#include "sync/tree.h"
#include "sync/versions.h"

namespace callboard::sync {

// One thing a pull does under a real name.
struct Change {
  enum class Kind : std::uint8_t {
    file,       // Replaces whatever has the name.
    symlink,    // The same.
    directory,  // Made unless it is there; gets the entry's mode in the end.
    metadata,   // Mode, and of a file mtime, of what has the entry's content already.
    rename,  // What lies at `source` gets this name: a file with the entry's content, or a directory as `node` is.
             // The directory it comes into has its name already: finish() comes between.
    remove,  // A file or link, or what `node` has of a directory, goes to the versions.
  };
  Kind kind = Kind::file;
  RelativePath path;
  Entry entry;               // As the giver has it.
  std::string staged = {};   // Of a file: where its content waits, and
  FileStatus status = {};    // how it looks there.
  RelativePath source = {};  // Of a renaming.
  Tree::Node node = {};      // Of a directory that is renamed or removed: as it was seen.

  static Change file(StagedFile file);
  static Change symlink(RelativePath path, Entry entry);
  static Change directory(RelativePath path, Entry entry);
  static Change metadata(RelativePath path, Entry entry);
  static Change rename(RelativePath source, RelativePath path, Entry entry, Tree::Node node);
  static Change remove(RelativePath path, Tree::Node node);
};

// Told on the thread that commits, in the order of events.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  // It has its name, and is in the index unless the call fails. A power cut may still take the name away until finish()
  // succeeds.
  virtual void on_committed(const Change& change) = 0;
  // Something in the project folder is other than it was, whatever comes of the rest of that change. Before what the others tell
  // of it, and any number of times.
  virtual void on_changed() = 0;
  virtual void on_kept(const KeptVersion& version) = 0;
  // A new directory with this many files has its name, and all of them at once theirs. on_committed() is not told of them.
  virtual void on_assembled(const RelativePath& directory, std::uint64_t files, std::uint64_t bytes) = 0;
  // Somebody else made a directory of this name while the new one was put together. What came of it waits for another look.
  virtual void on_place_taken(const RelativePath& directory, const Error& error) {
    on_failed(directory, error);
  }
  // It was to be removed.
  virtual void on_removed(const KeptVersion& version) = 0;
  // What was to be renamed is no longer what was looked at, be it under its old name or, a file, under the new one already.
  virtual void on_source_changed(const Change& change) = 0;
  // This one thing could not be done (read-only directory, name too long, changed meanwhile); the rest goes on.
  virtual void on_failed(const RelativePath& path, const Error& error) = 0;
};

}  // namespace callboard::sync
