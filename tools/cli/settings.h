#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace callboard::cli {

// What may be given on the command line, in the environment and in the config alike.
enum class Key {
  project,
  name,
  folder,
  server,
  discovery_port,
  ask,
  items,
  data,
  listen,
  port,
  data_ports,
  announce,
  broadcast_log,
  log_file,
  log_level,
  relay_rate,
  compress,
  grace,
  key_file,
};

enum class Form { text, port, flag, list };

struct KeyInfo {
  Key key;
  Form form;
  std::string_view
      name;  // In the config: "discovery_port". CALLBOARD_DISCOVERY_PORT and --discovery-port follow from it.
  std::string_view value;  // What the help calls its value: "PORT".
  std::string_view fallback;
  std::string_view help;
  bool in_config;  // False for what says where the config is.
};

std::span<const KeyInfo> all_keys();
const KeyInfo& info(Key key);
std::string option_name(Key key);       // "--discovery-port"
std::string environment_name(Key key);  // "CALLBOARD_DISCOVERY_PORT"

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment system_environment();

// The settings of one run: command line before CALLBOARD_* before `.callboard/config` before what is built in. Every value
// was checked when it was loaded, and an error names where the value came from. Empty values count as not given.
class Settings {
 public:
  struct Sources {
    std::map<Key, std::vector<std::string>> command_line;
    Environment environment;
    std::filesystem::path
        directory;  // The config is looked for from here upward, or from `folder` when given.
  };
  static Result<Settings> load(const Sources& sources);

  // The value, or the fallback.
  std::string text(Key key) const;
  std::vector<std::string> list(Key key) const;
  std::uint16_t port(Key key) const;
  bool flag(Key key) const;
  std::chrono::seconds seconds(Key key) const;
  bool is_given(Key key) const { return values_.contains(key); }
  // On the command line or in the environment: for this run, not for the folder.
  bool is_given_for_run(Key key) const { return given_for_run_.contains(key); }
  bool is_on_command_line(Key key) const { return on_command_line_.contains(key); }
  // An error that says the three ways to give it.
  Result<std::string> required(Key key) const;

  // The project's folder: `folder` when given, else the one that holds the config; nullopt when there is neither.
  const std::optional<std::filesystem::path>& project_folder() const { return project_folder_; }
  // Things to tell the user, e.g. an unknown key in the config.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  Result<void> take_config(const std::filesystem::path& path);
  Result<void> take(Key key, std::vector<std::string> values, const std::string& where);

  std::map<Key, std::vector<std::string>> values_;
  std::set<Key> on_command_line_;
  std::set<Key> given_for_run_;
  std::optional<std::filesystem::path> project_folder_;
  std::vector<std::string> warnings_;
};

}  // namespace callboard::cli
