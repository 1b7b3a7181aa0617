#pragma once

#include <filesystem>
#include <string_view>

#include "server/board/kept_sessions.h"

namespace callboard::server {

// The file `sessions` beside a project's database, for its owner alone. It is written anew whenever something in it changes,
// and appears whole or not at all; it is not synced: it has to outlive the process, and a machine that went down takes longer
// to come back than anybody waits.
class SessionFile {
 public:
  SessionFile(const std::filesystem::path& data, std::string_view project);

  // Blocking. Nothing kept when there is no file.
  Result<KeptSessions> read() const;
  // Blocking; one at a time.
  Result<void> write(ByteView bytes) const;
  // What is not there is removed, too.
  Result<void> remove() const;

 private:
  std::filesystem::path path_;
};

}  // namespace callboard::server
