#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/plugins/plugin.h"

namespace callboard::server {

// Loads a library and makes its plugin. It is unloaded never, since its code may run on a thread. Blocking.
// usage: it is no plugin, or one of another version.
Result<std::unique_ptr<plugin::Plugin>> open_plugin(const std::string& file);

// What is wrong with the library of --plugin.
Error no_plugin(const std::string& file, std::string_view why);
// The same, of what it throws while it is loaded: within the handler.
Error plugin_failed(const std::string& file, std::string_view what);

}  // namespace callboard::server
