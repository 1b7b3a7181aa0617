#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/entry.h"
#include "base/result.h"
#include "protocol/bulk.h"
#include "sync/relative_path.h"

// What a GiverMachine tells its shell to do next.
namespace callboard::client {

struct GiverItem {
  Result<sync::RelativePath> path;  // An error: it is no path that may be asked for.
  Digest digest;                    // The taker's; none when it has nothing there.
};
struct OpenItems {
  protocol::OpenMode mode = protocol::OpenMode::pull;
  std::vector<GiverItem> items = {};
};
struct ListDirectory {
  std::string bytes;                      // As asked; the listing repeats it.
  Result<sync::RelativePath> path;        // An error is answered in the listing.
  std::vector<std::uint64_t> known = {};  // Buckets whose entries need not be listed.
};
struct ContinueListing {};  // The next part of the directory that was listed last.
struct GiveFile {
  std::uint32_t listing = 0;
  std::uint32_t entry = 0;
  sync::RelativePath path;
  std::uint64_t size_bytes = 0;  // As listed, like the next.
  std::int64_t mtime_ns = 0;
  std::uint64_t offset = 0;
  Digest digest = {};
};
// The list of its chunks, for as long as is_offered(); or the file, after withdraw().
struct GiveChunks {
  GiveFile file;
  std::vector<std::uint64_t> groups;  // That the taker has.
};
struct GiveRanges {
  GiveFile file;
  std::vector<protocol::Range> ranges;  // Within the file.
};
struct RefuseFile {
  std::uint32_t listing = 0;
  std::uint32_t entry = 0;
  std::string text;
};

}  // namespace callboard::client
