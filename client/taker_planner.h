#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/delta_taker.h"
#include "client/taker.h"
#include "client/taker_machine.h"
#include "client/taker_state.h"
#include "client/taker_writers.h"
#include "sync/diff.h"
#include "sync/patterns.h"
#include "sync/relative_path.h"
#include "sync/tree.h"

namespace callboard::client {

// Decides what a pull asks for: compares the giver's listings with the local folder as they arrive, asks for those of
// directories that differ (depth first, many per message) and for the files that do. Thread: one, that of run().
class TakerPlanner {
 public:
  TakerPlanner(const TakerParts& parts, TakerState& state, DeltaTaker& deltas, sync::Patterns patterns)
      : parts_(parts), state_(state), deltas_(deltas), patterns_(std::move(patterns)) {}

  // Items that are none are errors; one beneath another is part of it.
  Result<void> set_items(const std::vector<std::string>& items);

  // Looks at the local folder and sends `open`.
  Result<void> open();
  // True when there is anything to do: something to list, to fetch or to change.
  Result<bool> on_opened(const std::vector<protocol::OpenedItem>& opened);
  // `writers` is null in a dry run.
  Result<void> run_round(TakerWriters* writers);

 private:
  struct Item {
    sync::RelativePath path;
    std::shared_ptr<const sync::Tree> here;  // nullptr: there is nothing.
  };
  struct DirectoryUnderWay {
    std::shared_ptr<const sync::Listing> here;
    std::size_t compared = 0;  // Of its entries.
    std::string last_name;
  };

  Result<void> ask();
  Result<void> plan_item(std::size_t index, const protocol::OpenedItem& opened);
  Result<void> plan_listing(const TakerMachine::Listed& listing);
  Result<void> perform(const sync::DiffStep& step, std::uint32_t listing, std::uint32_t entry_index,
                       const Entry& entry);
  Result<void> fetch(const sync::DiffStep& step, std::uint32_t listing, std::uint32_t entry_index,
                     const Entry& entry);
  Result<void> descend(const sync::RelativePath& directory);
  void change(ChangeKind kind, sync::Change change);
  void note(ChangeKind kind, const sync::RelativePath& path, std::uint64_t size_bytes);
  std::shared_ptr<const sync::Listing> listing_here(const sync::RelativePath& directory) const;
  Digest digest_here(const sync::RelativePath& path) const;
  std::vector<std::uint64_t> buckets_here(const sync::RelativePath& directory) const;
  void count_unchanged();

  TakerParts parts_;
  TakerState& state_;
  DeltaTaker& deltas_;
  sync::Patterns patterns_;
  TakerWriters* writers_ = nullptr;
  std::vector<Item> items_;
  std::vector<protocol::OpenedItem> opened_;
  std::vector<std::size_t> differing_;  // Items.
  std::deque<sync::RelativePath> pending_;
  std::uint64_t pending_bytes_ = 0;
  std::optional<DirectoryUnderWay> directory_;
  std::uint64_t unchanged_files_ = 0;
  bool counted_unchanged_ = false;
};

}  // namespace callboard::client
