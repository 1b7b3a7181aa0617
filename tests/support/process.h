#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace callboard::support {

// Generous: only a test that hangs ever reaches it.
inline constexpr std::chrono::milliseconds kPatience{30'000};

struct Command {
  std::vector<std::string> words;   // words[0] is the program, looked up in PATH when it has no slash.
  std::filesystem::path directory;  // Where it runs; empty: where the test runs.
  // "NAME=value", in place of the test's own variable of that name; "NAME": it is without that.
  std::vector<std::string> environment;
};

struct Ending {
  int exit_code = -1;  // -1 when a signal ended it.
  int signal = 0;      // 0 when it exited by itself.
  friend bool operator==(const Ending&, const Ending&) = default;
};

enum class Stream { out, err };

// A real program under test, with pipes on its three standard streams and a process group of its own. Everything it prints
// is kept, whatever the test waits for, so it never blocks on a full pipe while the test waits in here. The destructor
// kills the group, by id, and reaps the program. One thread. Throws std::system_error when it cannot be started.
class Process {
 public:
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The first line (without its newline) not yet returned by this function that fits; nullopt when the stream ended
  // or the time is over first. Lines before it count as read.
  std::optional<std::string> wait_for_line(Stream stream, const std::function<bool(std::string_view)>& fits,
                                           std::chrono::milliseconds limit = kPatience);
  // The same for a line that contains `part`.
  std::optional<std::string> wait_for(Stream stream, std::string_view part,
                                      std::chrono::milliseconds limit = kPatience);
  // How it ended; nullopt when it still runs at the end of the time. What it printed is complete afterwards.
  std::optional<Ending> wait(std::chrono::milliseconds limit = kPatience);

  void send_signal(int number);
  void write_input(std::string_view text);
  void close_input();

  const std::string& printed(Stream stream) const { return output(stream).text; }
  pid_t id() const { return id_; }

 private:
  struct Output {
    int fd = -1;  // -1 once it ended.
    std::string text;
    std::size_t returned = 0;  // How much of it wait_for_line() went past.
  };

  const Output& output(Stream stream) const { return stream == Stream::out ? out_ : err_; }
  Output& output(Stream stream) { return stream == Stream::out ? out_ : err_; }
  // Waits until something is printed or the program ends; false when the time is over first.
  bool wait_for_event(std::chrono::steady_clock::time_point deadline);
  void read_available(Output& output);
  // Leaves the program unreaped, so that its id stays its own until the destructor.
  void note_ending();

  pid_t id_ = -1;
  int end_fd_ = -1;  // A pidfd: readable when the program ended.
  int input_fd_ = -1;
  Output out_;
  Output err_;
  std::optional<Ending> ending_;
};

// A program that runs to its end.
struct Finished {
  Ending ending;
  std::string out;
  std::string err;
};
// Throws std::runtime_error when it does not end in time.
Finished run(const Command& command, std::chrono::milliseconds limit = kPatience);

}  // namespace callboard::support
