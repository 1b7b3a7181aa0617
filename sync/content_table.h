#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/entry.h"
#include "sync/packed_entries.h"
#include "sync/relative_path.h"
#include "sync/tree.h"

namespace callboard::sync {

// Where in some trees a content lies: files by their digest, whole directories by theirs. Of equal contents the first one
// is known; empty files are not. What it says was true of the trees: whoever copies looks at the file again.
// Keeps the trees. Takes 16 bytes a file and about 40 a directory, twice that while it is made. Thread: any once made.
class ContentTable {
 public:
  explicit ContentTable(std::vector<std::shared_ptr<const Tree>> trees);
  // The same for a tree that came of `older`'s only one: reads what they do not share, and asks `older` for the rest.
  ContentTable(std::shared_ptr<const Tree> tree, std::shared_ptr<const ContentTable> older);

  // Those that it knows without `older`.
  std::size_t size() const { return size_; }
  const std::vector<std::shared_ptr<const Tree>>& trees() const { return trees_; }

  std::optional<RelativePath> file(const Digest& digest) const;
  struct Directory {
    RelativePath path;
    Tree::Node node;
  };
  std::optional<Directory> directory(const Digest& digest) const;

 private:
  // Open addressing: a slot's place follows from one part of the digest, another part is kept in it.
  struct Slot {
    std::uint32_t check = 0;
    std::uint32_t directory = kFree;  // Index in directories_.
    std::uint32_t offset =
        kWhole;  // In its buckets' packed entries, one after the other; kWhole: the directory itself.
  };
  struct Known {
    Tree::Node node;
    std::uint32_t parent = kFree;
    std::uint32_t tree = 0;
  };
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};
  static constexpr std::uint32_t kWhole = ~std::uint32_t{0};

  // Read, but not in its slot yet.
  struct Content {
    std::uint32_t place = 0;
    Slot slot;
  };
  using Contents = std::vector<Content>;

  void read(const Tree::Node& node, const Tree::Directory* older, std::uint32_t parent, std::uint32_t tree,
            Contents& contents);
  static void read_files(const Tree::Directory& directory, const Tree::Directory* older, std::uint32_t index,
                         Contents& contents);
  void fill(const Contents& contents);
  void add(const Content& content);
  std::optional<PackedEntry> entry_at(const Slot& slot) const;
  const Slot* find(const Digest& digest, bool whole) const;
  std::size_t first_slot(std::uint32_t place) const;
  std::optional<RelativePath> own_file(const Digest& digest) const;
  std::optional<Directory> own_directory(const Digest& digest) const;
  std::optional<RelativePath> path_of(std::uint32_t directory) const;

  std::vector<std::shared_ptr<const Tree>> trees_;
  std::shared_ptr<const ContentTable> older_;
  std::vector<Known> directories_;
  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

// The table of a folder's newest tree, one after the other: its cost follows what changed since the last. Thread: any.
class ContentTables {
 public:
  // `whole` is of the same folder every time.
  std::shared_ptr<const ContentTable> of(std::shared_ptr<const Tree> whole);

 private:
  std::mutex mutex_;
  std::shared_ptr<const ContentTable> base_;
};

}  // namespace callboard::sync
