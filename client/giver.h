#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/compression.h"
#include "base/error.h"
#include "client/transfer_folder.h"
#include "net/data_socket.h"
#include "sync/root.h"

namespace callboard::client {

struct GiveReport {
  Outcome outcome = Outcome::done;  // As the taker said; interrupted when it left without a word.
  std::string text = {};
  std::uint64_t files = 0;  // Sent whole.
  std::uint64_t bytes = 0;  // Of their content.
  std::uint64_t wire_bytes = 0;
};

// Serves one transfer from a project folder on a data connection that is `ready`. Reads what the taker asks on a thread of
// its own, so that a taker that is busy writing requests never waits for it, and answers on the thread that calls run().
// A file that changed, vanished or cannot be read is answered as such and the rest goes on. Never gives `.callboard` or
// anything outside the folder. Memory: kListedBytesMax, two buffers of kPackBytes, and the folder's snapshot.
class Giver {
 public:
  struct Parts {  // All must outlive the giver.
    net::DataSocket& socket;
    const sync::Root& root;
    TransferFolder& folder;
    // never: the taker does not understand it.
    Compression compress = Compression::never;
    // For tests: called with a file's path between its two looks at it.
    std::function<void(const sync::RelativePath&)> while_reading = {};
  };
  // `already_read`: what came on the connection after `ready`.
  explicit Giver(Parts parts, Bytes already_read = {});
  ~Giver();
  Giver(const Giver&) = delete;
  Giver& operator=(const Giver&) = delete;

  // Blocks until the transfer is over. Once.
  GiveReport run();
  // Thread: any. run() returns soon.
  void cancel();
  // Content sent so far. Thread: any.
  std::uint64_t sent_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace callboard::client
