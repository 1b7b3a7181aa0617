// The unit that is installed for systemd, as far as that can be seen without one.
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::systemd_test {
namespace {

namespace fs = std::filesystem;
using Settings = std::map<std::string, std::vector<std::string>>;

// What systemd.unit(5), systemd.service(5) and systemd.exec(5) have, of what is of use here: a name that is misspelt
// would be a warning in a journal that nobody reads, and protect from nothing.
const std::map<std::string, std::set<std::string>> kKnown{
    {"Unit", {"Description", "Documentation", "After", "Wants", "Requires"}},
    {"Service",
     {"Type",
      "ExecStart",
      "ExecReload",
      "Environment",
      "EnvironmentFile",
      "Restart",
      "RestartSec",
      "TimeoutStopSec",
      "DynamicUser",
      "StateDirectory",
      "StateDirectoryMode",
      "UMask",
      "NoNewPrivileges",
      "ProtectSystem",
      "ProtectHome",
      "PrivateTmp",
      "PrivateDevices",
      "ProtectClock",
      "ProtectHostname",
      "ProtectKernelTunables",
      "ProtectKernelModules",
      "ProtectKernelLogs",
      "ProtectControlGroups",
      "ProtectProc",
      "ProcSubset",
      "RestrictNamespaces",
      "RestrictRealtime",
      "RestrictSUIDSGID",
      "LockPersonality",
      "MemoryDenyWriteExecute",
      "CapabilityBoundingSet",
      "RestrictAddressFamilies",
      "SystemCallArchitectures",
      "SystemCallFilter",
      "SystemCallErrorNumber",
      "LimitNOFILE",
      "LimitCORE"}},
    {"Install", {"WantedBy"}}};

// "Service/ExecStart" and the like, with each value that is given.
Settings settings_of(const std::string& unit) {
  Settings settings;
  std::string section;
  std::istringstream lines(unit);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with('[')) {
      REQUIRE(line.ends_with(']'));
      section = line.substr(1, line.size() - 2);
      REQUIRE(kKnown.contains(section));
      continue;
    }
    const std::size_t equals = line.find('=');
    REQUIRE(equals != std::string::npos);
    const std::string name = line.substr(0, equals);
    REQUIRE(kKnown.at(section).contains(name));
    settings[section + "/" + name].push_back(line.substr(equals + 1));
  }
  return settings;
}

std::vector<std::string> words_of(std::string command, const std::string& instance,
                                  const std::string& state) {
  std::vector<std::string> words;
  std::istringstream each(command);
  for (std::string word; each >> word;) {
    // %I: the instance, one word whatever is in it; %S: where states are.
    if (word == "%I") word = instance;
    if (word.starts_with("%S")) word.replace(0, 2, state);
    REQUIRE(word.find('%') == std::string::npos);
    words.push_back(word);
  }
  return words;
}

TEST_CASE("what the unit starts is the installed program, with options that it has") {
  Studio studio;
  const Settings unit = settings_of(support::read_file(UNIT_FILE));
  REQUIRE(unit.at("Service/ExecStart").size() == 1);
  auto words = words_of(unit.at("Service/ExecStart")[0], studio.project(), studio.home().string());
  REQUIRE(words.size() > 1);
  CHECK(words[0] == INSTALLED_PROGRAM);
  words.erase(words.begin());
  words.emplace_back("--check");
  const auto checked = support::run(studio.command(0, words));
  INFO(checked.err);
  CHECK(checked.ending.exit_code == 0);
  CHECK_THAT(unit.at("Service/ExecReload")[0], Catch::Contains("-HUP $MAINPID"));
  CHECK(unit.at("Service/Type")[0] == "notify");
}

TEST_CASE("the unit keeps the server to a user and data of its own, as the documents say") {
  const Settings unit = settings_of(support::read_file(UNIT_FILE));
  const std::map<std::string, std::string> promised{
      // A user of its own, and its data alone.
      {"DynamicUser", "yes"},
      {"StateDirectory", "callboard"},
      {"StateDirectoryMode", "0700"},
      {"UMask", "0077"},
      {"ProtectSystem", "strict"},
      {"ProtectHome", "yes"},
      {"PrivateTmp", "yes"},
      {"PrivateDevices", "yes"},
      {"ProtectProc", "invisible"},
      // Nothing that a server which was taken over could become more by.
      {"NoNewPrivileges", "yes"},
      {"CapabilityBoundingSet", ""},
      {"RestrictSUIDSGID", "yes"},
      {"RestrictNamespaces", "yes"},
      {"MemoryDenyWriteExecute", "yes"},
      {"SystemCallFilter", "@system-service"},
      {"ProtectKernelTunables", "yes"},
      {"ProtectKernelModules", "yes"},
      {"ProtectControlGroups", "yes"},
      // The keys are in its memory.
      {"LimitCORE", "0"}};
  for (const auto& [name, value] : promised) {
    INFO(name);
    const auto found = unit.find("Service/" + name);
    REQUIRE(found != unit.end());
    CHECK(found->second == std::vector<std::string>{value});
  }
}

}  // namespace
}  // namespace callboard::e2e::systemd_test
