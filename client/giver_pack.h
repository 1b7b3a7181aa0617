#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "client/giver_outlet.h"
#include "protocol/bulk.h"

namespace callboard::client {

// Gathers frames and small files into writes of about kPackBytes; contents are read from disk straight to their place in
// it. One file at a time may be begun. What is mostly compressed already is not squeezed. Thread: the one that answers. The
// outlet must outlive it.
class GiverPack {
 public:
  explicit GiverPack(GiverOutlet& outlet);

  bool empty() const { return used_ == 0; }
  Result<void> flush(GiverOutlet::More more = GiverOutlet::More::no);
  // What is gathered is one piece of a file; true: it went out squeezed.
  Result<bool> flush_block();

  // A whole frame; goes out when enough is gathered.
  Result<void> add(const protocol::GiverFrame& frame);
  // The head of a `data` frame, whose content the caller writes right after flush().
  void add_data_head(std::uint64_t content_size_bytes);

  // For the head and content of one file of at most kSmallFileMax.
  Result<void> make_room(std::uint64_t content_size_bytes);
  void begin_file(const protocol::File& file);
  // 0, or errno; -1: the file is shorter.
  int read_content(int fd, std::uint64_t size_bytes);
  ByteView content() const { return {buffer_.get() + content_at_, used_ - content_at_}; }
  // `is_compressed`: squeezing would not make it shorter.
  void end_file(bool is_compressed = false);
  // Takes back what begin_file() and read_content() added.
  void abandon_file() { used_ = begun_at_; }

 private:
  void append(ByteView bytes);

  GiverOutlet& outlet_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t used_ = 0;
  std::size_t begun_at_ = 0;
  std::size_t content_at_ = 0;        // Of what was read last.
  std::size_t compressed_bytes_ = 0;  // Of what is gathered.
  Bytes frame_;
};

}  // namespace callboard::client
