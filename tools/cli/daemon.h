#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "tools/cli/interrupt.h"

// A server that outlives the terminal: how it is started, and how it says that it accepts.
namespace callboard::cli {

// A program's start, as the kernel keeps it.
struct Start {
  std::vector<std::string> words;        // words[0] is the name it was called by.
  std::vector<std::string> environment;  // "NAME=value".
  std::filesystem::path directory;

  // failed: there is no such process, or it is another user's.
  static Result<Start> of(pid_t process);
};

// Starts this very program with these words, in a session of its own: no terminal, no standard input. It goes on writing to
// our standard output and standard error until it is ready. Returns then, or with how it failed, about which it has said
// all there is to say.
Result<void> start_detached(Start start, Interrupt& interrupt);

// What whoever started this program waits for: start_detached(), or systemd (Type=notify). Nothing where nobody does.
class Readiness {
 public:
  // Of this process. Takes the variables out of the environment, so that its children do not speak in its name.
  Readiness();

  // Started by start_detached().
  bool is_detached() const { return is_detached_; }
  // Accepts, at `status`. A detached one lets go of its starter's output.
  void ready(const std::string& status);
  void stopping();

 private:
  void notify(const std::string& state) const;

  bool is_detached_ = false;
  Fd starter_;
  std::string notify_socket_;
};

}  // namespace callboard::cli
