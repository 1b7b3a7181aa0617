#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/limits.h"
#include "server/board/key_changes.h"
#include "server/board/key_ring.h"
#include "server/store/file_stamp.h"

namespace callboard::server {

// How long it is waited for another process that holds the lock of the file.
inline constexpr auto kKeysLockLimit = std::chrono::seconds(5);
// Of 5,000 changes that no server has seen.
inline constexpr std::uint64_t kKeyChangesBytesMax = 1 * MiB;

// Somebody who changes keys over a connection.
struct KeyChanger {
  std::string user;
  std::string from;  // Their address.
};

// What it asks of the system, so that a test can have that go otherwise.
struct KeyFileSystem {
  // Between two tries to lock what another process holds.
  std::function<void(std::chrono::milliseconds)> pause;
  // As ::fsync(): of the folder in which a file got its name.
  std::function<int(int fd)> sync;
};
KeyFileSystem key_file_system();

// The file in which the keys of a project's server are, beside its board: for the server's user alone (0600), since what
// proves a key is in it. Changed by `callboard key`, also while the server runs, and by that: for who may (server/key_calls.h), and
// when a key is used up. Blocking.
class KeyFile {
 public:
  KeyFile(const std::filesystem::path& data, std::string_view project,
          KeyFileSystem system = key_file_system());

  // nullopt: there is none, and the server is open. Refused: others can read it, or it is damaged.
  Result<std::optional<KeyRing>> read() const;
  // Changes what is there, or an empty ring, and makes the folder where there is none; one process at a time. When
  // `change` fails nothing is changed. On disk when it returns, and what it was is in changes() before. Refused when no server
  // has taken kKeyChangesBytesMax of those, locked when another process does not let go of it within kKeysLockLimit. What could not be
  // brought to disk any more is changed all the same, and the error says so. `by`: who does it; nobody: whoever stands at the machine.
  Result<void> update(const std::function<Result<void>(KeyRing&)>& change, const KeyChanger& by = {}) const;
  // What was done to the keys and is in no server's log yet; oldest first. Lines that are not understood stay
  // in the file.
  Result<KeyChanges> changes() const;
  // These are.
  Result<void> forget_changes(const std::vector<UniqueId>& ids) const;
  FileStamp stamp() const { return stamp_of(path_); }

 private:
  Result<Fd> lock() const;
  Result<void> write(const KeyRing& ring) const;
  Result<void> note(const KeyRing& before, const KeyRing& now, const KeyChanger& by) const;
  Result<void> replace(const std::filesystem::path& path, ByteView content) const;

  std::filesystem::path path_;
  std::filesystem::path changes_path_;
  KeyFileSystem system_;
};

}  // namespace callboard::server
