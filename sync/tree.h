#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/entry.h"
#include "base/result.h"
#include "sync/relative_path.h"

namespace callboard::sync {

// One directory, its names in ascending byte order.
struct Listing {
  RelativePath directory;
  Digest digest;
  std::uint64_t files_below = 0;  // Regular files, at any depth.
  std::uint64_t bytes_below = 0;  // Their sizes added up.
  std::vector<Entry> entries;     // Refused ones included.
};

// What a part of a project folder held when it was scanned: a snapshot that later changes on disk do not touch, so that a
// transfer can name entries by number. Immutable. Thread: any. About 45 bytes and the name for a file.
class Tree {
 public:
  // One directory as kept here: its entries in the wire's form, one after the other.
  struct Directory {
    std::string path;
    Bytes packed;
    std::uint32_t entry_count = 0;
    Digest digest;
    bool has_refused = false;
    // Regular files in it and in the directories beneath.
    std::uint64_t files_below = 0;
    std::uint64_t bytes_below = 0;
  };
  // `entries` are in order and complete, subdirectories' digests included; adds what lies directly in it to the totals.
  static void pack(std::span<const Entry> entries, Directory& into);

  // `top` as an entry: its name is empty. `directories` are those at and beneath `path`; none when `top` is no directory.
  Tree(RelativePath path, Entry top, std::vector<Directory> directories);

  const RelativePath& path() const { return path_; }
  // What the path itself is: a file, a directory or a link.
  const Entry& top() const { return top_; }
  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t directory_count() const { return directories_.size(); }

  // Of the directory, file or link at `path`; zero digest when the tree has none.
  Digest digest_of(const RelativePath& path) const;
  // nullptr when there is no such directory in this tree. Made on every call; keep it while it is needed.
  std::shared_ptr<const Listing> listing_of(const RelativePath& directory) const;
  struct Refused {
    std::string item;
    std::string reason;
  };
  // Of everything that was refused, at most `most`.
  std::vector<Refused> refused(std::size_t most) const;

 private:
  const Directory* find(std::string_view path) const;

  RelativePath path_;
  Entry top_;
  std::vector<Directory> directories_;  // Ascending by path.
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace callboard::sync
