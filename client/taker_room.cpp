#include "client/taker_room.h"

#include <algorithm>
#include <string>

#include "base/limits.h"
#include "base/text.h"

namespace callboard::client {
namespace {

// Left for the file system's own bookkeeping and for other programs: a hundredth, and this.
constexpr std::uint64_t kMarginBytes = 1 * MiB;
constexpr std::uint64_t kMarginFiles = 16;

}  // namespace

void TakerRoom::add_file(std::uint64_t size_bytes, std::uint64_t instead_of_bytes) {
  need_.bytes += size_bytes - std::min(size_bytes, instead_of_bytes);
  if (instead_of_bytes == 0) need_.files += 1;
}

Result<void> TakerRoom::check_added(const sync::Room& kept) const {
  return check(
      {need_.bytes - std::min(need_.bytes, kept.bytes), need_.files - std::min(need_.files, kept.files)});
}

Result<void> TakerRoom::check(const sync::Room& need) const {
  // With what is to stay free for others.
  const auto expected = [](std::uint64_t needed, std::uint64_t margin) {
    return needed == 0 ? 0 : needed + std::min(needed / 100 + margin, ~needed);
  };
  const std::uint64_t bytes = expected(need.bytes, kMarginBytes);
  const std::uint64_t files = expected(need.files, kMarginFiles);
  if (bytes > free_.bytes) {
    return Error{Outcome::refused, "the disk has too little room: expected at least " + human_bytes(bytes) +
                                       " free, got " + human_bytes(free_.bytes)};
  }
  if (files > free_.files) {
    return Error{Outcome::refused, "the file system has too few inodes: expected at least " +
                                       std::to_string(files) + " free, got " + std::to_string(free_.files)};
  }
  return {};
}

}  // namespace callboard::client
