#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/core_dumps.h"
#include "base/text.h"
#include "net/loop.h"
#include "server/held_data.h"
#include "server/server.h"
#include "server/start_check.h"
#include "server/unusable_file.h"
#include "tools/cli/daemon.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/program.h"
#include "tools/cli/relay_rate.h"
#include "tools/cli/restart_check.h"
#include "tools/cli/schema_file.h"
#include "tools/cli/server_place.h"
#include "tools/cli/services_file.h"
#include "tools/cli/show_listening.h"
#include "tools/cli/verbs.h"

namespace callboard::cli {
namespace {

namespace fs = std::filesystem;

// What --log-file grows to before it is put aside, and how many are kept beside the one that is written.
constexpr std::size_t kLogBytes = 16 * MiB;
constexpr std::size_t kLogsKept = 8;

struct ServeWords {
  std::string restore;
  std::vector<std::string> tasks;
  std::vector<std::string> plugins;
  std::string schema;
  std::string services;
  std::string locks = "warn";
  bool detach = false;
  bool check = false;
  std::uint64_t history_days = 365;
  std::uint64_t history_mib = 1024;
  std::uint64_t history_revisions = 1000;
  std::uint64_t connections = kConnectionsMax;
  std::uint64_t connections_each = kConnectionsPerAddress;
  std::uint64_t writes = kWritesPerSecond;
  std::uint64_t messages = kMessagesPerSecond;
  std::uint64_t asks = kAsksPerSecond;
  std::uint64_t memory_mib = 0;
};

// Of one address, no less may wait to be let in than may be in.
void limit(server::ServerOptions& options, const ServeWords& words) {
  server::Doorway::Limits& door = options.door;
  door.connections = words.connections;
  door.per_address = words.connections_each;
  door.unadmitted_per_address = std::min(door.unadmitted_per_address, door.per_address);
  door.memory_bytes = std::min<std::uint64_t>(words.memory_mib, 1 << 30) * MiB;
  options.pace = {words.writes, words.messages, words.asks};
}

Result<server::LockPolicy> lock_policy(const std::string& text) {
  if (text == "warn") return server::LockPolicy::warn;
  if (text == "refuse") return server::LockPolicy::refuse;
  return Error{Outcome::usage, "--locks " + callboard::quoted(text) + ": expected warn or refuse"};
}

server::Retention retention(const ServeWords& words) {
  // A thousand years are for ever; more would overflow.
  const std::uint64_t days = std::min<std::uint64_t>(words.history_days, 100'000);
  return {std::chrono::hours(24 * static_cast<std::int64_t>(days)),
          std::min<std::uint64_t>(words.history_mib, 1 << 30) * MiB, words.history_revisions};
}

bool is_special(const fs::path& path) {
  std::error_code missing;
  const fs::file_status status = fs::status(path, missing);
  return fs::exists(status) && !fs::is_regular_file(status);
}

// "warn", as everywhere else; spdlog calls it "warning".
class LevelName final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& into) override {
    const auto name = spdlog::level::to_string_view(message.level);
    const std::string_view shown =
        message.level == spdlog::level::warn ? "warn" : std::string_view(name.data(), name.size());
    into.append(shown.data(), shown.data() + shown.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<LevelName>(); }
};

// `callboard log` shows the same lines: in UTC, since its readers sit on other machines.
std::unique_ptr<spdlog::formatter> log_format() {
  auto format = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  format->add_flag<LevelName>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%eZ [%*] %v");
  return format;
}

Result<std::shared_ptr<spdlog::logger>> make_logger(const Settings& settings, const fs::path& path) {
  const std::string level = settings.text(Key::log_level);
  std::shared_ptr<spdlog::sinks::sink> sink;
  try {
    if (path.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    } else if (is_special(path)) {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.native());
    } else {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path.native(), kLogBytes, kLogsKept);
    }
  } catch (const spdlog::spdlog_ex& problem) {
    return server::unusable_file("--log-file " + callboard::quoted(path.native()) + ": " + problem.what());
  }
  auto logger = std::make_shared<spdlog::logger>("callboard", std::move(sink));
  logger->set_level(spdlog::level::from_str(level));
  logger->set_formatter(log_format());
  logger->flush_on(spdlog::level::info);
  return logger;
}

// Checked when the settings were loaded.
net::RelayLimits relay_limits(const Settings& settings) {
  return relay_limits_from(settings.text(Key::relay_rate)).value_or(net::RelayLimits{});
}

Result<server::ServerOptions> server_options(const Settings& settings, const ServerPlace& place,
                                             const fs::path& log) {
  auto logger = make_logger(settings, log);
  if (!logger) return logger.error();
  server::ServerOptions options;
  options.project = place.project;
  options.data = place.data;
  options.listen = settings.text(Key::listen);
  options.port = settings.port(Key::port);
  if (const auto ports = server::PortChoice::from(settings.text(Key::data_ports)))
    options.data_ports = *ports;
  options.discovery_port = settings.port(Key::discovery_port);
  options.announce = settings.list(Key::announce);
  options.broadcast_log = settings.flag(Key::broadcast_log);
  options.relay_limits = relay_limits(settings);
  options.grace = settings.seconds(Key::grace);
  options.software = "callboard " CALLBOARD_VERSION;
  options.logger = std::move(*logger);
  return options;
}

// What the config says where an option or a variable comes before it.
Result<Settings> without_run_value(Settings::Sources sources, Key key) {
  sources.command_line.erase(key);
  sources.environment = [name = environment_name(key),
                         environment = sources.environment](const std::string& asked) {
    return asked == name ? std::nullopt : environment(asked);
  };
  return Settings::load(sources);
}

void warn_of_hidden_rate(const Run& run, const Settings& settings, spdlog::logger& logger) {
  if (!settings.is_given_for_run(Key::relay_rate)) return;
  const auto config = without_run_value(run.sources, Key::relay_rate);
  if (!config || !config->is_given(Key::relay_rate)) return;
  const std::string given = settings.text(Key::relay_rate);
  const std::string hidden = config->text(Key::relay_rate);
  if (hidden == given) return;
  logger.warn("relay_rate stays: given as {} rate={} config={}",
              settings.is_on_command_line(Key::relay_rate) ? "an option" : "a variable", given, hidden);
}

// What a running server takes over of changed settings: how fast it relays. With settings that make no sense all stays.
void read_again(Run& run, server::Server& server, spdlog::logger& logger) {
  const auto settings = Settings::load(run.sources);
  if (!settings) {
    logger.warn("settings not read again, the old ones go on cause=\"{}\"", settings.error().text);
    run.output.object({{"event", "kept"}, {"reason", settings.error().text}});
    return;
  }
  for (const std::string& warning : settings->warnings()) run.output.warning(warning);
  warn_of_hidden_rate(run, *settings, logger);
  const net::RelayLimits limits = relay_limits(*settings);
  server.set_relay_limits(limits);
  run.output.object(
      {{"event", "reloaded"}, {"relay_rate", limits.total}, {"relay_rate_each", limits.per_pair}});
}

// Empty: standard error, which a detached server has no more once it runs.
Result<fs::path> log_path(const Settings& settings, const ServerPlace& place, bool is_detached) {
  const std::string given = settings.text(Key::log_file);
  if (!given.empty()) {
    std::error_code unknown;
    const fs::path whole = fs::absolute(given, unknown);
    return unknown ? fs::path(given) : whole;
  }
  if (!is_detached) return fs::path();
  if (auto made = server::make_project_folder(place.data, place.project); !made) return made.error();
  return place.default_log();
}

Result<void> detach(Run& run) {
  auto start = Start::of(::getpid());
  if (!start) return start.error();
  return start_detached(*std::move(start), run.interrupt);
}

Result<void> tell_end(Run& run, const std::optional<server::ServerStop>& stopped) {
  const std::string reason = stopped ? stopped->reason : "nothing was left to do";
  run.output.message(reason);
  run.output.object({{"event", "stopped"}, {"reason", reason}});
  const bool is_orderly =
      stopped && (stopped->outcome == Outcome::done || stopped->outcome == Outcome::cancelled);
  if (!is_orderly) return Error{stopped ? stopped->outcome : Outcome::failed, reason};
  // SIGTERM is how a service is ended as a matter of course; Ctrl-C is a user who breaks off.
  if (run.interrupt.signal_number() == SIGINT) return Error{Outcome::cancelled, ""};
  return {};
}

// A plugin is in the middle of something: nothing may be taken apart beneath it. All that is to be kept is on disk.
[[noreturn]] void end_at_once(Run& run, const Result<void>& ended) {
  if (!ended && !ended.error().text.empty()) run.output.error(ended.error().text);
  std::fflush(nullptr);
  std::_Exit(ended ? exit_code(Outcome::done) : exit_code(ended.error().outcome));
}

// What only the command line says.
Result<void> add_words(server::ServerOptions& options, const ServeWords& words, server::LockPolicy locks) {
  auto schema = read_schema(words.schema);
  if (!schema) return server::unusable_file(schema.error().text);
  auto services = read_services(words.services);
  if (!services) return server::unusable_file(services.error().text);
  options.services = std::move(*services);
  options.locks = locks;
  options.schema = std::move(*schema);
  options.retention = retention(words);
  limit(options, words);
  options.restore = words.restore;
  options.tasks = words.tasks;
  options.plugins = words.plugins;
  return {};
}

// Before anything is read: the keys are among it.
Result<void> check(Run& run, const ServeWords& words, server::LockPolicy locks) {
  forbid_core_dumps();
  const auto place = ServerPlace::of(run.settings);
  if (!place) return place.error();
  if (!run.settings.text(Key::log_file).empty()) {
    const auto log = log_path(run.settings, *place, false);
    if (!log) return log.error();
    if (auto checked = check_log(*log); !checked)
      return server::unusable_file(checked.error().prefixed("--log-file").text);
  }
  // Without the log, which a running server writes.
  auto options = server_options(run.settings, *place, {});
  if (!options) return options.error();
  if (auto added = add_words(*options, words, locks); !added) return added;
  if (auto checked = server::check_start(*options); !checked) return checked;
  run.output.line("what the server would load makes sense");
  run.output.object({{"event", "checked"}, {"project", place->project}});
  return {};
}

// Whoever started it may not be there to see how it ended.
Result<void> log_failure(spdlog::logger& logger, const fs::path& log, Result<void> ended) {
  if (!ended && !log.empty() && !ended.error().text.empty())
    logger.error("the server did not go on cause={}", log_value(ended.error().text));
  return ended;
}

Result<void> serve_on(Run& run, const ServerPlace& place, const fs::path& log, Readiness& readiness,
                      server::ServerOptions options) {
  options.listening = readiness.listening();
  options.on_keyed = [] { forbid_core_dumps(); };
  const auto logger = options.logger;
  net::Loop loop;
  RestartCheck restart_check(loop);
  options.check_restart = [&](RestartCheck::Then then) { restart_check.begin(std::move(then)); };
  std::optional<server::ServerStop> stopped;
  Result<std::unique_ptr<server::Server>> server = std::unique_ptr<server::Server>();
  // One that comes while the board is still being read waits for the loop.
  const Interrupt::Listener reading = run.interrupt.on_hangup([&] {
    loop.post([&] {
      if (server && !stopped) read_again(run, **server, *logger);
    });
  });
  server = server::Server::start(loop, std::move(options), [&](const server::ServerStop& stop) {
    stopped = stop;
    loop.stop();
  });
  if (!server) return log_failure(*logger, log, server.error());
  const RunningNote note{.address = net::to_text((*server)->listening()),
                         .log = log,
                         .run = to_text((*server)->id()),
                         .data_port = (*server)->data_port()};
  // Whoever reads that it listens may look for it.
  note.write(place);
  show_listening(run.output, place.project, note,
                 readiness.is_detached() ? std::optional(::getpid()) : std::nullopt);
  readiness.ready("listening on " + note.address);
  {
    const Interrupt::Listener listening = run.interrupt.listen([&] {
      loop.post([&] {
        if (run.interrupt.is_for_restart_in_place()) return (*server)->restart("the server is restarted");
        (*server)->stop(run.interrupt.is_for_restart() ? "the server is restarted"
                                                       : "the server was stopped");
      });
    });
    loop.run();
  }
  readiness.stopping();
  RunningNote::remove(place);
  if (stopped && stopped->listening && *stopped->listening) {
    server->reset();
    run.output.object({{"event", "restarting"}, {"reason", stopped->reason}});
    const auto failed = log_failure(*logger, log, readiness.restart_in_place(std::move(*stopped->listening)));
    if (stopped->is_plugin_left) end_at_once(run, failed);
    return failed;
  }
  const auto ended = tell_end(run, stopped);
  if (stopped && stopped->is_plugin_left) end_at_once(run, ended);
  return ended;
}

// The log of a detached server that never served, and the folders that were made for it: its starter has said why.
class Traces {
 public:
  explicit Traces(const ServerPlace& place) : place_(place) {
    std::error_code unknown;
    is_new_ = !fs::exists(place.default_log(), unknown);
    for (fs::path folder = place.folder; folder.has_relative_path() && !fs::exists(folder, unknown);
         folder = folder.parent_path())
      folders_.push_back(folder);
  }
  void remove() const {
    // Another one, which was started at the same moment, may write it.
    if (!is_new_ || !server::check_free(place_.data, place_.project)) return;
    std::error_code kept;
    fs::remove(place_.default_log(), kept);
    // Only what is empty.
    for (const fs::path& folder : folders_) fs::remove(folder, kept);
  }

 private:
  const ServerPlace& place_;
  bool is_new_ = false;
  std::vector<fs::path> folders_;  // The innermost first.
};

Result<void> serve(Run& run, const ServeWords& words) {
  Readiness readiness;
  const auto locks = lock_policy(words.locks);
  if (!locks) return locks.error();
  if (words.check) return check(run, words, *locks);
  if (words.detach && !readiness.is_detached()) return detach(run);
  const auto place = ServerPlace::of(run.settings);
  if (!place) return place.error();
  // Whoever has them writes the log, too.
  if (auto free = server::check_free(place->data, place->project); !free) return free;
  const Traces traces(*place);
  const auto log = log_path(run.settings, *place, readiness.is_detached());
  if (!log) return log.error();
  auto options = server_options(run.settings, *place, *log);
  if (!options) return options.error();
  const auto logger = options->logger;
  auto added = add_words(*options, words, *locks);
  auto ended =
      added ? serve_on(run, *place, *log, readiness, std::move(*options)) : log_failure(*logger, *log, added);
  if (readiness.has_starter()) traces.remove();
  return ended;
}

}  // namespace

void add_serve(Program& program) {
  auto words = std::make_shared<ServeWords>();
  program
      .add_verb({.name = "serve",
                 .summary = "run the server of a project, until Ctrl-C, SIGTERM or an abort",
                 .example = "callboard serve --project \"Moria's Race\""})
      .takes({Key::project, Key::data, Key::listen, Key::port, Key::data_ports, Key::announce,
              Key::discovery_port, Key::broadcast_log, Key::log_file, Key::log_level, Key::relay_rate,
              Key::grace})
      .text(words->restore, "--restore FILE",
            "begin with the board of a backup; refused when there is one already")
      .texts(words->tasks, "--task FILE",
             "a program that carries out calls of its own, see docs/calls.md; may be given several times")
      .texts(words->plugins, "--plugin FILE",
             "a library that carries out calls and takes channels within the server, see docs/calls.md; may "
             "be given "
             "several times")
      .text(words->schema, "--schema FILE",
            "JSON, or TOML in a FILE.toml: the classes of records that the board may have, beside the "
            "built-in ones")
      .text(words->services, "--services FILE",
            "JSON, or TOML in a FILE.toml: calls that the server makes on a schedule, see docs/calls.md")
      .text(
          words->locks, "--locks WHAT",
          "what becomes of a write to what somebody else has locked: warn (default) or refuse (exit code 6)")
      .flag(words->detach, "--detach",
            "return once it listens, and let it run on without the terminal; see callboard server")
      .flag(words->check, "--check",
            "start nothing, but say whether all that it would load makes sense: settings, log file, schema, "
            "services, tasks, plugins, keys, roles")
      .number(words->history_days, "--history-days N",
              "forget documents' revisions older than this (default: 365)")
      .number(words->history_mib, "--history-mib N",
              "… and the oldest when there are more MiB of them (default: 1024)")
      .number(words->history_revisions, "--history-revisions N",
              "but never the newest N of each (default: 1000)")
      .number(words->connections, "--connections N", "let no more in than this (default: 65536)")
      .number(words->connections_each, "--connections-per-address N",
              "… and from one address (default: 2048)")
      .number(words->writes, "--writes-per-second N",
              "hold a session back that changes more than this (default: 20000; 0: never)")
      .number(words->messages, "--messages-per-second N",
              "… or that says more than this (default: 1000; 0: never)")
      .number(words->asks, "--asks-per-second N",
              "… or that asks and calls for more than this (default: 20000; 0: never)")
      .number(words->memory_mib, "--memory-mib N",
              "let nobody more in while it takes more than this (default: 3/4 of what there is)")
      .runs([words](Run& run) { return serve(run, *words); });
}

}  // namespace callboard::cli
