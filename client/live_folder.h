#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "client/chunk_keeper.h"
#include "client/transfer_folder.h"
#include "sync/live_tree.h"

namespace callboard::client {

// The project folder with its tree kept current on a thread of its own, once start() was called; until then, and where
// watching is not possible, it looks at the disk each time, as ScannedFolder does. Either way a snapshot has everything
// that changed on disk before it was asked for. Thread: any, but for start() and the destructor. The parts outlive it.
class LiveFolder : public TransferFolder {
 public:
  LiveFolder(const sync::Root& root, sync::Index& index, const Clock& clock);
  ~LiveFolder() override;

  // What the thread that keeps the tree reads, as sync::LiveTree::OnReading says.
  struct Reading {
    sync::RelativePath directory;
    std::vector<std::string> names;
    // Whether who wants `own` would have to read all of it, too.
    bool is_of(const sync::RelativePath& own) const;
  };
  // A snapshot waits while at most so much of files that are none of its own is read; then it looks for itself.
  static constexpr std::uint64_t kPatienceBytes = 256 * MiB;

  // Watches from now on, `directories_max` at most. The tree is there after a scan in the background; is_live() says when.
  void start(std::size_t directories_max = sync::Watch::kDirectoriesMax,
             std::uint64_t patience_bytes = kPatienceBytes);
  // Called after the tree has changed, has come or is kept no longer, on the thread that keeps it: be quick and call nothing
  // of this object. When this returns, the one before is not called any more.
  void set_on_changed(std::function<void()> on_changed);

  Result<std::shared_ptr<const sync::Tree>> snapshot(const sync::RelativePath& top,
                                                     const std::atomic<bool>& cancelled) override;
  sync::Index* index() override { return &index_; }
  // Once started, makes the list of its chunks when nobody needs the core.
  void on_pulled(const sync::RelativePath& path, const Entry& entry) override;
  std::shared_ptr<const sync::Tree> known() override { return tree(); }
  std::shared_ptr<const sync::ContentTable> contents() override;
  std::shared_ptr<const sync::Tree> remembered() override { return scanned_.remembered(); }
  bool is_live() const;
  // As it was last settled; nullptr unless is_live().
  std::shared_ptr<const sync::Tree> tree() const;
  // With everything that changed before the call; nullptr when there is no tree, `is_cancelled` says so, which is asked
  // often, or it would take long for what does not lie in `own`, if any.
  std::shared_ptr<const sync::Tree> settled_tree(const sync::RelativePath* own,
                                                 const std::function<bool()>& is_cancelled);
  // Why the folder is not watched though it was asked for; empty when it is.
  std::string trouble() const;

 private:
  // Gathering changes before they are looked at: little for the first, more the longer that takes, so that a stream of
  // changes costs about 5 % of a core, and a change is known within a second.
  static constexpr Duration kGatherMin = 100ms;
  static constexpr Duration kGatherMax = 800ms;
  static constexpr int kGatherFactor = 20;
  void run(std::unique_ptr<sync::LiveTree> live);
  Result<void> settle(sync::LiveTree& live);
  void publish(const sync::LiveTree& live, const Result<void>& settled, std::uint64_t asked);
  void wait(sync::LiveTree& live, Duration took);

  const sync::Root& root_;
  sync::Index& index_;
  const Clock& clock_;
  sync::FileOps ops_;
  ScannedFolder scanned_;
  ChunkKeeper chunk_keeper_;
  sync::ContentTables contents_;
  std::atomic<bool> stays_{false};  // Since start().
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> bytes_hashed_{0};  // By the present settling.
  std::uint64_t patience_bytes_ = kPatienceBytes;

  std::mutex on_changed_mutex_;
  std::function<void()> on_changed_;

  mutable std::mutex mutex_;  // Guards all below.
  std::condition_variable changed_;
  std::shared_ptr<const sync::Tree> tree_;
  std::string trouble_;
  std::optional<Reading> reading_;  // Just now.
  sync::Watch* watch_ = nullptr;    // While the thread keeps a tree.
  // Settlings asked for, and the last one that is done.
  std::uint64_t asked_ = 0;
  std::uint64_t settled_ = 0;
};

}  // namespace callboard::client
