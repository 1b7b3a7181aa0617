#include "tools/cli/settings.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/compression.h"
#include "base/limits.h"
#include "base/name.h"
#include "base/text.h"
#include "net/endpoint.h"
#include "server/port_choice.h"
#include "tools/cli/config_file.h"
#include "tools/cli/relay_rate.h"

namespace callboard::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array kKeys{
    KeyInfo{Key::project, Form::text, "project", "NAME", "", "the project's name, the same on every machine",
            true},
    KeyInfo{Key::name, Form::text, "name", "USER", "", "your name as others see it (else your login name)",
            true},
    KeyInfo{Key::folder, Form::text, "folder", "DIR", "",
            "your copy of the project (else where the config is)", false},
    KeyInfo{Key::server, Form::text, "server", "HOST[:PORT]", "",
            "the server's address, where it cannot be found by itself", true},
    KeyInfo{Key::discovery_port, Form::port, "discovery_port", "PORT", "54545",
            "the UDP port servers announce on", true},
    KeyInfo{Key::ask, Form::list, "ask", "ADDRESS", "",
            "IPv4 addresses to ask for servers, instead of every network's broadcast address", true},
    KeyInfo{Key::items, Form::list, "items", "PATTERN", "dev/*/* ast/*/* rnd/*/* pln",
            "which folders are items, patterns separated by spaces", true},
    KeyInfo{Key::data, Form::text, "data", "DIR", "",
            "where the server keeps the board (else ~/.local/share/callboard)", true},
    KeyInfo{Key::listen, Form::text, "listen", "ADDRESS", "0.0.0.0", "the address the server listens on",
            true},
    KeyInfo{Key::port, Form::port, "port", "PORT", "64646", "the TCP port of the server, 0 for any free one",
            true},
    KeyInfo{Key::data_ports, Form::text, "data_ports", "PORTS", "",
            "where transfers and channels come to, the first free one of 4000, 4000-4010, \">4000\" or "
            "\"<3999\" (else to --port)",
            true},
    KeyInfo{Key::announce, Form::list, "announce", "ADDRESS", "",
            "where the server announces itself, instead of every network's broadcast address", true},
    KeyInfo{Key::broadcast_log, Form::flag, "broadcast_log", "", "no",
            "the server also broadcasts a line for everything that happens (yes or no)", true},
    KeyInfo{Key::log_file, Form::text, "log_file", "FILE", "", "the server's log (else stderr)", true},
    KeyInfo{Key::log_level, Form::text, "log_level", "LEVEL", "info", "error, warn, info, debug or trace",
            true},
    KeyInfo{Key::relay_rate, Form::text, "relay_rate", "RATE[,EACH]", "0",
            "bytes a second that all transfers together, and each, may move, like 1G,200M (0: no limit)",
            true},
    KeyInfo{Key::compress, Form::text, "compress", "WHEN", "auto",
            "contents travel compressed: auto (where that is faster), always or never", true},
    KeyInfo{Key::grace, Form::text, "grace", "SECONDS", "60",
            "how long the server keeps a session whose connection is lost (0: not at all)", true},
    KeyInfo{Key::key_file, Form::text, "key_file", "FILE", "",
            "the key for a server that asks for one (else CALLBOARD_KEY, else .callboard/key)", false},
};

std::optional<std::uint16_t> port_from(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::optional<std::chrono::seconds> seconds_from(std::string_view text) {
  constexpr std::int64_t kDay = 86'400;
  std::int64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool is_number = problem == std::errc{} && end == text.data() + text.size();
  if (!is_number || count < 0 || count > kDay) return std::nullopt;
  return std::chrono::seconds(count);
}

std::optional<bool> flag_from(std::string_view text) {
  for (const auto* yes : {"yes", "true", "on", "1"}) {
    if (text == yes) return true;
  }
  for (const auto* no : {"no", "false", "off", "0"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// Paths are the file system's own bytes; everything else goes into text.
bool is_path(Key key) {
  return key == Key::folder || key == Key::data || key == Key::log_file || key == Key::key_file;
}

Result<void> check(Key key, const std::string& value, const std::string& where) {
  const auto expected = [&](std::string_view what) {
    return Error{Outcome::usage, fmt::format("{} {}: expected {}", where, callboard::quoted(value), what)};
  };
  if (info(key).form == Form::port && !port_from(value)) return expected("0-65535");
  if (info(key).form == Form::flag && !flag_from(value)) return expected("yes or no");
  if (!is_path(key) && !is_utf8(value)) return expected("UTF-8");
  if (key == Key::discovery_port && port_from(value) == 0) return expected("1-65535");
  if (key == Key::name) return check_name(where, value, kUserNameMaxCodePoints);
  if (key == Key::project) return check_name(where, value, kProjectNameMaxCodePoints);
  if ((key == Key::ask || key == Key::announce) && !net::ipv4_from(value))
    return expected("an IPv4 address, like 10.0.0.255");
  if (key == Key::grace && !seconds_from(value)) return expected("0-86400 seconds");
  if (key == Key::data_ports && !server::PortChoice::from(value))
    return expected("ports like 4000, 4000-4010, \">4000\" or \"<3999\"");
  if (key == Key::relay_rate && !relay_limits_from(value)) return expected(kRelayRateForm);
  if (key == Key::compress && !compression_from(value)) return expected("auto, always or never");
  if (key == Key::log_level) {
    for (const auto* level : {"error", "warn", "info", "debug", "trace"}) {
      if (value == level) return {};
    }
    return expected("error, warn, info, debug or trace");
  }
  return {};
}

const KeyInfo* find_key(std::string_view name) {
  const auto found =
      std::ranges::find_if(kKeys, [&](const KeyInfo& i) { return i.in_config && i.name == name; });
  return found == kKeys.end() ? nullptr : &*found;
}

std::string login_name() {
  const passwd* entry = getpwuid(geteuid());
  if (entry != nullptr && check_name("", entry->pw_name, kUserNameMaxCodePoints)) return entry->pw_name;
  return "user-" + std::to_string(geteuid());
}

}  // namespace

std::span<const KeyInfo> all_keys() { return kKeys; }

const KeyInfo& info(Key key) {
  return *std::ranges::find_if(kKeys, [&](const KeyInfo& candidate) { return candidate.key == key; });
}

std::string option_name(Key key) {
  std::string name = "--" + std::string(info(key).name);
  std::ranges::replace(name, '_', '-');
  return name;
}

std::string environment_name(Key key) {
  std::string name = "CALLBOARD_";
  for (const char c : info(key).name) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

Environment system_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

Result<Settings> Settings::load(const Sources& sources) {
  Settings settings;
  for (const auto& [key, values] : sources.command_line) {
    if (auto taken = settings.take(key, values, option_name(key)); !taken) return taken.error();
  }
  for (const auto& [key, values] : settings.values_) settings.on_command_line_.insert(key);
  for (const auto& known : kKeys) {
    const auto value = sources.environment(environment_name(known.key));
    if (!value || settings.is_given(known.key)) continue;
    const auto values = known.form == Form::list ? words_of(*value) : std::vector<std::string>{*value};
    if (auto taken = settings.take(known.key, values, environment_name(known.key)); !taken)
      return taken.error();
  }
  for (const auto& [key, values] : settings.values_) settings.given_for_run_.insert(key);
  std::error_code ignored;
  if (settings.is_given(Key::folder)) {
    settings.project_folder_ =
        fs::absolute(sources.directory / settings.text(Key::folder), ignored).lexically_normal();
  }
  const auto config = ConfigFile::find(settings.project_folder_.value_or(sources.directory));
  if (config) {
    if (auto taken = settings.take_config(*config); !taken) return taken.error();
    if (!settings.project_folder_) settings.project_folder_ = config->parent_path().parent_path();
  }
  return settings;
}

Result<void> Settings::take_config(const fs::path& path) {
  const auto config = ConfigFile::read(path);
  if (!config) return config.error();
  std::map<Key, std::vector<std::string>> found;
  std::map<Key, std::string> places;
  for (const auto& [name, value, line] : config->settings()) {
    const auto place = fmt::format("{}:{}: {}", escaped(path.native()), line, name);
    const auto* known = find_key(name);
    if (known == nullptr) {
      warnings_.push_back(place + ": unknown key, ignored");
      continue;
    }
    auto& values = found[known->key];
    if (known->form == Form::list) {
      for (auto& word : words_of(value)) values.push_back(std::move(word));
    } else if (values.empty()) {
      values.push_back(value);
    } else {
      return Error{Outcome::usage, place + ": given twice"};
    }
    places[known->key] = place;
  }
  for (const auto& [key, values] : found) {
    if (is_given(key)) continue;
    if (auto taken = take(key, values, places[key]); !taken) return taken.error();
  }
  return {};
}

Result<void> Settings::take(Key key, std::vector<std::string> values, const std::string& where) {
  std::erase(values, "");
  for (const auto& value : values) {
    if (auto good = check(key, value, where); !good) return good.error();
  }
  if (!values.empty()) values_[key] = std::move(values);
  return {};
}

std::string Settings::text(Key key) const {
  const auto found = values_.find(key);
  if (found != values_.end()) return found->second.front();
  return key == Key::name ? login_name() : std::string(info(key).fallback);
}

std::vector<std::string> Settings::list(Key key) const {
  const auto found = values_.find(key);
  return found != values_.end() ? found->second : words_of(info(key).fallback);
}

std::uint16_t Settings::port(Key key) const { return port_from(text(key)).value_or(0); }

bool Settings::flag(Key key) const { return flag_from(text(key)).value_or(false); }

std::chrono::seconds Settings::seconds(Key key) const {
  return seconds_from(text(key)).value_or(std::chrono::seconds(0));
}

Result<std::string> Settings::required(Key key) const {
  auto value = text(key);
  if (!value.empty()) return value;
  return Error{Outcome::usage,
               fmt::format("no {}: give {} {}, set {}, or run `callboard init` in the project's folder",
                           info(key).name, option_name(key), info(key).value, environment_name(key))};
}

}  // namespace callboard::cli
