#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "client/transfer_folder.h"
#include "client/types.h"
#include "net/data_socket.h"
#include "sync/file_ops.h"
#include "sync/name_folding.h"
#include "sync/pull_records.h"
#include "sync/root.h"

namespace callboard::client {

struct TakerParts {  // All must outlive the taker.
  net::DataSocket& socket;
  const sync::Root& root;
  TransferFolder& folder;
  sync::PullRecords& records;
  sync::FileOps& ops;
  const Clock& clock;
  std::string transfer;  // Unique among the pulls into this folder; names the folder of temporary files.
  std::optional<sync::NameFolding> name_folding =
      std::nullopt;            // Of the folder's file system; nullopt: it is tried out.
  Duration retry_period = 1s;  // How often a full disk is tried again.
  std::string giver = {};      // What people call it; for texts alone.
};

// Pulls what a request names over a data connection that is `ready`. Asks only for what differs, verifies every file before
// it gets its name, and keeps what is verified whatever happens. Threads: the one that calls run() compares listings and
// asks; one receives (large files are written by it), two write small files, one commits.
// Memory: kBuffers of a frame each, and what transfer_limits.h allows to be outstanding.
class Taker {
 public:
  // `already_read`: what came on the connection after `ready`.
  Taker(const TakerParts& parts, PullRequest request, Bytes already_read = {});
  ~Taker();
  Taker(const Taker&) = delete;
  Taker& operator=(const Taker&) = delete;

  // Blocks until the transfer is over. Once.
  PullReport run();
  // Thread: any. run() returns soon, with Outcome::cancelled.
  void cancel();
  // Thread: any.
  PullProgress progress() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// What the giver has at `item`, compared with the local folder: the item itself when it is a file, else its entries, and
// what lies only here. Nothing is downloaded. `cancelled` and socket.interrupt() end it.
Result<std::vector<LookEntry>> look(const TakerParts& parts, const std::string& item,
                                    const std::atomic<bool>& cancelled, Bytes already_read = {});

}  // namespace callboard::client
