#include "server/services/service_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/document/build.h"
#include "base/text.h"
#include "protocol/call_limits.h"

namespace callboard::server {
namespace {

// What is shown of how a run went: a line or two.
constexpr std::size_t kServiceResultMax = 512;

std::string state_path(const std::string& name) { return "/services/" + name; }

bool is_switched_off(const document::ValuePtr& state) {
  const document::ValuePtr enabled = state ? state->member("enabled") : nullptr;
  const bool* truth = enabled ? std::get_if<bool>(&enabled->content()) : nullptr;
  return truth != nullptr && !*truth;
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
  Entry& entry = entries_[name];
  entry.is_enabled = service.is_enabled;
  if (const document::ValuePtr state = outside_.states.find(state_path(name)))
    entry.is_enabled = !is_switched_off(state);
  entry.service = std::move(service);
  entry.due = loop_.now();
  schedule(entry);
  set_timer();
  return {};
}

void ServiceDesk::stop() {
  is_stopped_ = true;
  timer_.cancel();
}

// --- When -----------------------------------------------------------------------------------------------------------

void ServiceDesk::schedule(Entry& entry) {
  const auto jitter_ms = std::chrono::duration_cast<std::chrono::milliseconds>(entry.service.jitter).count();
  const auto late = jitter_ms > 0 ? outside_.random() % (static_cast<std::uint64_t>(jitter_ms) + 1) : 0;
  // Not from when it was due: what a sleeping machine missed is not made up for.
  entry.due = loop_.now() + pause_of(entry.service, entry.runs.failures) + std::chrono::milliseconds(late);
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
  schedule(entry);
  if (!entry.is_running) return begin(entry);
  if (entry.service.overlap == Service::Overlap::wait) {
    entry.is_owed = true;
  } else {
    ++entry.runs.left_out;
  }
}

// --- Runs -----------------------------------------------------------------------------------------------------------

void ServiceDesk::begin(Entry& entry) {
  if (is_stopped_) return;
  entry.is_running = true;
  entry.is_owed = false;
  entry.begun = loop_.now();
  entry.runs.last_run = outside_.clock.wall();
  CallRequest request;
  request.caller.identity.name = "service " + entry.service.name;
  request.caller.identity.permissions = Permissions::all();
  request.name = entry.service.call;
  // Longer than its period it may take, but not for ever.
  request.deadline = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::clamp<Duration>(entry.service.period, protocol::kCallDeadline, protocol::kCallDeadlineMax));
  if (entry.service.arguments) {
    request.arguments = std::make_shared<const std::string>(document::print(*entry.service.arguments));
  }
  request.waiter.on_answer = [this, alive = is_alive_,
                              name = entry.service.name](const Result<protocol::Document>& answer) {
    if (*alive) on_answer(name, answer);
  };
  outside_.calls.begin(std::move(request));
}

void ServiceDesk::on_answer(const std::string& name, const Result<protocol::Document>& answer) {
  Entry& entry = entries_.at(name);
  entry.is_running = false;
  ++entry.runs.runs;
  entry.runs.last_duration = std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - entry.begun);
  if (is_stopped_) return;
  const bool has_failed_before = std::exchange(entry.runs.failures, answer ? 0 : entry.runs.failures + 1) > 0;
  entry.runs.last_error = answer ? "" : answer.error().text;
  if (answer) {
    const bool says_little =
        *answer == nullptr || **answer == "null" || (*answer)->size() > kServiceResultMax;
    entry.runs.last_result = says_little ? "" : **answer;
  }
  if (!answer) {
    outside_.events.warn(fmt::format("service failed service={} failures={} cause=\"{}\"", name,
                                     entry.runs.failures, escaped(answer.error().text, 256)));
  } else if (has_failed_before) {
    outside_.events.info(fmt::format("service works again service={}", name));
  }
  schedule(entry);
  if (entry.is_owed && entry.is_enabled) entry.due = loop_.now();
  set_timer();
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
    all.push_back(to_value(entry.service, entry.runs, entry.is_enabled, entry.is_running));
  }
  return document::make_array(std::move(all));
}

// Answered when it is on disk; what is under way goes on.
void ServiceDesk::set_enabled(const std::string& name, bool is_enabled, std::shared_ptr<CallRun> run) {
  if (const auto found = find(name); !found) return run->answer(found.error());
  outside_.states.set(state_path(name), document::make_object({{"enabled", document::make_bool(is_enabled)}}),
                      [this, alive = is_alive_, name, is_enabled, run](const Result<void>& written) {
                        if (!written) return run->answer(written.error());
                        if (*alive) {
                          Entry& entry = entries_.at(name);
                          entry.is_enabled = is_enabled;
                          entry.is_owed = false;
                          entry.runs.failures = 0;
                          schedule(entry);
                          set_timer();
                        }
                        run->answer(document::make_null());
                      });
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
         LaterRun(
             [this, is_enabled](const Caller&, const CallArguments& arguments, std::shared_ptr<CallRun> run) {
               set_enabled(arguments.text("name"), is_enabled, std::move(run));
             })});
  }
  registry.add_built_in({describe("services.run", "runs a service now, whether or not it is enabled"),
                         InlineRun([this](const Caller&, const CallArguments& arguments) -> CallValue {
                           const auto found = find(arguments.text("name"));
                           if (!found) return found.error();
                           if ((*found)->is_running) return Error{Outcome::locked, "it is under way"};
                           begin(**found);
                           return document::make_null();
                         })});
}

}  // namespace callboard::server
