#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sync/file_ops.h"
#include "sync/relative_path.h"
#include "sync/root.h"
#include "sync/versions.h"

namespace callboard::sync {

// One of the versions of `path` that Versions::list() found, `listed` newest first: the newest when `wanted` is empty, the
// N-th newest for a number, else the one kept at that time ("2026-11-21T13:52:23.123Z" or the beginning of it). A version of
// a folder is all that was kept beneath it at one moment. Not found when there is none, usage when the time fits several.
Result<std::vector<KeptVersion>> choose_version(const std::vector<KeptVersion>& listed,
                                                const RelativePath& path, std::string_view wanted);

struct RestoreParts {  // All must outlive the call.
  const Root& root;
  FileOps& ops;
  Versions& versions;
  Timestamp now;  // Names what makes room.
};

// One file, link or folder that could not be brought back.
struct NotRestored {
  RelativePath path;  // Where it was to come.
  Error error;
};

struct Restored {
  std::uint64_t files = 0;  // And links.
  std::uint64_t bytes = 0;
  std::uint64_t unchanged_files = 0;  // Lay there as they were kept.
  std::vector<KeptVersion> kept;      // What made room.
  std::vector<NotRestored> failed;    // The rest came, up to an error that each would have met.
};

// Copies `version`, kept of `from`, to `to`, verified before anything gets its name; it stays among the versions. What lies
// there makes room for it and is a version, too. Blocks: reads each file three times. An error when nothing was begun: usage for
// a file that would take the place of the project folder.
Result<Restored> restore(const RestoreParts& parts, const std::vector<KeptVersion>& version,
                         const RelativePath& from, const RelativePath& to);

}  // namespace callboard::sync
