#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "client/taker_machine.h"
#include "sync/root.h"
#include "sync/stager.h"

namespace callboard::client {

// Puts a file together from its older version and what comes of it. What was read is not trusted: the whole file's digest
// tells. Thread: the writing thread.
class DeltaContent {
 public:
  // Opens the older version under `file.path`; not found when it has gone.
  static Result<DeltaContent> open(const sync::Root& root, const WantedFile& file);

  // Copies what stands before the next piece that is to come, or before the end. Returns how much. An error of reading
  // the older version has Outcome::superseded: it is another one now. Blocks are shared where the file system can.
  Result<std::uint64_t> copy_up_to_wanted(sync::IncomingFile& incoming, const std::atomic<bool>& cancelled);
  // How many bytes are to come before something has to be copied again.
  std::uint64_t wanted_bytes() const;
  // Of those, so many were written.
  void on_written(std::uint64_t size_bytes);

 private:
  DeltaContent(std::shared_ptr<const Delta> delta, Fd older)
      : delta_(std::move(delta)), older_(std::move(older)) {}
  Result<std::uint64_t> copy_block(std::uint64_t offset, std::uint64_t size_bytes,
                                   sync::IncomingFile& incoming);

  std::shared_ptr<const Delta> delta_;
  Fd older_;
  std::size_t next_ = 0;       // Segment …
  std::uint64_t written_ = 0;  // … and how much of it is done.
  std::unique_ptr<std::byte[]> block_;
};

}  // namespace callboard::client
