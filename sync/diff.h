#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/entry.h"
#include "base/result.h"
#include "sync/ignore.h"
#include "sync/patterns.h"
#include "sync/relative_path.h"

namespace callboard::sync {

// What the taker does about one entry of the giver's listing.
struct DiffStep {
  enum class Kind : std::uint8_t {
    same,      // Nothing.
    metadata,  // Content is equal; set mode (and, of a file, mtime).
    fetch,     // A file, new or with other content.
    descend,   // List the directory. Unless it exists here, it is made only when something is put into it.
    make_directory,  // Make it, then list it.
    make_symlink,
    refused,   // Left out; `text` says why.
    excluded,  // Left out as asked by --include or --exclude, or because it is ignored here.
  };
  Kind kind = Kind::same;
  std::uint32_t entry = 0;  // Index in the giver's listing.
  RelativePath path;        // From the project folder; of a refused name that makes no path, the directory.
  std::optional<std::size_t> have = std::nullopt;  // Index in the taker's listing.
  bool replaces_kind = false;  // Something of another kind has this name here and must make room.
  bool sets_mode = false;      // Of descend: the directory's own mode differs too.
  bool is_ignored = false;     // Of excluded.
  std::string text = {};
};

struct DiffInput {
  RelativePath directory;
  std::span<const Entry> have;         // The taker's listing, ascending by name; empty when it has none.
  std::span<const Entry> want;         // The giver's, or one part of it.
  std::string_view after = {};         // The last name of the part before, to check the order across parts.
  const Patterns* patterns = nullptr;  // nullptr: everything.
  const Ignore* ignore = nullptr;      // What holds in the directory here; nullptr: nothing is ignored.
};

// One step for each entry of `want`, in its order. Pure and linear. What only the taker has is left alone (only_here()). A listing
// that is not strictly ascending by name is refused as a whole: a name twice could be written twice.
Result<std::vector<DiffStep>> diff(const DiffInput& input);

// The indices of the entries of `have` that have no namesake in `want`. Both ascending by name.
std::vector<std::size_t> only_here(std::span<const Entry> have, std::span<const Entry> want);

// A link may lead up first and down then ("../../tex/a.png"), but never out of the project folder: ".." after a name
// is refused because that name may be another link.
bool symlink_stays_inside(const RelativePath& directory, std::string_view target);

}  // namespace callboard::sync
