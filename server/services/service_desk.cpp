#include "server/services/service_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/document/build.h"
#include "base/document/members.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard::server {
namespace {

// What is shown of how a run went: a line or two.
constexpr std::size_t kServiceResultMax = 512;

std::string path_of_service(const std::string& name) { return std::string(kServicesFolder) + "/" + name; }
std::string path_of_state(const std::string& name) { return path_of_service(name) + "/state"; }

bool is_switched_off(const document::Value& state) {
  return state.member("enabled") != nullptr && !document::flag_in(state, "enabled");
}

}  // namespace

ServiceDesk::ServiceDesk(net::Loop& loop, Outside outside)
    : loop_(loop), outside_(std::move(outside)), timer_(loop, [this] { on_timer(); }) {}

ServiceDesk::~ServiceDesk() { *is_alive_ = false; }

Result<void> ServiceDesk::add(Service service) {
  const std::string name = service.name;
  if (entries_.contains(name))
    return Error{Outcome::refused, name + ": there is a service of this name already"};
  if (entries_.size() >= kServicesMax) {
    return Error{Outcome::refused, fmt::format("{}: there are {} services already", name, kServicesMax)};
  }
  if (!is_service_name(name))
    return Error{Outcome::refused, quoted(name) + ": expected a name that can stand in a path"};
  Entry& entry = entries_[name];
  entry.is_enabled = service.is_enabled;
  entry.service = std::move(service);
  schedule(entry, resume(entry));
  entry.is_to_be_enabled = entry.is_enabled;
  show(entry);
  set_timer();
  return {};
}

// A server that is started anew every day makes its daily backup all the same.
Duration ServiceDesk::resume(Entry& entry) const {
  const auto kept = outside_.records.find("state", path_of_state(entry.service.name));
  const document::ValuePtr state = kept && *kept ? (*kept)->member("value") : nullptr;
  if (state) {
    entry.is_enabled = !is_switched_off(*state);
    entry.runs = runs_in(*state);
    if (document::flag_in(*state, "running")) {
      ++entry.runs.failures;
      entry.runs.last_error = "the server ended while it ran";
    }
  }
  const Duration pause = pause_of(entry.service, entry.runs.failures);
  if (entry.runs.last_run.ms <= 0) return pause;
  // A clock that was set back is no reason to wait for longer than it would have.
  const auto since = std::chrono::milliseconds(outside_.clock.wall().ms - entry.runs.last_run.ms);
  return pause - std::clamp<Duration>(since, Duration::zero(), pause);
}

void ServiceDesk::stop() {
  is_stopped_ = true;
  timer_.cancel();
  // Another server goes on from here.
  for (const auto& [name, entry] : entries_) {
    if (entry.has_news && !entry.is_running) keep(entry, [](const Result<void>&) {});
  }
}

// --- When -----------------------------------------------------------------------------------------------------------

void ServiceDesk::schedule(Entry& entry, Duration pause) {
  const auto jitter_ms = std::chrono::duration_cast<std::chrono::milliseconds>(entry.service.jitter).count();
  const auto late = jitter_ms > 0 ? outside_.random() % (static_cast<std::uint64_t>(jitter_ms) + 1) : 0;
  // Not from when it was due: what a sleeping machine missed is not made up for.
  entry.due = loop_.now() + pause + std::chrono::milliseconds(late);
}

void ServiceDesk::set_timer() {
  std::optional<Instant> first;
  for (const auto& [name, entry] : entries_) {
    if (entry.is_enabled) first = std::min(first.value_or(entry.due), entry.due);
  }
  if (!first || is_stopped_) return timer_.cancel();
  timer_.set_at(*first);
}

void ServiceDesk::on_timer() {
  for (auto& [name, entry] : entries_) {
    if (entry.is_enabled && entry.due <= loop_.now()) on_due(entry);
  }
  set_timer();
}

void ServiceDesk::on_due(Entry& entry) {
  schedule(entry, pause_of(entry.service, entry.runs.failures));
  if (!entry.is_running) return begin(entry);
  if (entry.service.overlap == Service::Overlap::wait) {
    entry.is_owed = true;
  } else {
    ++entry.runs.left_out;
    show(entry);
  }
}

// --- Runs -----------------------------------------------------------------------------------------------------------

void ServiceDesk::begin(Entry& entry) {
  if (is_stopped_) return;
  entry.is_running = true;
  entry.is_owed = false;
  entry.begun = loop_.now();
  entry.ran_before = std::exchange(entry.runs.last_run, outside_.clock.wall());
  show(entry);
  entry.is_beginning_kept = !entry.kept || loop_.now() - *entry.kept >= kServiceKeptPeriod;
  if (!entry.is_beginning_kept) return call(entry);
  entry.kept = loop_.now();
  // Also on a disk that takes nothing, of which is told elsewhere.
  keep(entry, [this, alive = is_alive_, name = entry.service.name](const Result<void>&) {
    if (*alive) call(entries_.at(name));
  });
}

void ServiceDesk::call(Entry& entry) {
  Caller itself;
  itself.identity.name = "service " + entry.service.name;
  itself.identity.permissions = Permissions::all();
  CallRequest request;
  request.name = entry.service.call;
  // Longer than its period it may take, but not for ever.
  request.deadline = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::clamp<Duration>(entry.service.period, kCallDeadline, kCallDeadlineMax));
  if (entry.service.arguments) {
    request.arguments = std::make_shared<const std::string>(document::print(*entry.service.arguments));
  }
  request.waiter.on_answer = [this, alive = is_alive_, name = entry.service.name](
                                 const CallWaiter&, const Result<protocol::Document>& answer) {
    if (*alive) on_answer(name, answer);
  };
  outside_.calls.begin(itself, std::move(request));
}

void ServiceDesk::on_answer(const std::string& name, const Result<protocol::Document>& answer) {
  Entry& entry = entries_.at(name);
  entry.is_running = false;
  if (is_stopped_ && !answer) {
    // The next server does what this one could not finish.
    entry.runs.last_run = entry.ran_before;
  } else {
    note_answer(entry, answer);
    schedule(entry, pause_of(entry.service, entry.runs.failures));
    if (entry.is_owed && entry.is_enabled) entry.due = loop_.now();
  }
  show(entry);
  // A service may do what who runs it may not: they hear how it went, not what came of it.
  if (const auto waiting = std::exchange(entry.waiting, nullptr))
    waiting->answer(answer ? CallValue(document::make_null()) : CallValue(answer.error()));
  entry.has_news = !entry.is_beginning_kept && entry.kept && !is_stopped_ &&
                   loop_.now() - *entry.kept < kServiceKeptPeriod;
  if (!entry.has_news) {
    entry.kept = loop_.now();
    // A disk that takes nothing is told of elsewhere: the next server will believe that it has not run.
    keep(entry, [](const Result<void>&) {});
  }
  set_timer();
}

void ServiceDesk::note_answer(Entry& entry, const Result<protocol::Document>& answer) {
  const std::string& name = entry.service.name;
  ++entry.runs.runs;
  entry.runs.last_duration = std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - entry.begun);
  const bool has_failed_before = std::exchange(entry.runs.failures, answer ? 0 : entry.runs.failures + 1) > 0;
  entry.runs.last_error = answer ? "" : escaped(answer.error().text, 1024);
  if (answer) {
    const bool says_little =
        *answer == nullptr || **answer == "null" || (*answer)->size() > kServiceResultMax;
    entry.runs.last_result = says_little ? "" : **answer;
    if (has_failed_before) outside_.events.info("service works again", {{"service", name}});
    return;
  }
  outside_.events.warn(
      "service failed",
      {{"service", name}, {"failures", entry.runs.failures}, {"cause", escaped(answer.error().text, 256)}});
}

// --- What is seen of it, and kept -----------------------------------------------------------------------------------

ServiceView ServiceDesk::view(const Entry& entry) const {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(entry.due - loop_.now());
  return {.service = entry.service,
          .runs = entry.runs,
          .is_enabled = entry.is_enabled,
          .is_running = entry.is_running,
          .next_run = {outside_.clock.wall().ms + std::max<std::int64_t>(left.count(), 0)}};
}

void ServiceDesk::show(Entry& entry) {
  OwnRecord record{.path = path_of_service(entry.service.name),
                   .record_class = "service",
                   .fields = document::make_value(fields_of(view(entry)))};
  outside_.records.put(
      std::move(record), [this, alive = is_alive_, name = entry.service.name](const Result<void>& shown) {
        if (!*alive) return;
        const bool was_unseen = std::exchange(entries_.at(name).is_unseen, !shown);
        if (shown || was_unseen) return;
        outside_.events.warn("service cannot be seen in its record",
                             {{"service", name}, {"cause", escaped(shown.error().text, 256)}});
      });
}

void ServiceDesk::keep(const Entry& entry, OwnRecords::Then then) const {
  ServiceView kept = view(entry);
  kept.is_enabled = entry.is_to_be_enabled;
  document::Object fields{{"value", document::make_value(fields_of(kept))}};
  outside_.records.put({.path = path_of_state(entry.service.name),
                        .record_class = "state",
                        .fields = document::make_value(std::move(fields))},
                       std::move(then));
}

// --- What people call -----------------------------------------------------------------------------------------------

Result<ServiceDesk::Entry*> ServiceDesk::find(const std::string& name) {
  const auto found = entries_.find(name);
  if (found != entries_.end()) return &found->second;
  return Error{Outcome::not_found, fmt::format("there is no service named {}", quoted(name))};
}

CallValue ServiceDesk::list() const {
  document::Array all;
  for (const auto& [name, entry] : entries_) {
    document::Object object = fields_of(view(entry));
    object.insert(object.begin(), {"name", document::make_text(name)});
    all.push_back(document::make_value(std::move(object)));
  }
  return document::make_array(std::move(all));
}

// Answered when it is on disk; what is under way goes on.
void ServiceDesk::set_enabled(const Switch& to, std::shared_ptr<CallRun> run) {
  const auto found = find(to.name);
  if (!found) return run->answer(found.error());
  Entry& named = **found;
  named.is_to_be_enabled = to.is_enabled;
  ++named.words;
  // What it says of the run under way is to be true once that is over.
  named.is_beginning_kept = named.is_beginning_kept || named.is_running;
  run->set_committing();
  keep(named, [this, alive = is_alive_, to, run](const Result<void>& kept) {
    if (*alive) on_enabled(entries_.at(to.name), to.is_enabled, kept);
    if (*alive && kept && outside_.on_switched) outside_.on_switched(to.by, to.is_enabled, to.name);
    run->answer(kept ? CallValue(document::make_null()) : CallValue(kept.error()));
  });
}

void ServiceDesk::on_enabled(Entry& entry, bool is_enabled, const Result<void>& kept) {
  const bool is_last = --entry.words == 0;
  if (!kept) {
    if (!is_last) return;
    // How it went may have been kept meanwhile, and with it what is not to be.
    entry.is_to_be_enabled = entry.is_enabled;
    return keep(entry, [](const Result<void>&) {});
  }
  entry.is_enabled = is_enabled;
  if (is_last) entry.is_to_be_enabled = is_enabled;
  entry.is_owed = false;
  if (is_enabled) {
    // From here on it is due as one that has not failed, and says so.
    entry.runs.failures = 0;
    entry.runs.last_error.clear();
  }
  schedule(entry, entry.service.period);
  show(entry);
  set_timer();
}

// Whoever waits and is lost meanwhile changes nothing of it.
void ServiceDesk::run_now(const CallArguments& arguments, std::shared_ptr<CallRun> run) {
  const auto found = find(arguments.text("name"));
  if (!found) return run->answer(found.error());
  Entry& entry = **found;
  if (entry.is_running) return run->answer(Error{Outcome::locked, "it is under way"});
  if (is_stopped_) return run->answer(Error{Outcome::interrupted, "the server stops"});
  if (arguments.flag("wait")) entry.waiting = run;
  begin(entry);
  if (!arguments.flag("wait")) run->answer(document::make_null());
}

void ServiceDesk::add_calls() {
  CallRegistry& registry = outside_.calls.registry();
  const auto describe = [](const char* name, const char* summary) {
    return CallDescription{.name = name,
                           .summary = summary,
                           .category = "services",
                           .permission = "services",
                           .arguments = {{.name = "name", .summary = "of the service"}}};
  };
  registry.add_built_in({{.name = "services",
                          .summary = "what runs on a schedule, and how it went",
                          .category = "services",
                          .result = ValueType::list},
                         InlineRun([this](const Caller&, const CallArguments&) { return list(); })});
  for (const bool is_enabled : {true, false}) {
    registry.add_built_in(
        {is_enabled ? describe("services.enable", "lets a service run on its schedule again")
                    : describe("services.disable", "lets a service rest until it is enabled again"),
         LaterRun([this, is_enabled](const Caller& by, const CallArguments& arguments,
                                     std::shared_ptr<CallRun> run) {
           set_enabled({by, arguments.text("name"), is_enabled}, std::move(run));
         })});
  }
  CallDescription running = describe("services.run", "runs a service now, whether or not it is enabled");
  running.arguments.push_back({.name = "wait",
                               .type = ValueType::boolean,
                               .summary = "until it is over; its failure is then the answer",
                               .is_optional = true});
  registry.add_built_in({std::move(running), LaterRun([this](const Caller&, const CallArguments& arguments,
                                                             std::shared_ptr<CallRun> run) {
                           run_now(arguments, std::move(run));
                         })});
}

}  // namespace callboard::server
