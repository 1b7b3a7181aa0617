#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/entry.h"
#include "sync/file_status.h"

namespace callboard::sync {

// How long after its last change a file may change again without its times showing it: FAT counts in steps of 2 s.
inline constexpr std::int64_t kTimesSettleNs = 2'000'000'000;

// What must be equal for the content to be taken as equal: all but the device, which changes with every mount.
bool same_known_status(const FileStatus& a, const FileStatus& b);

// True when a content read at `read_at_ns` may have changed since under the very same status; it must be read again next
// time. Modification times in the future are set by hand and cannot come about again by writing.
bool is_unsettled(const FileStatus& status, std::int64_t read_at_ns);

// The files of one directory whose content is known: name, status, digest, packed in ascending order of names with a
// checksum. Malformed or damaged bytes count as nothing known.
class KnownFiles {
 public:
  KnownFiles() = default;
  explicit KnownFiles(Bytes packed);
  KnownFiles(KnownFiles&&) noexcept = default;
  KnownFiles& operator=(KnownFiles&&) noexcept = default;

  std::size_t size() const { return size_; }
  // The content behind `name` if `status` is the known one. Ask in ascending order of names: it only moves forward.
  std::optional<Digest> take(std::string_view name, const FileStatus& status);
  // The next one whatever its name, for merging; nullopt at the end.
  struct Known {
    std::string_view name;  // Valid as long as this object.
    FileStatus status;
    Digest digest;
  };
  std::optional<Known> next();

 private:
  Bytes packed_;
  std::size_t size_ = 0;
  std::size_t position_ = 0;
};

class KnownFilesWriter {
 public:
  KnownFilesWriter();
  // In ascending order of names.
  void add(const KnownFiles::Known& known);
  std::size_t size() const { return size_; }
  Bytes finish();

 private:
  Bytes packed_;
  std::uint32_t size_ = 0;
};

}  // namespace callboard::sync
