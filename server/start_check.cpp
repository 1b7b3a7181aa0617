#include "server/start_check.h"

#include "server/backup.h"
#include "server/keys.h"
#include "server/plugins/plugin_host.h"
#include "server/store/data_folder.h"
#include "server/store/database.h"
#include "server/store/key_file.h"
#include "server/tasks/task_desk.h"
#include "server/unusable_file.h"

namespace callboard::server {

Result<void> check_start(const ServerOptions& options) {
  if (const auto programs = TaskDesk::programs(options.tasks); !programs) return programs.error();
  for (const std::string& file : options.plugins) {
    if (auto is_one = check_plugin(file); !is_one) return is_one;
  }
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
