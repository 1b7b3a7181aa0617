#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/calls/call_registry.h"
#include "server/plugins/plugin.h"

namespace callboard::server {

// A plugin that is loaded. Its calls hold it: it is unloaded never, since its code may run on a worker.
class PluginHost {
 public:
  // Loads the file and registers its calls. Blocking. usage: it is no plugin, of another version, or describes calls that
  // make no sense; refused: a name is taken.
  static Result<void> load(const std::string& file, CallRegistry& registry);

 private:
  static Result<std::shared_ptr<plugin::Plugin>> open(const std::string& file);
};

}  // namespace callboard::server
