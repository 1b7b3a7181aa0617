#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "server/board/key_ring.h"

namespace callboard::server {

// The file in which the keys of a project's server are, beside its board: for the server's user alone (0600), since what
// proves a key is in it. Changed by `callboard key`, also while the server runs, and by that when a key is used up. Blocking.
class KeyFile {
 public:
  // Differs from one content to the next; what it says of a file that is not there is a Stamp like any other.
  struct Stamp {
    std::uint64_t inode = 0;
    std::int64_t modified_ns = 0;
    std::int64_t size_bytes = -1;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };

  KeyFile(const std::filesystem::path& data, std::string_view project);

  // nullopt: there is none, and the server is open. Refused: others can read it, or it is damaged.
  Result<std::optional<KeyRing>> read() const;
  // Changes what is there, or an empty ring, and makes the folder where there is none; one process at a time. When
  // `change` fails nothing is changed. On disk when it returns.
  Result<void> update(const std::function<Result<void>(KeyRing&)>& change) const;
  Stamp stamp() const;

 private:
  Result<void> write(const KeyRing& ring) const;

  std::filesystem::path path_;
};

}  // namespace callboard::server
