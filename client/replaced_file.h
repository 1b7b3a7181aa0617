#pragma once

#include "base/fd.h"
#include "sync/relative_path.h"
#include "sync/root.h"

namespace callboard::client {

// Holds the version of a large file open that a pull is about to replace. When it has lost its name, closing it frees what it
// takes, a tenth of a second for 512 MiB: that is done on a thread of its own, for which nobody waits.
class ReplacedFile {
 public:
  ReplacedFile() = default;
  // Holds nothing when there is no such file.
  ReplacedFile(const sync::Root& root, const sync::RelativePath& path);
  ReplacedFile(ReplacedFile&&) = default;
  ReplacedFile& operator=(ReplacedFile&& other) noexcept;
  ~ReplacedFile() { close_aside(); }

 private:
  void close_aside() noexcept;

  Fd fd_;
};

}  // namespace callboard::client
