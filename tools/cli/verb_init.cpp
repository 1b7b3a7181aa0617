#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/text.h"
#include "tools/cli/config_file.h"
#include "tools/cli/program.h"
#include "tools/cli/verbs.h"

namespace callboard::cli {
namespace {

namespace fs = std::filesystem;

// What a config says that nobody has edited: every key, with its meaning and its default.
ConfigFile fresh_config() {
  ConfigFile config;
  config.add_line(
      "# Callboard's settings for this folder. A line is `key = value`. Options on the command line and");
  config.add_line("# CALLBOARD_* variables come before what stands here. The keys:");
  for (const auto& key : all_keys()) {
    if (!key.in_config) continue;
    config.add_line("#");
    config.add_line(fmt::format("# {}: {}", key.name, key.help));
    if (!key.fallback.empty()) config.add_line(fmt::format("# {} = {}", key.name, key.fallback));
  }
  config.add_line("");
  return config;
}

Result<ConfigFile> present_config(const fs::path& path) {
  std::error_code problem;
  const bool exists = fs::exists(path, problem);
  if (problem) return os_error("read " + callboard::quoted(path.native()), problem.value());
  return exists ? ConfigFile::read(path) : fresh_config();
}

struct InitChoice {
  bool force = false;
};

// The values to write: what was asked for, which load() has read from wherever it came; not the config of a folder above.
Result<void> initialise(const Run& run, const InitChoice& choice) {
  std::error_code problem;
  const auto folder =
      run.settings.is_given(Key::folder) ? *run.settings.project_folder() : fs::current_path(problem);
  const auto path = folder / ".callboard" / "config";
  auto config = present_config(path);
  if (!config) return config.error();
  const auto project = run.settings.required(Key::project);
  if (!project) {
    return Error{Outcome::usage,
                 "no project: give --project NAME, the name that the project's server has (`callboard "
                 "discover` lists those in this network)"};
  }
  const auto before = config->value("project");
  if (before && *before != *project && !choice.force) {
    return Error{Outcome::refused, fmt::format("{} is the folder of project {}; --force makes it one of {}",
                                               callboard::quoted(folder.native()), callboard::quoted(*before),
                                               callboard::quoted(*project))};
  }
  const auto content_before = before ? config->content() : "";
  config->set("project", *project);
  config->set("name", run.settings.text(Key::name));
  for (const Key key : {Key::server, Key::discovery_port}) {
    const bool is_wanted =
        run.settings.is_given(key) && config->value(info(key).name) != run.settings.text(key);
    if (is_wanted) config->set(info(key).name, run.settings.text(key));
  }
  const bool is_changed = config->content() != content_before;
  if (is_changed) {
    fs::create_directories(path.parent_path(), problem);
    if (problem) return os_error("make " + callboard::quoted(path.parent_path().native()), problem.value());
    if (auto written = config->write(path); !written) return written;
  }
  run.output.line(fmt::format("{} is a folder of project {}; you are {}", callboard::quoted(folder.native()),
                              callboard::quoted(*project), callboard::quoted(*config->value("name"))));
  JsonObject event{{"event", "initialised"}, {"project", *project}, {"name", *config->value("name")}};
  event.add_bytes("config", path.native());
  event.add("changed", is_changed);
  run.output.object(event);
  return {};
}

}  // namespace

void add_init(Program& program) {
  auto choice = std::make_shared<InitChoice>();
  program
      .add_verb({.name = "init",
                 .summary = "make this folder your copy of a project: writes .callboard/config",
                 .example = "callboard init --project \"Moria's Race\" --name rigging"})
      .takes({Key::project, Key::name, Key::folder, Key::server, Key::discovery_port})
      .flag(choice->force, "--force", "even when the folder belongs to another project")
      .runs([choice](Run& run) { return initialise(run, *choice); });
}

}  // namespace callboard::cli
