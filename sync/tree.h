#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/entry.h"
#include "base/result.h"
#include "sync/relative_path.h"
#include "sync/tree_buckets.h"

namespace callboard::sync {

// One directory, its names in ascending byte order.
struct Listing {
  RelativePath directory;
  Digest digest;
  std::uint64_t files_below = 0;    // Regular files, at any depth.
  std::uint64_t bytes_below = 0;    // Their sizes added up.
  std::vector<Entry> entries;       // Refused ones included.
  std::vector<std::uint64_t> same;  // Names of buckets whose entries were asked to be left out.
};

// What a part of a project folder held at one moment: a snapshot that later changes on disk do not touch, so that a
// transfer can name entries by number. Immutable, and made of parts that are shared: a tree in which one directory differs
// shares all others with the tree it was made from. Thread: any. About 50 bytes and the name for a file.
class Tree {
 public:
  // One directory as kept here.
  struct Directory {
    std::string name;     // In its parent; of the project folder none.
    TreeBuckets buckets;  // Its entries.
    std::uint16_t mode = 0;
    std::int64_t mtime_ns = 0;  // Its own, which no entry and no digest has.
    Digest digest;
    // Regular files in it and in the directories beneath.
    std::uint64_t files_below = 0;
    std::uint64_t bytes_below = 0;
    std::int64_t newest_ns = kNoTime;                        // The greatest of their modification times.
    std::vector<std::shared_ptr<const Directory>> children;  // Ascending by name; not those that are refused.
    bool is_partial = false;                                 // Something in it or beneath it was refused.

    Entry entry() const { return {EntryKind::directory, mode, 0, 0, digest, name, {}}; }
  };
  using Node = std::shared_ptr<const Directory>;
  // nullptr when there is none of this name.
  static const Node& child_of(const Directory& directory, std::string_view name);
  // A regular file whose content is known.
  static bool has_file(const Directory& directory, std::string_view name);
  static constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();

  // `entries` are in order and complete, subdirectories' digests included; adds what lies directly in it to the totals.
  static void pack(std::span<const Entry> entries, Directory& into);
  // The same of entries that are in buckets already.
  static void set_buckets(TreeBuckets buckets, Directory& into);
  // What a child adds to what is known of its parent; not the child itself.
  static void add_totals(const Directory& child, Directory& into);

  // `top` as an entry: its name is empty. `whole` is the directory at `path`; nullptr when `top` is none.
  Tree(RelativePath path, Entry top, Node whole);

  const RelativePath& path() const { return path_; }
  // What the path itself is: a file, a directory or a link.
  const Entry& top() const { return top_; }
  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t directory_count() const;
  // The directory at `path`; nullptr when there is no such.
  const Node& whole() const { return whole_; }

  // Of the directory, file or link at `path`; zero digest when the tree has none.
  Digest digest_of(const RelativePath& path) const;
  // Something in the directory, or beneath it, was refused. Its digest does not tell: what is not there has none.
  bool is_partial() const { return whole_ != nullptr && whole_->is_partial; }
  enum class Reader : std::uint8_t {
    any,
    // Whoever has all of a partial subdirectory that can be had is to hear each time what cannot: it has no digest, and its
    // bucket is never left out.
    puller,
  };
  // nullptr when there is no such directory in this tree. Made on every call; keep it while it is needed. Without the
  // entries of the buckets named in `known`, but for those with refused entries.
  std::shared_ptr<const Listing> listing_of(const RelativePath& directory,
                                            std::span<const std::uint64_t> known = {},
                                            Reader reader = Reader::any) const;
  // The names of a directory's buckets, in order, but for those with refused entries; none when there is no such directory.
  std::vector<std::uint64_t> bucket_names(const RelativePath& directory) const;
  struct Refused {
    std::string item;
    std::string reason;
  };
  // The part of this tree at `path`, which lies at or beneath path(). Whatever its size, it costs only its depth, and for
  // what is no directory a look through the one it lies in. nullptr when there is nothing under this name.
  std::shared_ptr<const Tree> part(const RelativePath& path) const;
  // Of everything that was refused, at most `most`.
  std::vector<Refused> refused(std::size_t most) const;

 private:
  const Directory* find(const RelativePath& path) const;

  RelativePath path_;
  Entry top_;
  Node whole_;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace callboard::sync
