#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/loop.h"

namespace callboard::net {

// A child process, spoken to over its standard input and heard over its standard output and error. Loop thread only. No
// handler is called inside a method, and none once the object is destroyed; it may be destroyed inside a handler.
// Destroying it kills the process. One that runs keeps the loop running. It has no terminal, and a session of its own.
class Process {
 public:
  struct Options {
    std::vector<std::string> command;  // The program, found as a shell would, and its arguments.
  };
  // How it ended: with an exit code, or by a signal.
  struct Ending {
    std::int64_t exit_code = 0;
    int signal = 0;
  };
  struct Handlers {
    // What it said, valid during the call.
    std::function<void(ByteView bytes)> on_output;
    std::function<void(ByteView bytes)> on_error_output;
    // Nothing more comes of its standard output: it has closed that, or is about to end.
    std::function<void()> on_output_closed{};
    // The last call: it has ended, and all that it said was told; or its output is held open by a process of its own.
    std::function<void(const Ending& ending)> on_ended;
  };

  // not_found or refused when there is no such program, or it is none.
  static Result<std::unique_ptr<Process>> start(Loop& loop, const Options& options, Handlers handlers);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  std::int64_t id() const;
  // Queued without limit: look at unsent_bytes(). Ignored once it reads no more.
  void write(Bytes bytes);
  std::uint64_t unsent_bytes() const;
  // It finds the end of its input when it has read what was written.
  void close_input();
  void terminate();  // SIGTERM
  void kill();       // SIGKILL

 private:
  struct Impl;
  explicit Process(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// "exit code 1", "signal 9".
std::string to_text(const Process::Ending& ending);

}  // namespace callboard::net
