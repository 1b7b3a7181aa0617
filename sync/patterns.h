#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sync/relative_path.h"

namespace callboard::sync {

// Which paths of a project are meant: --include and --exclude, patterns as in sync/glob.h. One without '/' (but at its end)
// is compared with names at any depth, one with '/' with the path from the project folder. Immutable. Thread: any.
class Patterns {
 public:
  Patterns() = default;  // Everything.
  // Usage errors name the pattern: empty, over 4,096 bytes, an unclosed set.
  static Result<Patterns> from(const std::vector<std::string>& include,
                               const std::vector<std::string>& exclude);

  // Excluded itself or by a directory above it is checked by the caller's descent: this looks at `path` alone.
  bool is_excluded(const RelativePath& path) const;
  // True without --include, and for what matches one or lies beneath what matches one.
  bool is_included(const RelativePath& path) const;
  bool is_everything() const { return include_.empty() && exclude_.empty(); }

 private:
  std::vector<std::string> include_;
  std::vector<std::string> exclude_;
};

}  // namespace callboard::sync
