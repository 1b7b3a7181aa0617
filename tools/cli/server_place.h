#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "tools/cli/settings.h"

// What a server leaves in its project's data folder for the verbs that look after it on the same machine.
namespace callboard::cli {

struct ServerPlace {
  std::string project;
  std::filesystem::path data;    // --data, or what stands for it.
  std::filesystem::path folder;  // The project's below it.

  // Creates nothing.
  static Result<ServerPlace> of(const Settings& settings);

  // Where a detached server logs unless it is told otherwise.
  std::filesystem::path default_log() const { return folder / "server.log"; }
  // The process that serves the project; nullopt when none does.
  Result<std::optional<pid_t>> holder() const;
};

// Where a log that is full was put aside last: beside "server.log" that is "server.1.log".
std::filesystem::path log_before(const std::filesystem::path& log);
// Whether a log can be written there. Leaves all as it is: a server may be writing it.
Result<void> check_log(const std::filesystem::path& log);

// The file `running`: where the server is reached, and where it logs. Of a server that was killed it stays; the lock says who
// really runs.
struct RunningNote {
  std::string address;
  std::filesystem::path log;  // Empty: standard error.
  std::string run{};  // Other than at its start before; empty: it cannot start itself anew in its place.
  std::uint16_t data_port = 0;  // 0: transfers and channels come to the address, too.

  void write(const ServerPlace& place) const;
  static std::optional<RunningNote> read(const ServerPlace& place);
  static void remove(const ServerPlace& place);
};

}  // namespace callboard::cli
