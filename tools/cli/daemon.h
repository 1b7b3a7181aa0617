#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
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

// How long that may take: a start takes a tenth of a second, most of it the plugins'.
inline constexpr std::chrono::seconds kStartCheckLimit{10};

// Whether a server that is started so would load what it is to load (`serve --check`): a process of its own looks, and says
// on our standard error what is wrong. timed_out: not within `limit`; cancelled: by Ctrl-C. That process is gone in any case.
Result<void> check_start(Start start, const Interrupt& interrupt,
                         std::chrono::seconds limit = kStartCheckLimit);

// How this program is called anew: the program that stands now where this one was started from, perhaps a newer one, and the
// words it was started with, without what is done only once.
struct Anew {
  std::string program;
  std::vector<std::string> words;  // words[0] is the name it was called by.

  static Result<Anew> of_this_process();
};

// Whether that process would, by Readiness::restart_in_place(), become the program that runs here.
bool would_be_this_program(pid_t process);

// Without what is done only once: --restore, what it began with it has by now.
void forget_restore(std::vector<std::string>& words);

// What whoever started this program waits for: start_detached(), or systemd (Type=notify). Nothing where nobody does.
class Readiness {
 public:
  // Of this process. Takes the variables out of the environment, so that its children do not speak in its name.
  Readiness();

  // Started by start_detached().
  bool is_detached() const { return is_detached_; }
  // The same, until ready(): it sees how this process ends.
  bool has_starter() const { return static_cast<bool>(starter_); }
  // Accepts, at `status`. A detached one lets go of its starter's output.
  void ready(const std::string& status);
  void stopping();
  // The socket that the process before this one listened on, where this one took its place by restart_in_place(). Once.
  std::shared_ptr<Fd> listening() { return std::exchange(listening_, nullptr); }
  // Becomes the program anew, as it was started (but for --restore, which is done): the same process, with that socket. Returns
  // only when it cannot be. Nothing of the old one may still be under way.
  Error restart_in_place(Fd listening) const;

 private:
  void notify(const std::string& state) const;

  bool is_detached_ = false;
  Fd starter_;
  std::shared_ptr<Fd> listening_;
  std::string notify_socket_;
};

}  // namespace callboard::cli
