#include "server/start_check.h"

#include "net/loop.h"
#include "server/backup.h"
#include "server/calls/built_in_calls.h"
#include "server/keys.h"
#include "server/plugin_desk.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/key_file.h"
#include "server/tasks/task_desk.h"
#include "server/unusable_file.h"

namespace callboard::server {
namespace {

// As start() does it, beside calls that are there by name alone. They are made, asked what they have, and deleted.
Result<void> check_plugins(const ServerOptions& options) {
  net::Loop loop;
  EventLog events(options.logger);
  CallRegistry registry;
  for (const BuiltInCall& each : kBuiltInCalls) {
    registry.add_built_in({description_of(each), InlineRun([](const Caller&, const CallArguments&) {
                             return CallValue(document::ValuePtr());
                           })});
  }
  ServerChannels channels(loop, [](Transfers::Id, const Error&) {});
  PluginDesk plugins(loop, registry, channels, events);
  for (const std::string& file : options.plugins) {
    if (auto loaded = plugins.load(file); !loaded) return loaded;
  }
  return {};
}

}  // namespace

Result<void> check_start(const ServerOptions& options) {
  if (const auto programs = TaskDesk::programs(options.tasks); !programs) return programs.error();
  if (auto loaded = check_plugins(options); !loaded) return loaded;
  if (auto readable = Database::check_schema(options.data / folder_name(options.project) / kBoardFile);
      !readable)
    return readable;
  if (const auto keys = KeyFile(options.data, options.project).read(); !keys)
    return unusable_file(keys.error().text);
  if (const auto roles = read_roles(options.data, options.project); !roles)
    return unusable_file(roles.error().text);
  return options.restore.empty() ? Result<void>()
                                 : check_restore(options.restore, options.data, options.project);
}

}  // namespace callboard::server
