#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "client/giver_machine.h"
#include "client/giver_pack.h"
#include "client/transfer_folder.h"
#include "protocol/bulk_chunks.h"

namespace callboard::client {

// Tells a taker the chunks of a file (docs/protocol.md, 3.3): from the index, or read from the file and kept there for the
// next one. Thread: the one that answers. All must outlive it.
class DeltaGiver {
 public:
  DeltaGiver(GiverPack& pack, TransferFolder& folder) : pack_(pack), folder_(folder) {}

  // False: the file is sooner sent than compared. `fd` is open on it.
  bool suits(const GiverMachine::GiveFile& file, int fd) const;
  // Sends the list. Stops soon after `is_wanted` says that it is of no use any more, or when the file ends too early: what
  // the taker wants then tells it.
  Result<void> list(const GiverMachine::GiveChunks& what, int fd, const std::function<bool()>& is_wanted);
  // Says that no list comes.
  Result<void> cut_short(const GiverMachine::GiveFile& file);

 private:
  Result<bool> read_list(const GiverMachine::GiveChunks& what, int fd,
                         const std::function<bool()>& is_wanted);
  protocol::Chunks part_of(const GiverMachine::GiveFile& file, protocol::ChunksState state) const;
  Result<void> send(const GiverMachine::GiveFile& file, protocol::ChunksState last);
  Result<void> send_full_parts(const GiverMachine::GiveFile& file);

  GiverPack& pack_;
  TransferFolder& folder_;
  std::vector<std::uint64_t> to_send_;
  bool is_kept_ = false;  // What is being sent.
};

}  // namespace callboard::client
