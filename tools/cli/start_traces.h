#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "tools/cli/server_place.h"

namespace callboard::cli {

// What a detached server that never served has made: its log, and the folders above it. Of what was there before nothing is
// touched, nor is a link, wherever it leads. Create it before either is made.
class StartTraces {
 public:
  explicit StartTraces(ServerPlace place);

  // Where it is the default one and not there yet.
  void make_log(const std::filesystem::path& log);
  // Nothing, when another server works on the project by now, or begins to.
  void remove() const;

 private:
  struct Made {
    dev_t device;
    ino_t inode;
  };
  void remove_log() const;

  ServerPlace place_;
  std::optional<Made> log_;
  std::vector<std::filesystem::path> folders_;  // The innermost first.
};

}  // namespace callboard::cli
