#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

extern char** environ;

namespace callboard::support {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

void check(int rc, const std::string& doing) {
  if (rc != 0) throw std::system_error(rc, std::generic_category(), doing);
}

struct Pipe {
  int read_fd = -1;
  int write_fd = -1;
};

Pipe make_pipe() {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) check(errno, "make a pipe");
  return {.read_fd = fds[0], .write_fd = fds[1]};
}

void close_and_forget(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& added) {
  const auto name_of = [](std::string_view variable) { return variable.substr(0, variable.find('=')); };
  std::vector<std::string> all = added;
  std::erase_if(all, [](const std::string& each) { return each.find('=') == std::string::npos; });
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const auto is_same = [&](const std::string& own) { return name_of(own) == name_of(*variable); };
    if (std::ranges::none_of(added, is_same)) all.emplace_back(*variable);
  }
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The two posix_spawn structures with their ends.
struct SpawnPlan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  SpawnPlan() {
    check(posix_spawn_file_actions_init(&actions), "prepare a program");
    check(posix_spawnattr_init(&attributes), "prepare a program");
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

struct ChildEnds {
  int in = -1;
  int out = -1;
  int err = -1;
};

pid_t spawn(const Command& command, const ChildEnds& ends) {
  SpawnPlan plan;
  check(posix_spawn_file_actions_adddup2(&plan.actions, ends.in, 0), "prepare a program");
  check(posix_spawn_file_actions_adddup2(&plan.actions, ends.out, 1), "prepare a program");
  check(posix_spawn_file_actions_adddup2(&plan.actions, ends.err, 2), "prepare a program");
  if (!command.directory.empty()) {
    check(posix_spawn_file_actions_addchdir_np(&plan.actions, command.directory.c_str()),
          "prepare a program");
  }
  // A group of its own, and default dispositions: a shell in the background ignores SIGINT, and that is
  // inherited.
  sigset_t none;
  sigset_t usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT}) sigaddset(&usual, number);
  check(posix_spawnattr_setsigmask(&plan.attributes, &none), "prepare a program");
  check(posix_spawnattr_setsigdefault(&plan.attributes, &usual), "prepare a program");
  check(posix_spawnattr_setpgroup(&plan.attributes, 0), "prepare a program");
  check(posix_spawnattr_setflags(&plan.attributes,
                                 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK),
        "prepare a program");
  auto words = command.words;
  auto environment = merged_environment(command.environment);
  pid_t id = -1;
  check(posix_spawnp(&id, words.at(0).c_str(), &plan.actions, &plan.attributes, pointers_to(words).data(),
                     pointers_to(environment).data()),
        "start \"" + words[0] + "\"");
  return id;
}

int milliseconds_until(SteadyTime deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

}  // namespace

Process::Process(const Command& command) {
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  try {
    id_ = spawn(command, {.in = in.read_fd, .out = out.write_fd, .err = err.write_fd});
  } catch (...) {
    for (Pipe* pipe : {&in, &out, &err}) {
      close_and_forget(pipe->read_fd);
      close_and_forget(pipe->write_fd);
    }
    throw;
  }
  for (int* fd : {&in.read_fd, &out.write_fd, &err.write_fd}) close_and_forget(*fd);
  input_fd_ = in.write_fd;
  out_.fd = out.read_fd;
  err_.fd = err.read_fd;
  for (const int fd : {out_.fd, err_.fd}) fcntl(fd, F_SETFL, O_NONBLOCK);
  end_fd_ = static_cast<int>(syscall(SYS_pidfd_open, id_, 0));
  if (end_fd_ < 0) {
    const int cause = errno;
    kill(-id_, SIGKILL);
    waitpid(id_, nullptr, 0);
    for (int* fd : {&input_fd_, &out_.fd, &err_.fd}) close_and_forget(*fd);
    check(cause, "watch a program");
  }
}

Process::~Process() {
  // Until it is reaped the program keeps its id, and with it the group's: nobody else's processes are hit.
  kill(-id_, SIGKILL);
  while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
  for (int* fd : {&end_fd_, &input_fd_, &out_.fd, &err_.fd}) close_and_forget(*fd);
}

std::optional<std::string> Process::wait_for_line(Stream stream,
                                                  const std::function<bool(std::string_view)>& fits,
                                                  std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  Output& from = output(stream);
  while (true) {
    for (auto end = from.text.find('\n', from.returned); end != std::string::npos;
         end = from.text.find('\n', from.returned)) {
      const std::string line = from.text.substr(from.returned, end - from.returned);
      from.returned = end + 1;
      if (fits(line)) return line;
    }
    if (from.fd < 0 || !wait_for_event(deadline)) return std::nullopt;
  }
}

std::optional<std::string> Process::wait_for(Stream stream, std::string_view part,
                                             std::chrono::milliseconds limit) {
  return wait_for_line(
      stream, [part](std::string_view line) { return line.find(part) != std::string_view::npos; }, limit);
}

std::optional<Ending> Process::wait(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!ending_) {
    if (!wait_for_event(deadline)) return std::nullopt;
  }
  return ending_;
}

void Process::send_signal(int number) {
  if (!ending_) kill(id_, number);
}

void Process::write_input(std::string_view text) {
  while (!text.empty()) {
    const auto written = write(input_fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) check(errno, "write to a program");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Process::close_input() { close_and_forget(input_fd_); }

bool Process::wait_for_event(SteadyTime deadline) {
  std::array<pollfd, 3> events{{{.fd = out_.fd, .events = POLLIN, .revents = 0},
                                {.fd = err_.fd, .events = POLLIN, .revents = 0},
                                {.fd = ending_ ? -1 : end_fd_, .events = POLLIN, .revents = 0}}};
  int ready = 0;
  do {
    ready = poll(events.data(), events.size(), milliseconds_until(deadline));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return false;
  // The end is seen after the output: what was printed before it lies in the pipes already.
  const bool ended = events[2].revents != 0;
  read_available(out_);
  read_available(err_);
  if (ended) note_ending();
  return true;
}

void Process::read_available(Output& output) {
  std::array<char, 65536> buffer{};
  while (output.fd >= 0) {
    const auto size = read(output.fd, buffer.data(), buffer.size());
    if (size > 0) {
      output.text.append(buffer.data(), static_cast<std::size_t>(size));
      continue;
    }
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    close_and_forget(output.fd);
  }
}

void Process::note_ending() {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  ending_ = info.si_code == CLD_EXITED ? Ending{.exit_code = info.si_status, .signal = 0}
                                       : Ending{.exit_code = -1, .signal = info.si_status};
}

Finished run(const Command& command, std::chrono::milliseconds limit) {
  Process process(command);
  process.close_input();
  const auto ending = process.wait(limit);
  if (!ending) {
    throw std::runtime_error("\"" + command.words[0] + "\" did not end in time; it printed: " +
                             process.printed(Stream::out) + process.printed(Stream::err));
  }
  return {.ending = *ending, .out = process.printed(Stream::out), .err = process.printed(Stream::err)};
}

}  // namespace callboard::support
