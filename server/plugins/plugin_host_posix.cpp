#include <dlfcn.h>
#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <functional>

#include "base/text.h"
#include "server/plugins/plugin_host.h"
#include "server/unusable_file.h"

namespace callboard::server {
namespace {

template <class Function>
Function* symbol(void* library, const char* name) {
  // What dlsym() gives for a function; the standard has no cast for it, POSIX does.
  return reinterpret_cast<Function*>(::dlsym(library, name));
}

using MakePlugin = plugin::Plugin*();

Result<std::function<MakePlugin>> maker_in(const std::string& file) {
  std::error_code problem;
  const std::filesystem::path path = std::filesystem::absolute(file, problem);
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  // Not ours to free, and the next call's.
  if (library == nullptr) return no_plugin(file, ::dlerror());
  auto* version = symbol<int()>(library, "callboard_plugin_version");
  auto* make = symbol<MakePlugin>(library, "callboard_plugin");
  if (version == nullptr || make == nullptr) {
    return no_plugin(file, "expected callboard_plugin_version() and callboard_plugin() in it");
  }
  if (version() != plugin::kVersion) {
    return no_plugin(
        file, fmt::format("expected version {} of the interface, got {}", plugin::kVersion, version()));
  }
  return std::function<MakePlugin>(make);
}

}  // namespace

Error no_plugin(const std::string& file, std::string_view why) {
  return unusable_file(fmt::format("--plugin {}: {}", callboard::quoted(file), why));
}

Error plugin_failed(const std::string& file, std::string_view what) {
  try {
    throw;
  } catch (const std::exception& problem) {
    return no_plugin(file, fmt::format("{} failed: {}", what, escaped(problem.what())));
  } catch (...) {
    return no_plugin(file, fmt::format("{} failed", what));
  }
}

Result<std::unique_ptr<plugin::Plugin>> open_plugin(const std::string& file) {
  const auto make = maker_in(file);
  if (!make) return make.error();
  try {
    std::unique_ptr<plugin::Plugin> made((*make)());
    if (made == nullptr) return no_plugin(file, "expected a plugin of callboard_plugin(), got none");
    return made;
  } catch (...) {
    return plugin_failed(file, "callboard_plugin()");
  }
}

}  // namespace callboard::server
