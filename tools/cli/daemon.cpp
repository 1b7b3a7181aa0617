#include "tools/cli/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "tools/cli/exit_code.h"

namespace callboard::cli {
namespace {

using namespace std::chrono_literals;

// The descriptor on which a detached server says that it is ready.
constexpr const char* kReadyVariable = "CALLBOARD_READY_FD";
constexpr const char* kNotifyVariable = "NOTIFY_SOCKET";
// What a server tells itself when it starts anew: the descriptor that it listens on, and that it has no terminal.
constexpr const char* kListeningVariable = "CALLBOARD_LISTENING_FD";
constexpr const char* kDetachedVariable = "CALLBOARD_DETACHED";

Result<std::vector<std::string>> strings_in(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream || text.empty())
    return Error{Outcome::failed, "read " + file + ": no such process of this user"};
  std::vector<std::string> found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    found.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return found;
}

// What stands now where that process was started from.
Result<std::string> program_of(const std::string& process) {
  const std::string link = "/proc/" + process + "/exe";
  std::error_code problem;
  std::string program = std::filesystem::read_symlink(link, problem).native();
  if (problem) return os_error("read " + link, problem.value());
  constexpr std::string_view kReplaced = " (deleted)";
  if (program.ends_with(kReplaced)) program.resize(program.size() - kReplaced.size());
  return program;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// posix_spawn's arrays, set free at the end.
struct Spawning {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  Spawning() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~Spawning() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;
};

// None: it has nothing to say but to whoever reads its standard error.
Result<pid_t> spawn(Start start, std::optional<int> ready_fd) {
  constexpr int kReadyFd = 3;
  Spawning spawning;
  posix_spawn_file_actions_addopen(&spawning.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (ready_fd) {
    posix_spawn_file_actions_adddup2(&spawning.actions, *ready_fd, kReadyFd);
  } else {
    posix_spawn_file_actions_addopen(&spawning.actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  posix_spawn_file_actions_addchdir_np(&spawning.actions, start.directory.c_str());
  // The signals that this program takes as events are blocked here.
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&spawning.attributes, &none);
  posix_spawnattr_setflags(&spawning.attributes,
                           static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK));
  std::erase_if(start.environment, [](const std::string& each) { return each.starts_with(kReadyVariable); });
  if (ready_fd) start.environment.push_back(std::string(kReadyVariable) + "=" + std::to_string(kReadyFd));
  const std::vector<char*> words = pointers_to(start.words);
  const std::vector<char*> environment = pointers_to(start.environment);
  pid_t process = -1;
  const int problem = posix_spawn(&process, "/proc/self/exe", &spawning.actions, &spawning.attributes,
                                  words.data(), environment.data());
  if (problem != 0) return os_error("start the server", problem);
  return process;
}

// The descriptor that a variable names, which is then ours; none: it is not set, or names none.
Fd fd_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return Fd();
  int fd = -1;
  const char* const end = text + std::strlen(text);
  const bool is_one = std::from_chars(text, end, fd).ptr == end && ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
  ::unsetenv(variable);
  return is_one ? Fd(fd) : Fd();
}

// One byte when it is ready, the end of the stream when it is no more.
bool is_ready(const Fd& from) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = ::read(from.get(), &byte, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1;
}

// Without taking note of how it ended. false: it may still run, since time is over or somebody breaks off.
bool ends_within(pid_t process, std::chrono::milliseconds limit, const Interrupt& interrupt) {
  constexpr std::chrono::milliseconds kLook = 10ms;
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!interrupt.is_requested() && std::chrono::steady_clock::now() < until) {
    siginfo_t ended{};
    const int rc = ::waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOHANG | WNOWAIT);
    if (rc == 0 ? ended.si_pid == process : errno != EINTR) return true;
    static_cast<void>(::poll(nullptr, 0, static_cast<int>(kLook.count())));
  }
  return false;
}

// Waits for it, which `name` says what it is. It has said itself why it failed, but for what it could not.
Result<void> end_of(pid_t process, const char* name) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
  if (!WIFEXITED(status))
    return Error{Outcome::failed,
                 std::string(name) + " was ended by signal " + std::to_string(WTERMSIG(status))};
  if (WEXITSTATUS(status) == exit_code(Outcome::done)) return {};
  return Error{outcome_of(WEXITSTATUS(status)), ""};
}

}  // namespace

Result<Start> Start::of(pid_t process) {
  const std::string folder = "/proc/" + std::to_string(process);
  auto words = strings_in(folder + "/cmdline");
  if (!words) return words.error();
  auto environment = strings_in(folder + "/environ");
  if (!environment) return environment.error();
  std::error_code problem;
  auto directory = std::filesystem::read_symlink(folder + "/cwd", problem);
  if (problem) return os_error("read " + folder + "/cwd", problem.value());
  return Start{std::move(*words), std::move(*environment), std::move(directory)};
}

Result<void> start_detached(Start start, Interrupt& interrupt) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return os_error("make a pipe", errno);
  const Fd ours(ends[0]);
  Fd its(ends[1]);
  const auto process = spawn(std::move(start), its.get());
  if (!process) return process.error();
  its.reset();
  {
    const Interrupt::Listener listening = interrupt.listen([&] { ::kill(*process, SIGTERM); });
    if (is_ready(ours)) return {};
  }
  auto ended = end_of(*process, "the server");
  // It ended in order, perhaps, but nobody has a server.
  if (interrupt.is_requested()) return Error{Outcome::cancelled, ""};
  if (!ended) return ended;
  return Error{Outcome::failed, "the server ended before it listened"};
}

Result<void> check_start(Start start, const Interrupt& interrupt, std::chrono::seconds limit) {
  start.words.push_back("--check");
  const auto process = spawn(std::move(start), std::nullopt);
  if (!process) return process.error();
  const bool is_in_time = ends_within(*process, limit, interrupt);
  // A library of --plugin that does not come to an end heeds nothing else; and there is nothing to tidy up.
  if (!is_in_time) ::kill(*process, SIGKILL);
  auto ended = end_of(*process, "the check of what it would load");
  if (is_in_time) return ended;
  if (interrupt.is_requested()) return Error{Outcome::cancelled, ""};
  return Error{Outcome::timed_out, fmt::format("what it would load is not loaded after {} s", limit.count())};
}

Readiness::Readiness() {
  starter_ = fd_in(kReadyVariable);
  // Started as /proc/self/exe, it would be "exe" to whoever looks for it.
  if (starter_) ::prctl(PR_SET_NAME, "callboard");
  is_detached_ = static_cast<bool>(starter_) || std::getenv(kDetachedVariable) != nullptr;
  ::unsetenv(kDetachedVariable);
  if (Fd listening = fd_in(kListeningVariable)) listening_ = std::make_shared<Fd>(std::move(listening));
  if (const char* const path = std::getenv(kNotifyVariable)) {
    notify_socket_ = path;
    ::unsetenv(kNotifyVariable);
  }
}

void Readiness::ready(const std::string& status) {
  notify("READY=1\nSTATUS=" + status);
  if (!starter_) return;
  const Fd nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    if (nowhere) ::dup2(nowhere.get(), stream);
  }
  // It may have been killed while it waited.
  static_cast<void>(::write(starter_.get(), "r", 1) == 1);
  starter_.reset();
}

void Readiness::stopping() { notify("STOPPING=1"); }

void forget_restore(std::vector<std::string>& words) {
  const auto option = std::find(words.begin(), words.end(), "--restore");
  if (option != words.end()) words.erase(option, std::min(option + 2, words.end()));
  std::erase_if(words, [](const std::string& word) { return word.starts_with("--restore="); });
}

Result<Anew> Anew::of_this_process() {
  auto words = strings_in("/proc/self/cmdline");
  if (!words) return words.error();
  forget_restore(*words);
  auto program = program_of("self");
  if (!program) return program.error();
  return Anew{std::move(*program), std::move(*words)};
}

bool would_be_this_program(pid_t process) {
  const auto program = program_of(std::to_string(process));
  std::error_code unknown;
  return program && std::filesystem::equivalent(*program, "/proc/self/exe", unknown);
}

Error Readiness::restart_in_place(Fd listening) const {
  auto anew = Anew::of_this_process();
  if (!anew) return anew.error();
  close_descriptors_at_exec();
  if (::fcntl(listening.get(), F_SETFD, 0) != 0) return os_error("keep the socket", errno);
  ::setenv(kListeningVariable, std::to_string(listening.get()).c_str(), 1);
  if (is_detached_) ::setenv(kDetachedVariable, "yes", 1);
  if (!notify_socket_.empty()) ::setenv(kNotifyVariable, notify_socket_.c_str(), 1);
  const std::vector<char*> pointers = pointers_to(anew->words);
  ::execv(anew->program.c_str(), pointers.data());
  return os_error("start " + callboard::quoted(anew->program) + " anew", errno);
}

// sd_notify(3), "Notes": a datagram to that socket, whose name is a path, or begins with '@' for an abstract one.
void Readiness::notify(const std::string& state) const {
  sockaddr_un address{};
  if (notify_socket_.empty() || notify_socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  notify_socket_.copy(address.sun_path, notify_socket_.size());
  const bool is_path = address.sun_path[0] == '/';
  if (!is_path) address.sun_path[0] = '\0';
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + notify_socket_.size() + (is_path ? 1 : 0));
  // Who does not listen any more misses nothing.
  static_cast<void>(::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), length));
}

}  // namespace callboard::cli
