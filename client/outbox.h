#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/id.h"
#include "base/result.h"
#include "protocol/message.h"

namespace callboard::client {

// Writes that wait for a server, in the folder's `.callboard/outbox`, for its owner alone: they survive the process and the
// machine. One program at a time has it (a lock on the file). What a killed one was still writing is left out. At
// most kWritesMax writes and kBytesMax bytes. Blocking; thread: one at a time.
class Outbox {
 public:
  static constexpr std::size_t kWritesMax = 1024;
  // A few whole stories, or all day's work as patches.
  static constexpr std::uint64_t kBytesMax = 64 * 1024 * 1024;

  // locked: another program has it. refused: it waits for another project's server, or is none of ours.
  static Result<std::unique_ptr<Outbox>> open(const std::string& folder, const std::string& project);

  // In the order in which they were kept.
  const std::vector<protocol::ClientMessage>& waiting() const { return waiting_; }
  // A DocumentWrite or MessageAsk. On disk when it returns. refused: there is no room.
  Result<void> keep(const protocol::ClientMessage& write);
  // Nothing happens when it is not kept.
  void forget(UniqueId operation);
  // Into a file of its own in `.callboard/refused`, for people: why, what was asked, and in the lines below what with. Its path.
  Result<std::string> set_aside(const protocol::ClientMessage& write, const std::string& why) const;

 private:
  Outbox(Fd file, std::string folder, std::string project)
      : file_(std::move(file)), folder_(std::move(folder)), project_(std::move(project)) {}

  Result<void> read();
  Result<void> append(std::uint8_t type, ByteView payload);
  Result<void> start_anew();

  Fd file_;
  std::string folder_;  // `.callboard`.
  std::string project_;
  std::uint64_t size_bytes_ = 0;  // Of what is whole.
  std::vector<protocol::ClientMessage> waiting_;
};

// The operation id of a write that may be kept; the null id for anything else.
UniqueId operation_of(const protocol::ClientMessage& message);

}  // namespace callboard::client
