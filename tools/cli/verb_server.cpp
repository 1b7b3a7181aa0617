#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <fstream>

#include "base/escaped_again.h"
#include "base/fd.h"
#include "base/text.h"
#include "server/plugin_desk.h"
#include "tools/cli/daemon.h"
#include "tools/cli/program.h"
#include "tools/cli/server_place.h"
#include "tools/cli/show_listening.h"
#include "tools/cli/verbs.h"

extern "C" {  // glibc 2.36's own header forgets this.
#include <sys/pidfd.h>
}

// Looks after a server from the machine and by the user it runs as. `status` and `abort` do it over the network.
namespace callboard::cli {
namespace {

struct Served {
  ServerPlace place;
  pid_t process = 0;
  RunningNote note;
};

Result<Served> served(const Run& run) {
  auto place = ServerPlace::of(run.settings);
  if (!place) return place.error();
  const auto holder = place->holder();
  if (!holder) return holder.error();
  if (!*holder) {
    return Error{Outcome::not_found,
                 fmt::format("no server of project {} runs on {} here", callboard::quoted(place->project),
                             callboard::quoted(place->data.native()))};
  }
  RunningNote note = RunningNote::read(*place).value_or(RunningNote{.address = "starting", .log = {}});
  return Served{*std::move(place), **holder, std::move(note)};
}

Result<void> show_status(Run& run) {
  const auto found = served(run);
  if (!found) return found.error();
  run.output.line(fmt::format("project   {}", escaped(found->place.project)));
  run.output.line(fmt::format("process   {}", found->process));
  run.output.line(fmt::format("address   {}", escaped(found->note.address)));
  run.output.line(fmt::format("data      {}", escaped(found->place.folder.native())));
  run.output.line(fmt::format(
      "log       {}", found->note.log.empty() ? "standard error" : escaped(found->note.log.native())));
  JsonObject object{{"event", "running"},
                    {"project", found->place.project},
                    {"process", static_cast<std::int64_t>(found->process)},
                    {"address", found->note.address}};
  object.add_bytes("data", found->place.folder.native());
  object.add_bytes("log", found->note.log.native());
  run.output.object(object);
  return {};
}

// Waits for a process to be gone. `its` keeps it apart from later ones of that number. Where there is none, the process may
// have ended and its number stay, where its starter has not waited for it yet, or be somebody else's: once it no longer holds
// the data's lock, it has only its plugins to end. Both must outlive it.
class Leaving {
 public:
  Leaving(const Fd& its, const Served& found) : its_(its), found_(found) {}

  bool is_gone_within(int ms) {
    constexpr int kPluginsMs = (server::kPluginEndLimit + 1s) / 1ms;
    pollfd gone{its_.get(), POLLIN, 0};  // Without `its` only the time passes.
    if (::poll(&gone, 1, ms) > 0) return true;
    if (its_) return false;
    if (::kill(found_.process, 0) != 0 && errno == ESRCH) return true;
    const auto holder = found_.place.holder();
    if (holder && *holder != found_.process) without_lock_ms_ += ms;
    return without_lock_ms_ > kPluginsMs;
  }

 private:
  const Fd& its_;
  const Served& found_;
  int without_lock_ms_ = 0;  // What was waited since it let go of the data's lock.
};

// `why`: 0, or one of Interrupt's: what becomes of it, and what it is to tell those who are in it.
int send_end(const Fd& its, pid_t process, int why) {
  sigval value{};
  value.sival_int = why;
  if (!its) return ::sigqueue(process, SIGTERM, value);
  siginfo_t told{};
  told.si_signo = SIGTERM;
  told.si_code = SI_QUEUE;
  told.si_pid = ::getpid();
  told.si_uid = ::getuid();
  told.si_value = value;
  return ::pidfd_send_signal(its.get(), SIGTERM, &told, 0);
}

// Until it is gone. It ends within 2 s and what the disk needs, and some seconds later while keys are changed
// (docs/operations.md). Linux before 5.3 has no pidfd_open, and boxes forbid it.
Result<void> end(const Run& run, const Served& found, int why = 0) {
  constexpr int kPatienceMs = 30'000;
  constexpr int kLookMs = 100;
  const Fd its(::pidfd_open(found.process, 0));
  const int sent = send_end(its, found.process, why);
  if (sent != 0 && errno == ESRCH) return {};
  if (sent != 0) return os_error(fmt::format("stop process {}", found.process), errno);
  Leaving leaving(its, found);
  for (int waited_ms = 0; waited_ms < kPatienceMs; waited_ms += kLookMs) {
    if (leaving.is_gone_within(kLookMs)) return {};
    if (run.interrupt.is_requested()) return Error{Outcome::cancelled, ""};
  }
  return Error{Outcome::timed_out, fmt::format("process {} was asked to stop, but still runs after {} s",
                                               found.process, kPatienceMs / 1000)};
}

Result<void> stop(Run& run) {
  const auto found = served(run);
  if (!found) return found.error();
  if (const auto ended = end(run, *found); !ended) return ended;
  run.output.line(
      fmt::format("stopped: process {} of {}", found->process, callboard::quoted(found->place.project)));
  run.output.object({{"event", "stopped"}, {"process", static_cast<std::int64_t>(found->process)}});
  return {};
}

// It says where it listens in our place: in JSON where that is asked of us, however it was asked of the one before.
void speak_as(const Output& output, std::vector<std::string>& words) {
  constexpr std::string_view kJson = "--json";
  std::erase(words, kJson);
  if (output.is_json()) words.emplace_back(kJson);
}

enum class Anewed { done, gone };

// The process becomes the program anew and keeps its socket, in which whoever connects meanwhile waits. How long it takes to
// read its board is up to that. Gone: it could not, and its log says why.
Result<Anewed> restart_in_place(Run& run, const Served& found) {
  constexpr int kStopMs = 30'000;
  // Without a note it reads its board, or had no room for one.
  constexpr int kStartMs = 300'000;
  constexpr int kLookMs = 20;
  const Fd its(::pidfd_open(found.process, 0));
  const int sent = send_end(its, found.process, Interrupt::kForRestartInPlace);
  if (sent != 0 && errno == ESRCH) return Anewed::gone;
  if (sent != 0) return os_error(fmt::format("restart process {}", found.process), errno);
  Leaving leaving(its, found);
  int waited_ms = 0;
  int unnoted_ms = 0;
  while (true) {
    const auto note = RunningNote::read(found.place);
    if (note && note->run != found.note.run) {
      show_listening(run.output, found.place.project, *note, found.process);
      return Anewed::done;
    }
    if (leaving.is_gone_within(kLookMs)) return Anewed::gone;
    if (run.interrupt.is_requested()) return Error{Outcome::cancelled, ""};
    (note ? waited_ms : unnoted_ms) += kLookMs;
    if (unnoted_ms > kStartMs) {
      return Error{
          Outcome::timed_out,
          fmt::format("process {} started anew, but has not said for {} s that it listens: see its log",
                      found.process, kStartMs / 1000)};
    }
    if (waited_ms > kStopMs) {
      return Error{Outcome::timed_out,
                   fmt::format("process {} was asked to start anew, but goes on after {} s", found.process,
                               kStopMs / 1000)};
    }
  }
}

// One that is older cannot, and another program would be what it was.
bool restarts_in_place(const Served& found) {
  return !found.note.run.empty() && would_be_this_program(found.process);
}

Result<void> restart(Run& run) {
  const auto found = served(run);
  if (!found) return found.error();
  auto start = Start::of(found->process);
  if (!start) {
    return Error{start.error().outcome,
                 start.error().text + "; one with keys lets nobody look into it: use `callboard restart`"};
  }
  // Another supervisor would start one, too.
  if (std::find(start->words.begin(), start->words.end(), "--detach") == start->words.end()) {
    return Error{
        Outcome::refused,
        fmt::format("process {} was not started with --detach: start it anew where it was started, as with "
                    "systemctl restart",
                    found->process)};
  }
  forget_restore(start->words);
  speak_as(run.output, start->words);
  if (const auto checked = check_start(*start, run.interrupt); !checked) {
    if (checked.error().outcome == Outcome::cancelled) return checked;
    if (!checked.error().text.empty()) run.output.error(checked.error().text);
    return Error{
        checked.error().outcome,
        fmt::format("nothing was done: it would not start again, and process {} goes on", found->process)};
  }
  if (restarts_in_place(*found)) {
    const auto anewed = restart_in_place(run, *found);
    if (!anewed) return anewed.error();
    if (*anewed == Anewed::done) return {};
  } else if (const auto ended = end(run, *found, Interrupt::kForRestart); !ended) {
    return ended;
  }
  return start_detached(*std::move(start), run.interrupt);
}

Result<std::deque<std::string>> last_lines(const std::filesystem::path& path, std::uint64_t count) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return os_error("read " + callboard::quoted(path.native()), errno);
  std::deque<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(std::move(line));
    if (lines.size() > count) lines.pop_front();
  }
  return lines;
}

Result<void> show_log(Run& run, std::uint64_t count) {
  const auto place = ServerPlace::of(run.settings);
  if (!place) return place.error();
  const auto note = RunningNote::read(*place);
  if (note && note->log.empty()) {
    return Error{Outcome::not_found,
                 "this server logs to its standard error: look there, as with journalctl"};
  }
  const std::filesystem::path path = note ? note->log : place->default_log();
  auto lines = last_lines(path, count);
  if (!lines) return lines.error();
  // Soon after it was put aside there are few lines in it.
  if (lines->size() < count) {
    if (auto before = last_lines(log_before(path), count - lines->size()))
      lines->insert(lines->begin(), before->begin(), before->end());
  }
  for (const std::string& line : *lines) {
    run.output.line(escaped_again(line));  // Its texts are escaped already.
    run.output.object({{"event", "log"}, {"line", line}});
  }
  return {};
}

}  // namespace

void add_server(Program& program) {
  Verb& server = program.add_verb({.name = "server",
                                   .summary = "look after a project's server on this machine",
                                   .example = "callboard server status --project \"Moria's Race\""});
  server
      .add_verb({.name = "status",
                 .summary = "whether it runs: process, address, data, log",
                 .example = "callboard server status"})
      .takes({Key::project, Key::data})
      .runs(show_status);
  server
      .add_verb({.name = "stop",
                 .summary = "stop it in order, and wait until it is gone",
                 .example = "callboard server stop"})
      .takes({Key::project, Key::data})
      .runs(stop);
  server
      .add_verb({.name = "restart",
                 .summary = "start a detached one anew as it was started, with this program's version",
                 .example = "callboard server restart"})
      .takes({Key::project, Key::data})
      .runs(restart);
  auto count = std::make_shared<std::uint64_t>(50);
  server
      .add_verb({.name = "logs",
                 .summary = "the last lines of its log file",
                 .example = "callboard server logs --lines 200"})
      .takes({Key::project, Key::data})
      .number(*count, "--lines N", "how many (default: 50)")
      .runs([count](Run& run) { return show_log(run, *count); });
}

}  // namespace callboard::cli
