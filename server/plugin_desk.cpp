#include "server/plugin_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <utility>

#include "base/document/parse.h"
#include "base/text.h"
#include "server/plugin_channel.h"
#include "server/plugins/plugin_host.h"

namespace callboard::server {
namespace {

// On the call's thread. An exception is the plugin's, and ends with its call.
CallValue carry_out(plugin::Plugin& plugin, const plugin::Request& request) {
  plugin::Reply reply;
  try {
    reply = plugin.call(request);
  } catch (const std::exception& problem) {
    return Error{Outcome::failed,
                 fmt::format("{}: its plugin failed: {}", request.name, escaped(problem.what()))};
  } catch (...) {
    return Error{Outcome::failed, fmt::format("{}: its plugin failed", request.name)};
  }
  if (!reply.is_good) return Error{Outcome::failed, escaped(reply.text)};
  auto value = document::parse(reply.text);
  // Whatever its caller has said.
  if (!value)
    return Error{Outcome::failed,
                 fmt::format("{}: the plugin's result: {}", request.name, value.error().text)};
  return value;
}

// A person's commands are sessions of their own, and take one turn together. Nobody's are the server's.
std::string turns_of(const Identity& caller) {
  return caller.origin.empty() && caller.id ? to_text(caller.id) : caller.origin;
}

// Of which some code may still run: nothing of it is ever deleted.
std::vector<std::shared_ptr<void>>& left_behind() {
  static auto& all = *new std::vector<std::shared_ptr<void>>;
  return all;
}

}  // namespace

PluginDesk::PluginDesk(net::Loop& loop, CallRegistry& calls, ServerChannels& channels, EventLog& events)
    : calls_(calls), channels_(channels), events_(events), threads_(loop), limit_(loop, [this] {
        give_up();
      }) {}

PluginDesk::~PluginDesk() {
  if (is_over_) return;
  end_all();
  if (!threads_.wait(kPluginEndLimit)) give_up();
}

// --- Loading --------------------------------------------------------------------------------------------------------

Result<void> PluginDesk::load(const std::string& file) {
  auto opened = open_plugin(file);
  if (!opened) return opened.error();
  const auto loaded = std::make_shared<Loaded>();
  loaded->file = file;
  loaded->plugin = std::move(*opened);
  loaded_.push_back(loaded);
  if (auto added = add_calls(loaded); !added) return added;
  return add_channels(loaded);
}

std::vector<ProgramHealth> PluginDesk::health() const {
  std::vector<ProgramHealth> all;
  for (const LoadedPtr& each : loaded_)
    all.push_back({std::filesystem::path(each->file).filename().native(), "ready"});
  return all;
}

Result<void> PluginDesk::add_calls(const LoadedPtr& loaded) {
  std::string described;
  try {
    described = loaded->plugin->calls();
  } catch (...) {
    return plugin_failed(loaded->file, "calls()");
  }
  auto descriptions = descriptions_from(described, UnknownKeys::refused);
  if (!descriptions) return no_plugin(loaded->file, descriptions.error().text);
  for (CallDescription& description : *descriptions) {
    if (!description.state.empty())
      return no_plugin(loaded->file, description.name + ": state: a plugin keeps its own");
    description.by.clear();
    Call call{description, LaterRun([this, loaded, name = description.name](const Caller& caller,
                                                                            const CallArguments& arguments,
                                                                            std::shared_ptr<CallRun> run) {
                on_called(loaded, name, caller, arguments, std::move(run));
              })};
    if (auto added = calls_.add(std::move(call)); !added) return no_plugin(loaded->file, added.error().text);
  }
  return {};
}

Result<void> PluginDesk::add_channels(const LoadedPtr& loaded) {
  std::vector<plugin::ChannelOffer> offers;
  try {
    offers = loaded->plugin->channels();
  } catch (...) {
    return plugin_failed(loaded->file, "channels()");
  }
  for (plugin::ChannelOffer& each : offers) {
    if (!each.take)
      return no_plugin(loaded->file, "channel " + callboard::quoted(each.name) + ": nobody takes it");
    const auto offer = std::make_shared<const plugin::ChannelOffer>(std::move(each));
    auto offered =
        channels_.offer({offer->name, offer->permission, [this, loaded, offer](ServerChannels::Taken taken) {
                           return take(loaded, offer, std::move(taken));
                         }});
    if (!offered) return no_plugin(loaded->file, offered.error().text);
  }
  return {};
}

// --- Calls ----------------------------------------------------------------------------------------------------------

void PluginDesk::on_called(const LoadedPtr& loaded, const std::string& name, const Caller& caller,
                           const CallArguments& arguments, std::shared_ptr<CallRun> run) {
  const std::uint64_t number = ++last_number_;
  Job job{{name, document::print(*arguments.object()), caller.identity.name, {}, {}}, number, {}, run};
  job.request.is_over = [token = job.stop.get_token()] { return token.stop_requested(); };
  job.request.progress = [this, number, post = threads_.poster()](const std::string& json) {
    auto value = document::parse(json);
    if (!value) return;
    post([this, number, value = std::move(*value)] {
      if (const auto found = runs_.find(number); found != runs_.end()) found->second.run->progress(value);
    });
  };
  // One that has not begun is not kept until it could.
  const std::string who = turns_of(caller.identity);
  run->on_end([stop = job.stop, number, who, of = std::weak_ptr(loaded)](const Error&) mutable {
    stop.request_stop();
    if (const LoadedPtr there = of.lock())
      there->waiting.erase_if(who, [number](const Job& each) { return each.number == number; });
  });
  loaded->waiting.push(who, std::move(job));
  carry_out_next(loaded);
}

void PluginDesk::carry_out_next(const LoadedPtr& loaded) {
  while (loaded->running < kPluginCallsAtOnce) {
    auto job = loaded->waiting.pop();
    if (!job) return;
    if (job->run->is_over()) continue;
    ++loaded->running;
    const std::uint64_t number = job->number;
    runs_.emplace(number, Running{std::move(job->run), job->stop});
    const PluginThreads::Doing doing{loaded->file, "call " + job->request.name};
    const auto started = threads_.start(
        doing, [this, loaded, number, plugin = loaded->plugin, request = std::move(job->request)] {
          CallValue value = carry_out(*plugin, request);
          return [this, loaded, number, value = std::move(value)] { on_carried_out(loaded, number, value); };
        });
    if (started) continue;
    runs_.at(number).run->refuse(started.error());
    on_carried_out(loaded, number, document::make_null());
  }
}

void PluginDesk::on_carried_out(const LoadedPtr& loaded, std::uint64_t number, CallValue value) {
  --loaded->running;
  if (const auto node = runs_.extract(number); !node.empty()) node.mapped().run->answer(std::move(value));
  if (stopped_) return go_on_stopping();
  carry_out_next(loaded);
}

// --- Channels -------------------------------------------------------------------------------------------------------

Result<void> PluginDesk::take(const LoadedPtr& loaded,
                              const std::shared_ptr<const plugin::ChannelOffer>& offer,
                              ServerChannels::Taken taken) {
  // Of some that are over what takes them may go on.
  if (lines_.size() >= kServerChannelsMax) return Error{Outcome::refused, "has too many channels"};
  const std::uint64_t number = ++last_number_;
  const auto line = taken.line;
  auto started = threads_.start({loaded->file, "channel " + offer->name},
                                [this, number, plugin = loaded->plugin, offer, taken = std::move(taken)] {
                                  serve_channel(*offer, taken);
                                  return [this, number] {
                                    lines_.erase(number);
                                    if (stopped_) go_on_stopping();
                                  };
                                });
  if (started) lines_.emplace(number, line);
  return started;
}

// --- The end --------------------------------------------------------------------------------------------------------

void PluginDesk::end_all() {
  for (auto& [number, running] : runs_) running.stop.request_stop();
  for (const LoadedPtr& loaded : loaded_) loaded->waiting.clear();
  for (const auto& [number, line] : lines_) line->end({Outcome::interrupted, "the server stops"});
}

void PluginDesk::stop(std::function<void(bool)> done) {
  stopped_ = std::move(done);
  end_all();
  limit_.set_after(kPluginEndLimit);
  go_on_stopping();
}

void PluginDesk::go_on_stopping() {
  if (!threads_.running().empty()) return;
  for (const LoadedPtr& each : std::exchange(loaded_, {})) {
    const auto started = threads_.start({each->file, "its end"}, [this, each] {
      each->plugin.reset();
      return [this] { go_on_stopping(); };
    });
    // Here, then.
    if (!started) each->plugin.reset();
  }
  if (!threads_.running().empty()) return;
  limit_.cancel();
  is_over_ = true;
  if (const auto done = std::exchange(stopped_, nullptr)) done(false);
}

void PluginDesk::give_up() {
  is_over_ = true;
  left_behind().insert(left_behind().end(), loaded_.begin(), loaded_.end());
  for (const auto& [file, what] : threads_.running()) {
    events_.error("a plugin does not end, the server does without it",
                  {{"file", file}, {"in", what}, {"seconds", kPluginEndLimit.count()}});
  }
  if (const auto done = std::exchange(stopped_, nullptr)) done(true);
}

}  // namespace callboard::server
