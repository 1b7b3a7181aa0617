#pragma once

#include <utility>
#include <vector>

#include "base/result.h"
#include "sync/directory_reader.h"
#include "sync/ignore.h"
#include "sync/root.h"

namespace callboard::sync {

// The rules of the file in `directory` before those that hold `above`; `above` when there is no such file. A
// file that is there and cannot be read, or is too large, is an error: what it would hide must not be given away.
Result<Ignore::Pointer> read_ignore_file(const Root& root, Ignore::Pointer above,
                                         const RelativePath& directory);

// The rules in force anywhere in a project folder as it is now. Remembers those on the way to the directory asked for last,
// so that one who goes through a tree reads each file once. Make a new one to see later changes. Thread: one at a time.
class IgnoreFiles {
 public:
  explicit IgnoreFiles(const Root& root) : root_(root) {}

  // nullptr when the directory is ignored itself or lies in one that is. A directory that is not there has the rules of the
  // one above it.
  Result<Ignore::Pointer> in(const RelativePath& directory);
  // By itself or with a directory above it.
  Result<bool> is_ignored(const RelativePath& path, bool is_directory);

 private:
  const Root& root_;
  std::vector<std::pair<RelativePath, Ignore::Pointer>>
      way_;  // From the project folder down, each in the one before.
};

// What lies in `directory` and is not ignored; nothing where that cannot be told, or is ignored itself.
std::vector<NamedStatus> names_in(const Root& root, IgnoreFiles& files, const RelativePath& directory);

}  // namespace callboard::sync
