#include "server/server.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "net/port_holder.h"
#include "net/tcp_listener.h"
#include "net/timer.h"
#include "server/announcer.h"
#include "server/backup.h"
#include "server/board/recovery.h"
#include "server/board_records.h"
#include "server/descriptors.h"
#include "server/event_log.h"
#include "server/keys.h"
#include "server/memory.h"
#include "server/memory_watch.h"
#include "server/people_calls.h"
#include "server/plugin_desk.h"
#include "server/services/backup_service.h"
#include "server/services/service_desk.h"
#include "server/services/verify_service.h"
#include "server/stage.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/disk_room.h"
#include "server/store/key_file.h"
#include "server/store/session_file.h"
#include "server/store/sqlite_log.h"
#include "server/tasks/task_desk.h"
#include "server/tasks/task_limits.h"
#include "server/unusable_file.h"

namespace callboard::server {

namespace {

// Connections kept while the tasks start; those beyond come again.
constexpr std::size_t kEarlyMax = 1024;

}  // namespace

struct Server::Impl {
  Impl(net::Loop& on, ServerOptions given, std::function<void(const ServerStop&)> stopped)
      : loop(on),
        options(std::move(given)),
        on_stopped(std::move(stopped)),
        events(options.logger),
        stop_timer(on, [this] { stop(*stopping_soon); }) {
    if (!options.on_event) return;
    heard = events.subscribe([this](const std::shared_ptr<const Event>& event) { options.on_event(*event); });
  }
  ~Impl() {
    *is_alive = false;
    release_loop();
  }

  net::Loop& loop;
  ServerOptions options;
  std::function<void(const ServerStop&)> on_stopped;
  EventLog events;
  EventLog::Subscription broadcast;  // To the terminals, where that is wanted.
  EventLog::Subscription heard;      // By the program that this server is a part of.
  UniqueId id = make_unique_id(system_random());
  bool is_stopping = false;
  bool is_holding_loop = false;
  std::shared_ptr<bool> is_alive = std::make_shared<bool>(true);  // For what the loop still has to do for us.
  std::unique_ptr<Stage> stage;
  std::unique_ptr<MemoryWatch> memory;
  std::unique_ptr<BoardRecords> records;  // The server's own.
  std::unique_ptr<ServiceDesk> services;
  std::unique_ptr<TaskDesk> tasks;                         // Null: none.
  std::unique_ptr<PluginDesk> plugins;                     // Null: none.
  bool is_open = false;                                    // What can be called is there.
  std::vector<std::unique_ptr<net::TcpConnection>> early;  // Came before that.
  std::unique_ptr<net::TcpListener> listener;
  std::unique_ptr<net::TcpListener> data_listener;  // Null: data connections come to the other.
  std::optional<Instant> trouble_logged;
  std::unique_ptr<Announcer> announcer;
  std::optional<ServerStop> stopping_soon;  // Once stop_timer is due.
  net::Timer stop_timer;

  Result<void> start();
  Result<void> open_board();
  Error unusable_board(const Error& why) const;
  Roles read_own_roles();
  void open_sessions(Stage::Options& stage_options);
  Result<void> start_calls(const std::vector<std::string>& programs);
  void start_services();
  Result<void> load_plugins();
  Result<void> start_own_services();
  void start_tasks(const std::vector<std::string>& programs);
  Result<void> listen();
  Result<void> listen_for_data();
  net::TcpListener::Handlers at_the_door();
  Result<std::unique_ptr<net::TcpListener>> listen_at(std::uint16_t port);
  std::uint16_t data_port() const { return data_listener ? data_listener->local().port : std::uint16_t{0}; }
  void on_trouble(const Error& why);
  void add_calls();
  void announce();
  void hand_on_listener(const ServerStop& how);
  void stop(ServerStop how);
  void stop_stage(const ServerStop& how);
  void stop_plugins(const ServerStop& how);
  void finish(const ServerStop& how);
  void release_loop() {
    if (std::exchange(is_holding_loop, false)) loop.release();
  }
};

// The port first: a server that cannot have it makes no board. Who connects meanwhile waits for the loop.
Result<void> Server::Impl::start() {
  const auto programs = TaskDesk::programs(options.tasks);
  if (!programs) return programs.error();
  if (auto free = DataFolder::check(options.data, options.project); !free) return free;
  if (auto listening = listen(); !listening) return listening;
  if (auto listening = listen_for_data(); !listening) return listening;
  if (!options.restore.empty()) {
    if (auto restored = restore(options.restore, options.data, options.project); !restored) return restored;
  }
  auto opened = open_board();
  if (!opened && !options.restore.empty()) {
    if (auto gone = take_back(options.data, options.project); !gone)
      events.warn("what was restored is not taken back", {{"cause", gone.error().text}});
  }
  if (!opened) return opened;
  if (auto started = start_calls(*programs); !started) return started;
  // By a signal, say.
  if (is_stopping) return {};
  memory = std::make_unique<MemoryWatch>(
      loop, events,
      MemoryWatch::Outside{.shut = [this](const Error* why) { stage->shut(why); },
                           .end_largest = [this] { stage->end_largest(); }});
  is_open = true;
  for (auto& connection : std::exchange(early, {})) stage->accept(std::move(connection));
  Event::Fields listening{{"address", net::to_text(listener->local())},
                          {"id", to_text(id)},
                          {"descriptors", raise_descriptor_limit()}};
  if (data_listener) listening.push_back({"data_port", data_port()});
  events.info("listening", std::move(listening));
  announce();
  return {};
}

// What a disk without room is taken for looks like damage to SQLite.
Error Server::Impl::unusable_board(const Error& why) const {
  if (why.outcome != Outcome::failed) return why;
  const auto file = options.data / folder_name(options.project) / kBoardFile;
  if (const auto lack = lack_of_room(file.parent_path(), kDiskRoomMin)) {
    return {why.outcome, why.text + ": " + lack->text + "; make room there and start again"};
  }
  const std::string name = callboard::quoted(file.native());
  const std::string what =
      why.text.find(name) == std::string::npos ? "database " + name + ": " + why.text : why.text;
  return {why.outcome,
          what + "; if it is damaged, move it away, and `serve --restore FILE` begins with a backup"};
}

Result<void> Server::Impl::open_board() {
  auto log =
      SqliteLog::open({options.data, options.project,
                       [&on = loop](std::function<void()> answer) { on.post(std::move(answer)); },
                       [&on = loop](std::function<void()> task) { on.at_end_of_turn(std::move(task)); }});
  if (!log) return unusable_board(log.error());
  auto recovered = recover(**log);
  if (!recovered) return unusable_board(recovered.error());
  events.info("board read", {{"project", options.project},
                             {"data", options.data.native()},
                             {"revision", recovered->board.sequence()},
                             {"from_snapshot", recovered->snapshot_sequence},
                             {"replayed", recovered->operations_replayed}});
  Stage::Options stage_options;
  stage_options.identity = {options.project, id, options.software, system_clock().wall(), data_port()};
  stage_options.limits = {options.heartbeat, options.silence};
  stage_options.handshake_limit = options.handshake_limit;
  stage_options.door = options.door;
  if (options.door.memory_bytes == 0)
    stage_options.door.memory_bytes = allowed_memory_bytes() / 100 * kMemoryMaxPercent;
  stage_options.pace = options.pace;
  stage_options.retention = options.retention;
  stage_options.disk_probe_period = options.disk_probe_period;
  stage_options.grace = options.grace;
  stage_options.schema = options.schema;
  stage_options.zones = options.zones;
  stage_options.locks = options.locks;
  stage_options.data = options.data;
  stage_options.on_keyed = options.on_keyed;
  stage_options.programs = [this] {
    return Programs{tasks ? tasks->health() : std::vector<ProgramHealth>(),
                    plugins ? plugins->health() : std::vector<ProgramHealth>()};
  };
  open_sessions(stage_options);
  const KeyFile keys(options.data, options.project);
  auto ring = keys.read();
  // Not open because of a key file that makes no sense.
  if (!ring) return unusable_file(ring.error().text);
  stage_options.keys =
      Gate::Source{keys, std::move(*ring), RolesFile(options.data, options.project), read_own_roles()};
  stage = std::make_unique<Stage>(loop, std::move(stage_options), system_clock(), system_random(), events,
                                  std::move(*log), std::move(*recovered));
  stage->transfers().set_limits(options.relay_limits);
  add_calls();
  return {};
}

// Without them nobody may more: whose role is not known may nothing.
Roles Server::Impl::read_own_roles() {
  auto roles = read_roles(options.data, options.project);
  if (roles) return std::move(*roles);
  events.error("roles not read, there are the built-in ones alone", {{"cause", roles.error().text}});
  return Roles();
}

// What can be called beside what Stage has.
Result<void> Server::Impl::start_calls(const std::vector<std::string>& programs) {
  records = std::make_unique<BoardRecords>(stage->records(), system_clock(), system_random());
  remember_answers(stage->records(), stage->calls());
  start_services();
  if (auto loaded = load_plugins(); !loaded) return loaded;
  start_tasks(programs);
  return start_own_services();
}

Result<void> Server::Impl::load_plugins() {
  if (!options.plugins.empty())
    plugins = std::make_unique<PluginDesk>(loop, stage->calls().registry(),
                                           stage->transfers().server_channels(), events);
  for (const std::string& file : options.plugins) {
    if (auto loaded = plugins->load(file); !loaded) return loaded;
    events.info("plugin loaded", {{"file", file}});
  }
  return {};
}

void Server::Impl::start_services() {
  CallDesk& calls = stage->calls();
  services = std::make_unique<ServiceDesk>(
      loop, ServiceDesk::Outside{calls, *records, events, system_clock(), system_random(),
                                 [this](const Caller& by, bool is_enabled, const std::string& name) {
                                   stage->people().note({by.identity, by.host()},
                                                        is_enabled ? "service_on" : "service_off", name, "");
                                 }});
  services->add_calls();
  add_backup_call(calls.registry(), options.data, options.project);
  add_verify_call(calls.registry(), options.data, options.project,
                  [this, is_there = is_alive](const Error& why) {
                    loop.post([this, is_there, why] {
                      if (*is_there && stage != nullptr) stage->on_broken(why);
                    });
                  });
  const auto add = [this](const char* name, const char* call, Duration period) {
    if (period <= 0s) return;
    Service service;
    service.name = name;
    service.call = call;
    service.period = period;
    // Several projects' servers on one machine, started together, would all copy at once.
    service.jitter = period / 20;
    const auto added = services->add(std::move(service));
    ENSURE(added);
  };
  add("backup", "backup", options.backup_period);
  add("ping", "ping.users", options.ping_period);
  add("retention", "retention", options.retention_period);
  add("verify", "verify", options.verify_period);
}

// Whoever is told that the server listens can call what its tasks do; one that takes too long, or fails, is not waited for.
void Server::Impl::start_tasks(const std::vector<std::string>& programs) {
  if (programs.empty()) return;
  tasks = std::make_unique<TaskDesk>(loop, stage->calls().registry(), events, *records);
  for (const std::string& program : programs) tasks->start(program, options.project);
  static_cast<void>(loop.run_until([this] { return !tasks || tasks->are_settled(); }, kTaskReadyLimit));
}

// A call that is not there yet may come, with its task, before the service is due.
Result<void> Server::Impl::start_own_services() {
  // By a signal, while the tasks were waited for: the calls are no longer there.
  if (is_stopping) return {};
  for (Service& each : options.services) {
    const std::string name = each.name;
    if (!stage->calls().registry().find(each.call))
      events.warn("nothing carries out what a service calls", {{"service", name}, {"call", each.call}});
    if (auto added = services->add(std::move(each)); !added) return added.error().prefixed("service");
  }
  return {};
}

// What cannot be read is no reason not to start: everybody joins anew then.
void Server::Impl::open_sessions(Stage::Options& stage_options) {
  const SessionFile file(options.data, options.project);
  if (options.grace <= 0s) {
    if (auto removed = file.remove(); !removed)
      events.warn("sessions not removed", {{"cause", removed.error().text}});
    return;
  }
  auto kept = file.read();
  if (!kept) {
    events.warn("sessions not read, all join anew", {{"cause", kept.error().text}});
  } else {
    stage_options.kept = std::move(*kept);
  }
  stage_options.keep = [file](ByteView bytes) { return file.write(bytes); };
}

net::TcpListener::Handlers Server::Impl::at_the_door() {
  return {.on_connection =
              [this](std::unique_ptr<net::TcpConnection> connection) {
                if (is_open) return stage->accept(std::move(connection));
                // Nobody offers under a task's name what the task is about to tell.
                if (early.size() < kEarlyMax) early.push_back(std::move(connection));
              },
          .on_trouble = [this](const Error& why) { on_trouble(why); }};
}

Result<std::unique_ptr<net::TcpListener>> Server::Impl::listen_at(std::uint16_t port) {
  return net::TcpListener::listen(loop, {options.listen, port}, at_the_door());
}

Result<void> Server::Impl::listen() {
  auto opened = options.listening
                    ? net::TcpListener::adopt(loop, std::move(*options.listening), at_the_door())
                    : listen_at(options.port);
  if (!opened) {
    Error why = opened.error();
    if (why.outcome != Outcome::locked) return why;
    if (const auto holder = net::process_listening_on(options.port))
      why.text += fmt::format(", by process {}", *holder);
    why.text += "; --port chooses another";
    return why;
  }
  listener = std::move(*opened);
  return {};
}

// A door like the other: who shows a ticket at either is let through.
Result<void> Server::Impl::listen_for_data() {
  if (options.data_ports.is_empty()) return {};
  std::optional<Error> last;
  for (auto port = options.data_ports.first(); port; port = options.data_ports.after(*port)) {
    auto opened = listen_at(*port);
    if (opened) {
      data_listener = std::move(*opened);
      return {};
    }
    last = opened.error();
    if (last->outcome != Outcome::locked && last->outcome != Outcome::refused) return *last;
  }
  last->text += fmt::format("; none of --data-ports {} is free", options.data_ports.text());
  return *last;
}

// Somebody at the edge of what the process can open could fill the log otherwise.
void Server::Impl::on_trouble(const Error& why) {
  const Instant now = loop.now();
  if (trouble_logged && now - *trouble_logged < kTurnedAwayLogPeriod) return;
  trouble_logged = now;
  events.warn("accepting failed", {{"cause", why.text}});
}

// What somebody may do to the server by a call. Who asked is answered before.
void Server::Impl::add_calls() {
  const auto begin = [this](ServerStop how) {
    if (is_stopping || stopping_soon) return;
    // Who connects from now on is not let in to be sent away again.
    hand_on_listener(how);
    stopping_soon = std::move(how);
    stop_timer.set_after(kAnswerLimit);
  };
  add_control_calls(
      stage->calls().registry(), stage->people(),
      {.stop =
           [begin](const std::string& reason) {
             begin({Outcome::cancelled, reason});
           },
       .check_restart =
           [this](const std::function<void(const Result<void>&)>& then) {
             if (!options.check_restart)
               return then(
                   Error{Outcome::refused, "this server cannot start itself anew: whoever runs it can"});
             // Also by a restart: nothing is looked at beside the one that begins.
             const auto is_ending = [this, then] {
               if (!stopping_soon) return false;
               then(Error{Outcome::interrupted, "the server stops: " + stopping_soon->reason});
               return true;
             };
             if (is_ending()) return;
             options.check_restart([this, then, is_ending, alive = is_alive](const Result<void>& checked) {
               // Whoever asked is told why it stopped meanwhile.
               if (!*alive || is_stopping || is_ending()) return;
               if (!checked) {
                 events.error("not started anew, all goes on", {{"cause", checked.error().text}});
                 return then(checked.error().prefixed("nothing was done, the server goes on"));
               }
               then({});
             });
           },
       .restart =
           [begin](const std::string& reason) {
             begin({Outcome::cancelled, reason, std::make_shared<Fd>()});
           }});
}

void Server::Impl::announce() {
  Announcer::Options announcing;
  announcing.project = options.project;
  announcing.server = id;
  announcing.session_port = listener->local().port;
  announcing.discovery_port = options.discovery_port;
  announcing.policy = {options.listen, options.announce};
  announcing.gate = &stage->people().gate();  // The stage outlives it.
  announcing.audit = &stage->people().audit();
  announcer =
      std::make_unique<Announcer>(loop, std::move(announcing), events, [this](const std::string& from) {
        stop({Outcome::cancelled, "stopped by an abort from " + from});
      });
  if (!options.broadcast_log) return;
  broadcast = events.subscribe([this](const std::shared_ptr<const Event>& event) {
    if (!announcer || event->told.empty()) return;
    announcer->send_terminal_line(to_local_time_of_day(event->time), event->user, event->told);
  });
}

void Server::Impl::hand_on_listener(const ServerStop& how) {
  if (!how.listening || !listener) return;
  *how.listening = listener->release();
  listener.reset();
}

void Server::Impl::stop(ServerStop how) {
  if (std::exchange(is_stopping, true)) return;
  // Neither sessions nor sockets keep the loop running while the last snapshot is written.
  loop.hold();
  is_holding_loop = true;
  events.note({.text = "stopping", .fields = {{"reason", how.reason}}, .told = "stopping: " + how.reason});
  announcer.reset();
  early.clear();
  hand_on_listener(how);
  listener.reset();
  if (services) services->stop();
  if (!tasks) return stop_stage(how);
  // Nobody is given more to do, and what is under way is answered.
  stage->calls().stop(how.reason);
  tasks->stop([this, how, alive = is_alive] {
    if (!*alive) return;
    tasks.reset();
    stop_stage(how);
  });
}

void Server::Impl::stop_stage(const ServerStop& how) {
  data_listener.reset();
  stage->stop(how.outcome, how.reason, [this, how] {
    // The stage is in the middle of a call; it and its database go in the next task.
    loop.post([this, how, alive = is_alive] {
      if (!*alive) return;
      services.reset();
      records.reset();
      memory.reset();
      stage.reset();
      stop_plugins(how);
    });
  });
}

// The board is safe, and nobody calls them any more.
void Server::Impl::stop_plugins(const ServerStop& how) {
  if (!plugins) return finish(how);
  plugins->stop([this, how](bool is_any_left) {
    // It is in the middle of a call.
    loop.post([this, how, is_any_left, alive = is_alive] {
      if (!*alive) return;
      plugins.reset();
      ServerStop with_plugins = how;
      with_plugins.is_plugin_left = is_any_left;
      finish(with_plugins);
    });
  });
}

void Server::Impl::finish(const ServerStop& how) {
  events.info("stopped");
  release_loop();
  const auto stopped = std::move(on_stopped);
  if (stopped) stopped(how);
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(net::Loop& loop, ServerOptions options,
                                              std::function<void(const ServerStop&)> on_stopped) {
  auto impl = std::make_unique<Impl>(loop, std::move(options), std::move(on_stopped));
  if (auto started = impl->start(); !started) return started.error();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

net::Endpoint Server::listening() const {
  return impl_->listener ? impl_->listener->local() : net::Endpoint{};
}
std::uint16_t Server::data_port() const { return impl_->data_port(); }
UniqueId Server::id() const { return impl_->id; }
void Server::set_relay_limits(const net::RelayLimits& limits) {
  if (impl_->stage) impl_->stage->transfers().set_limits(limits);
}
void Server::stop(std::string reason) { impl_->stop({Outcome::cancelled, std::move(reason)}); }
void Server::restart(std::string reason) {
  impl_->stop({Outcome::cancelled, std::move(reason), std::make_shared<Fd>()});
}

}  // namespace callboard::server
