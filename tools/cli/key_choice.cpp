#include "tools/cli/key_choice.h"

#include <utility>

#include "base/core_dumps.h"
#include "client/key_file.h"

namespace callboard::cli {
namespace {

Result<std::optional<AccessKey>> key_in(const std::string& path) {
  auto key = client::read_key_file(path);
  if (!key) return key.error();
  return std::optional<AccessKey>(std::move(*key));
}

Result<std::optional<AccessKey>> key_named(const Run& run) {
  const bool is_on_command_line = run.sources.command_line.contains(Key::key_file);
  if (is_on_command_line) return key_in(run.settings.text(Key::key_file));
  if (const auto line = run.sources.environment("CALLBOARD_KEY"); line && !line->empty()) {
    auto key = access_key_from(*line);
    if (!key) return key.error().prefixed("CALLBOARD_KEY");
    return std::optional<AccessKey>(std::move(*key));
  }
  if (run.settings.is_given(Key::key_file)) return key_in(run.settings.text(Key::key_file));
  if (!run.settings.project_folder()) return std::optional<AccessKey>();
  return client::key_of_folder(run.settings.project_folder()->native());
}

}  // namespace

Result<std::optional<AccessKey>> chosen_key(const Run& run) {
  auto key = key_named(run);
  if (key && *key) forbid_core_dumps();
  return key;
}

}  // namespace callboard::cli
