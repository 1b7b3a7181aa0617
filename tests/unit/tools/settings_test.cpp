#include "tools/cli/settings.h"

#include <catch2/catch.hpp>
#include <map>

#include "base/limits.h"
#include "base/name.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tree.h"
#include "tools/cli/relay_rate.h"

namespace callboard::cli::settings_test {
namespace {

struct World {
  support::TempDir folder;
  std::map<Key, std::vector<std::string>> command_line;
  std::map<std::string, std::string> environment;

  void config(const std::string& content) {
    support::write_file(folder.path() / ".callboard/config", content);
  }

  Result<Settings> load() const {
    const auto lookup = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment.find(name);
      if (found == environment.end()) return std::nullopt;
      return found->second;
    };
    return Settings::load({.command_line = command_line, .environment = lookup, .directory = folder.path()});
  }
};

TEST_CASE(
    "the command line comes before the environment, that before the config, that before what is built in") {
  World world;
  CHECK(world.load()->port(Key::discovery_port) == 54545);
  world.config("discovery_port = 1001\n");
  CHECK(world.load()->port(Key::discovery_port) == 1001);
  world.environment["CALLBOARD_DISCOVERY_PORT"] = "1002";
  CHECK(world.load()->port(Key::discovery_port) == 1002);
  world.command_line[Key::discovery_port] = {"1003"};
  CHECK(world.load()->port(Key::discovery_port) == 1003);
}

TEST_CASE("a list from one source replaces the list of the next, and lines of the config add up") {
  World world;
  CHECK(world.load()->list(Key::items) == std::vector<std::string>{"dev/*/*", "ast/*/*", "rnd/*/*", "pln"});
  world.config("items = a/* b\nitems = c\n");
  CHECK(world.load()->list(Key::items) == std::vector<std::string>{"a/*", "b", "c"});
  world.environment["CALLBOARD_ITEMS"] = "  x/*   y ";
  CHECK(world.load()->list(Key::items) == std::vector<std::string>{"x/*", "y"});
}

TEST_CASE("a value that makes no sense is named with the place it came from") {
  World world;
  SECTION("command line") {
    world.command_line[Key::port] = {"70000"};
    CHECK(world.load().error().text == "--port \"70000\": expected 0-65535");
  }
  SECTION("environment") {
    world.environment["CALLBOARD_DISCOVERY_PORT"] = "0";
    CHECK(world.load().error().text == "CALLBOARD_DISCOVERY_PORT \"0\": expected 1-65535");
  }
  SECTION("a word that is none of several") {
    world.environment["CALLBOARD_COMPRESS"] = "sometimes";
    CHECK(world.load().error().text == "CALLBOARD_COMPRESS \"sometimes\": expected auto, always or never");
  }
  SECTION("an address to ask, or to announce at, that is none") {
    world.command_line[Key::ask] = {"10.0.0.7", "nonsense"};
    CHECK(world.load().error().text == "--ask \"nonsense\": expected an IPv4 address, like 10.0.0.255");
    world.command_line = {{Key::announce, {"10.0.0"}}};
    CHECK(world.load().error().text == "--announce \"10.0.0\": expected an IPv4 address, like 10.0.0.255");
  }
  SECTION("config") {
    world.config("\nbroadcast_log = perhaps\n");
    CHECK(world.load().error().text == (world.folder.path() / ".callboard/config").string() +
                                           ":2: broadcast_log \"perhaps\": expected yes or no");
  }
  CHECK(world.load().error().outcome == Outcome::usage);
}

TEST_CASE("a value that is overridden is still not read when nothing is wrong with the one that counts") {
  World world;
  world.environment["CALLBOARD_PORT"] = "nonsense";
  world.command_line[Key::port] = {"0"};
  REQUIRE(world.load());
  CHECK(world.load()->port(Key::port) == 0);
}

TEST_CASE("an unknown key in the config is a warning with its line, and the rest counts") {
  World world;
  world.config("projekt = A\nname = rigging\n");
  const auto settings = world.load();
  REQUIRE(settings);
  REQUIRE(settings->warnings().size() == 1);
  CHECK_THAT(settings->warnings()[0], Catch::EndsWith("config:1: projekt: unknown key, ignored"));
  CHECK(settings->text(Key::name) == "rigging");
}

TEST_CASE("a key given twice in the config is an error") {
  World world;
  world.config("name = a\nname = b\n");
  CHECK_THAT(world.load().error().text, Catch::EndsWith("config:2: name: given twice"));
}

TEST_CASE("a required value that is nowhere is an error that says how to give it") {
  World world;
  const auto project = world.load()->required(Key::project);
  REQUIRE_FALSE(project);
  CHECK(project.error().outcome == Outcome::usage);
  CHECK(project.error().text ==
        "no project: give --project NAME, set CALLBOARD_PROJECT, or run `callboard init` in the project's "
        "folder");
}

TEST_CASE("relay rates have units, one for all and one for each, and no values that would move nothing") {
  using net::RelayLimits;
  CHECK(relay_limits_from("0") == RelayLimits{0, 0});
  CHECK(relay_limits_from("50M") == RelayLimits{50 * MiB, 0});
  CHECK(relay_limits_from("1G,200M") == RelayLimits{1 * GiB, 200 * MiB});
  CHECK(relay_limits_from("0,64K") == RelayLimits{0, 64 * KiB});
  CHECK(relay_limits_from("65536") == RelayLimits{65536, 0});
  CHECK(relay_limits_from("1024G") == RelayLimits{1024 * GiB, 0});
  const auto bad =
      GENERATE(as<std::string>{}, "", "M", "1", "65535", "63K", "1.5M", "-1", "50m", "50MB", " 50M", "50M,",
               ",50M", "50M,1", "50M,1M,1M", "1025G", "99999999999999999999", "18446744073709551615G");
  CHECK_FALSE(relay_limits_from(bad));
  World world;
  world.command_line[Key::relay_rate] = {"fast"};
  CHECK(
      world.load().error().text ==
      "--relay-rate \"fast\": expected RATE[,PER-TRANSFER], bytes a second like 50M (K, M, G), 64K at least, "
      "0 for no limit");
}

TEST_CASE("data ports are checked where they are given") {
  World world;
  world.command_line[Key::data_ports] = {">4000"};
  CHECK(world.load().value().text(Key::data_ports) == ">4000");
  world.command_line[Key::data_ports] = {"4010-4000"};
  CHECK(world.load().error().text ==
        "--data-ports \"4010-4000\": expected ports like 4000, 4000-4010, \">4000\" or \"<3999\"");
}

TEST_CASE("names are 1 to 64 characters of any script without control characters or spaces at the ends") {
  const auto good = GENERATE(as<std::string>{}, "r", "rigging (2)", "Jürgen", "映画", "\xF0\x9F\x8E\xAC");
  CHECK(check_name("--name", good, 64));
  CHECK(check_name("--name", std::string(64, 'x'), 64));
  CHECK_FALSE(check_name("--name", std::string(65, 'x'), 64));
  const auto bad = GENERATE(as<std::string>{}, "", " a", "a ", "a\nb", "\x7f", "\xff",
                            "a\xe2\x80\xa8"
                            "b");
  CHECK_FALSE(check_name("--name", bad, 64));
}

TEST_CASE("the project's folder is the one that holds the config, or the one given") {
  World world;
  CHECK_FALSE(world.load()->project_folder());
  world.config("project = A\n");
  CHECK(world.load()->project_folder() == world.folder.path());
  support::write_file(world.folder.path() / "other/.callboard/config", "project = B\n");
  world.command_line[Key::folder] = {"other"};
  CHECK(world.load()->project_folder() == world.folder.path() / "other");
  CHECK(world.load()->text(Key::project) == "B");
}

TEST_CASE("without a name the login name counts, and it is a name that a server takes") {
  World world;
  CHECK(check_name("", world.load()->text(Key::name), 64));
}

TEST_CASE("a variable that is set and empty counts as not given") {
  World world;
  world.config("project = A\n");
  world.environment["CALLBOARD_PROJECT"] = "";
  CHECK(world.load()->text(Key::project) == "A");
}

}  // namespace
}  // namespace callboard::cli::settings_test
