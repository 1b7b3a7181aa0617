#include <dlfcn.h>
#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <utility>

#include "base/document/parse.h"
#include "base/text.h"
#include "server/plugins/plugin_host.h"

namespace callboard::server {
namespace {

Error no_plugin(const std::string& file, std::string_view why) {
  return {Outcome::usage, fmt::format("--plugin {}: {}", callboard::quoted(file), why)};
}

template <class Function>
Function* symbol(void* library, const char* name) {
  // What dlsym() gives for a function; the standard has no cast for it, POSIX does.
  return reinterpret_cast<Function*>(::dlsym(library, name));
}

// On a worker. An exception is the plugin's, and ends with its call.
CallValue carry_out(plugin::Plugin& plugin, const std::string& name, const Caller& caller,
                    const CallArguments& arguments, const WorkerRoom& room) {
  plugin::Request request{name, document::print(*arguments.object()), caller.identity.name, {}, {}};
  request.is_over = [stop = room.stop] { return stop.stop_requested(); };
  request.progress = [tell = room.progress](const std::string& json) {
    if (auto value = document::parse(json)) tell(std::move(*value));
  };
  plugin::Reply reply;
  try {
    reply = plugin.call(request);
  } catch (const std::exception& problem) {
    return Error{Outcome::failed, fmt::format("{}: its plugin failed: {}", name, escaped(problem.what()))};
  } catch (...) {
    return Error{Outcome::failed, fmt::format("{}: its plugin failed", name)};
  }
  if (!reply.is_good) return Error{Outcome::failed, escaped(reply.text)};
  auto value = document::parse(reply.text);
  if (!value) return value.error().prefixed(name + ": the plugin's result");
  return value;
}

}  // namespace

Result<std::shared_ptr<plugin::Plugin>> PluginHost::open(const std::string& file) {
  std::error_code problem;
  const std::filesystem::path path = std::filesystem::absolute(file, problem);
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  // Not ours to free, and the next call's.
  if (library == nullptr) return no_plugin(file, ::dlerror());
  auto* version = symbol<int()>(library, "callboard_plugin_version");
  auto* make = symbol<plugin::Plugin*()>(library, "callboard_plugin");
  if (version == nullptr || make == nullptr) {
    return no_plugin(file, "expected callboard_plugin_version() and callboard_plugin() in it");
  }
  if (version() != plugin::kVersion) {
    return no_plugin(
        file, fmt::format("expected version {} of the interface, got {}", plugin::kVersion, version()));
  }
  return std::shared_ptr<plugin::Plugin>(make());
}

Result<void> PluginHost::load(const std::string& file, CallRegistry& registry) {
  auto opened = open(file);
  if (!opened) return opened.error();
  const std::shared_ptr<plugin::Plugin> plugin = std::move(*opened);
  auto descriptions = descriptions_from(plugin->calls());
  if (!descriptions) return no_plugin(file, descriptions.error().text);
  for (CallDescription& description : *descriptions) {
    if (!description.state.empty())
      return no_plugin(file, description.name + ": state: a plugin keeps its own");
    description.by.clear();
    Call call{description,
              WorkerRun([plugin, name = description.name](
                            const Caller& caller, const CallArguments& arguments, const WorkerRoom& room) {
                return carry_out(*plugin, name, caller, arguments, room);
              })};
    if (auto added = registry.add(std::move(call)); !added)
      return added.error().prefixed("--plugin " + callboard::quoted(file));
  }
  return {};
}

}  // namespace callboard::server
