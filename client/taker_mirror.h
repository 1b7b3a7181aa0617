#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/entry.h"
#include "base/result.h"
#include "sync/committer.h"
#include "sync/patterns.h"
#include "sync/relative_path.h"
#include "sync/tree.h"

namespace callboard::client {

// What --mirror takes away and what is renamed instead of copied. Gathers while listings are compared; once all are, it is
// known what goes. No I/O. Thread: planning.
class TakerMirror {
 public:
  // Wanted content, and where it lies here.
  struct Reuse {
    sync::RelativePath source;
    sync::RelativePath path;
    Entry entry;
    sync::Tree::Node node = nullptr;  // Of a directory.
  };

  // Whether something that the giver does not have stays all the same; of a directory: whether anything in it may, and each
  // is asked of. The node is that of a directory.
  using Stays = std::function<Result<bool>(const sync::RelativePath&, const Entry&, const sync::Tree::Node&)>;
  TakerMirror(const sync::Patterns& patterns, Stays stays) : patterns_(patterns), stays_(std::move(stays)) {}

  void begin_round();
  // The names of `directory` that only `have` has go, but for what patterns leave out, what is refused and what stays. `node`
  // is all of the local directory. Fails as `stays` does.
  Result<void> compare(const sync::RelativePath& directory, std::span<const Entry> have,
                       std::span<const Entry> want, const sync::Tree::Node& node);
  // False when there are too many to remember: copy it now.
  bool add(Reuse reuse);

  // --- When everything is listed -------------------------------------------------------------------------------------
  // What is renamed and what must be copied; what is renamed is no longer to be removed.
  struct Split {
    std::vector<Reuse> renamed;
    std::vector<Reuse> copied;
  };
  // `may_rename` is asked of what is free to go.
  Split split(const std::function<bool(const Reuse&)>& may_rename);
  std::uint64_t files_to_remove() const;
  // Of a file that is removed, by itself or with a directory: it is renamed instead.
  bool is_renamed(const sync::RelativePath& path) const;
  // In no order that matters. Empties it.
  std::vector<sync::Change> take_removals();
  struct Removal {
    sync::RelativePath path;
    sync::Tree::Node node;  // Of a directory.
    std::uint64_t size_bytes = 0;
    Digest digest{};          // Of no directory.
    bool is_renamed = false;  // And so not removed.
  };
  const std::vector<Removal>& removals() const { return removals_; }

 private:
  static constexpr std::size_t kReusesMax = 200'000;  // × about 300 bytes = 60 MB.

  Result<void> remove(const sync::RelativePath& path, const Entry& entry, const sync::Tree::Node& node);
  Result<void> remove_below(const sync::RelativePath& directory, const sync::Tree::Node& node);
  // The removal that `path` is part of.
  std::vector<Removal>::iterator removal_of(const sync::RelativePath& path);

  const sync::Patterns& patterns_;
  Stays stays_;
  std::vector<Removal> removals_;
  std::vector<Reuse> reuses_;
  bool is_sorted_ = false;
  std::set<std::string> renamed_;    // Their paths here.
  std::uint64_t files_renamed_ = 0;  // Out of directories that are removed.
};

}  // namespace callboard::client
