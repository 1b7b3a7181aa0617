#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/result.h"
#include "client/giver_machine.h"
#include "client/giver_outlet.h"
#include "client/giver_pack.h"
#include "protocol/bulk.h"
#include "sync/relative_path.h"

namespace callboard::client {

// True when a content is compressed already: no time is spent on making it shorter. By its name, and by how it begins.
bool is_compressed_format(const sync::RelativePath& path, ByteView begin);

// Sends the content of large files, piece by piece: from the page cache without touching it, or squeezed where that pays.
// A piece that does not become shorter goes as it is, and so does what follows, kRetryBytes of it. Thread: the one that
// answers. All must outlive it.
class GiverContent {
 public:
  struct Parts {
    GiverPack& pack;
    GiverOutlet& outlet;
    const std::atomic<bool>& over;           // Whatever is under way is for nobody.
    std::atomic<std::uint64_t>& sent_bytes;  // Of contents.
    const std::function<void(const sync::RelativePath&)>& while_reading;
  };
  // Another part of a large file may be of another kind: an eighth of a second of gigabit Ethernet.
  static constexpr std::uint64_t kRetryBytes = 16 * MiB;

  explicit GiverContent(const Parts& parts) : parts_(parts) {}

  // The head of a file whose content comes in pieces.
  Result<void> begin(protocol::File head, int fd);
  // From the file's offset to its end, or one range of it. False: what went out is void.
  Result<bool> send(const GiverMachine::GiveFile& file, int fd);
  Result<bool> send_range(const GiverMachine::GiveFile& file, const protocol::Range& range, int fd);

 private:
  Result<bool> send_data(const GiverMachine::GiveFile& file, int fd, std::uint64_t end);
  bool is_squeezable(const GiverMachine::GiveFile& file, int fd, std::uint64_t offset);
  Result<bool> send_block(const GiverMachine::GiveFile& file, int fd, const protocol::Range& block);
  Result<bool> send_squeezed(const GiverMachine::GiveFile& file, int fd, const protocol::Range& block);
  Result<bool> send_frame(const GiverMachine::GiveFile& file, int fd, const protocol::Range& block);
  Result<bool> send_rest(int fd, std::uint64_t offset, std::uint64_t count_bytes);

  Parts parts_;
  // Of the file under way.
  bool is_sparse_ = false;
  enum class Format { unknown, other, compressed } format_ = Format::unknown;
  std::uint64_t plain_up_to_ = 0;
};

}  // namespace callboard::client
