#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>

#include "server/board/key_ring.h"
#include "server/store/file_stamp.h"

namespace callboard::server {

// The file in which the keys of a project's server are, beside its board: for the server's user alone (0600), since what
// proves a key is in it. Changed by `callboard key`, also while the server runs, and by that when a key is used up. Blocking.
class KeyFile {
 public:
  KeyFile(const std::filesystem::path& data, std::string_view project);

  // nullopt: there is none, and the server is open. Refused: others can read it, or it is damaged.
  Result<std::optional<KeyRing>> read() const;
  // Changes what is there, or an empty ring, and makes the folder where there is none; one process at a time. When
  // `change` fails nothing is changed. On disk when it returns.
  Result<void> update(const std::function<Result<void>(KeyRing&)>& change) const;
  FileStamp stamp() const { return stamp_of(path_); }

 private:
  Result<void> write(const KeyRing& ring) const;

  std::filesystem::path path_;
};

}  // namespace callboard::server
