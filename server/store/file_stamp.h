#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace callboard::server {

// Differs from one content of a file to the next; what it says of a file that is not there is a stamp like any other.
struct FileStamp {
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;
  std::int64_t size_bytes = -1;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

FileStamp stamp_of(const std::filesystem::path& path);
// None that a file can have.
inline constexpr FileStamp kNoStamp{.inode = 0, .modified_ns = 0, .size_bytes = -2};

// Which file it is, whatever its content and its name.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// not_found: there is none of that name.
Result<FileIdentity> identity_of(const std::filesystem::path& path);

}  // namespace callboard::server
