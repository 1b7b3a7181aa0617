// What the server does on a schedule, and what plugins let it do.
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::services_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::write_file;

struct Office : Studio {
  Office() { add_user("rigging"); }
};

}  // namespace

TEST_CASE("services are listed, run by hand, and switched off for good") {
  Office office;
  office.serve();
  CHECK_THAT(office.run("rigging", {"services"}).out,
             Contains("backup") && Contains("enabled") && Contains("has not run yet"));
  const auto seen = [&] {
    const auto listed = objects(office.run("rigging", {"records", "/services/backup", "--json"}).out);
    return listed.at(0).at("fields");
  };
  CHECK(seen().at("enabled") == true);
  const auto disabled = office.run("rigging", {"services", "disable", "backup"});
  CHECK(disabled.ending.exit_code == 0);
  CHECK_THAT(disabled.err, Contains("backup is disabled"));
  CHECK(seen().at("enabled") == false);
  office.kill_server();
  office.serve();
  CHECK(seen().at("enabled") == false);
  const auto listed = office.run("rigging", {"services", "--json"});
  CHECK(events(listed.out, "service").at(0).at("service").at("enabled") == false);
  CHECK(office.run("rigging", {"services", "enable", "backup"}).ending.exit_code == 0);
  CHECK(office.run("rigging", {"services", "enable", "nothing"}).ending.exit_code == 3);
  CHECK(office.run("rigging", {"services", "break", "backup"}).ending.exit_code == 2);
}

TEST_CASE("whoever is in its zone is told how a service goes, and the next server knows it") {
  Office office;
  office.serve();
  const auto follower = office.start("rigging", {"records", "/services/backup", "--follow", "--json"});
  const auto has_run = [](const Json& record) {
    return record.at("path") == "/services/backup" && record.at("fields").at("runs") == 1;
  };
  CHECK(wait_for_event(*follower, "record").at("fields").at("runs") == 0);
  CHECK(office.run("rigging", {"services", "run", "backup"}).ending.exit_code == 0);
  const Json told = wait_for_event(*follower, "record", has_run);
  CHECK(told.at("fields").at("failures") == 0);
  wait_for_event(*follower, "record", [](const Json& record) {
    return record.at("path") == "/services/backup/state" && record.at("fields").at("value").at("runs") == 1;
  });
  office.kill_server();
  office.serve();
  const auto listed =
      events(office.run("rigging", {"services", "--json"}).out, "service").at(0).at("service");
  CHECK(listed.at("last_run") == told.at("fields").at("last_run"));
  CHECK(listed.at("runs") == 1);
}

TEST_CASE("backups lie beside the board, and the newest are kept") {
  Office office;
  office.serve();
  for (int i = 0; i < 3; ++i) CHECK(office.run("rigging", {"call", "backup", "2"}).ending.exit_code == 0);
  std::size_t backups = 0;
  for (const auto& entry : fs::recursive_directory_iterator(office.home())) {
    if (entry.path().filename().native().starts_with("board-")) ++backups;
  }
  CHECK(backups == 2);
  CHECK(office.run("rigging", {"call", "backup", "0"}).ending.exit_code == 2);
}

TEST_CASE(
    "everybody is pinged, the history is trimmed and the board verified, and it is said how that went") {
  Office office;
  office.serve();
  const auto joined = office.join("rigging");
  const auto pinged = office.run("rigging", {"call", "ping.users", "--json"});
  INFO(pinged.out);
  REQUIRE(pinged.ending.exit_code == 0);
  CHECK(objects(pinged.out).at(0).at("result").at("answered") == 1);
  const auto users = office.run("rigging", {"users", "--json"});
  CHECK(events(users.out, "user").at(0).at("round_trip_us").get<std::uint64_t>() > 0);
  CHECK_THAT(office.run("rigging", {"users"}).out, Contains("PING") && Contains(" ms"));
  CHECK(office.run("rigging", {"call", "verify"}).ending.exit_code == 0);
  CHECK(office.run("rigging", {"call", "verify", "-1"}).ending.exit_code == 2);
  const auto retained = office.run("rigging", {"services", "run", "retention"});
  CHECK(retained.ending.exit_code == 0);
  CHECK_THAT(retained.err, Contains("retention has run"));
  const auto service = [&](const std::string& name) {
    for (const Json& each : events(office.run("rigging", {"services", "--json"}).out, "service")) {
      if (each.at("service").at("name") == name) return each.at("service");
    }
    throw std::runtime_error("there is no service " + name);
  };
  Json retention = service("retention");
  while (retention.at("runs") == 0) retention = service("retention");
  CHECK(retention.at("result").at("forgotten") == 0);
  CHECK(retention.at("failures") == 0);
  CHECK_THAT(office.run("rigging", {"services"}).out, Contains("\"forgotten\":0"));
  for (const char* name : {"ping", "verify"}) CHECK(service(name).at("enabled") == true);
}

TEST_CASE("a studio's own service calls what a task carries out, is listed, and rests when it is disabled") {
  Office office;
  const fs::path docs = DOCS_FOLDER;
  const std::vector<std::string> words{"--task", docs / "counter.py", "--services", docs / "services.toml"};
  office.serve(words);
  const auto follower = office.start("rigging", {"records", "/services/count", "--follow", "--json"});
  const auto has_run_twice = [](const Json& record) {
    return record.at("path") == "/services/count" && record.at("fields").at("runs") >= 2;
  };
  const Json seen = wait_for_event(*follower, "record", has_run_twice).at("fields");
  CHECK((seen.at("call") == "counter.add" && seen.at("enabled") == true && seen.at("failures") == 0));
  CHECK(seen.at("period_ms") == 1000);
  CHECK(std::stoi(office.run("rigging", {"call", "counter.add", "0"}).out) >= 4);
  CHECK_THAT(office.run("rigging", {"services"}).out, Contains("count") && Contains("1 s"));

  CHECK(office.run("rigging", {"services", "disable", "count"}).ending.exit_code == 0);
  office.kill_server();
  office.serve(words);
  const auto listed = events(office.run("rigging", {"services", "--json"}).out, "service");
  const auto count = std::find_if(listed.begin(), listed.end(),
                                  [](const Json& each) { return each.at("service").at("name") == "count"; });
  REQUIRE(count != listed.end());
  CHECK(count->at("service").at("enabled") == false);
  CHECK(count->at("service").at("runs") >= 1);
}

TEST_CASE(
    "a service of the studio's own whose call nobody carries out fails and says so; one can be of a built-in "
    "call") {
  Office office;
  const std::string file = (office.home() / "services.json").string();
  write_file(file, R"({"services": [
    {"name": "lost", "call": "no.such", "period_s": 3600, "enabled": false},
    {"name": "look", "call": "verify", "arguments": {"sample": 1}, "period_s": 3600, "jitter_s": 60, "overlap": "wait"}]})");
  office.serve({"--services", file});
  CHECK_THAT(office.server().printed(Stream::err),
             Contains("nothing carries out what a service calls service=lost call=no.such"));
  for (const std::string name : {"lost", "look"}) {
    const auto follower = office.start("rigging", {"records", "/services/" + name, "--follow", "--json"});
    wait_for_event(*follower, "record");
    // One whose call nobody carries out fails, and says so.
    CHECK(office.run("rigging", {"services", "run", name}).ending.exit_code == (name == "lost" ? 3 : 0));
    const Json ran = wait_for_event(*follower, "record", [&](const Json& record) {
      return record.at("path") == "/services/" + name && record.at("fields").at("runs") == 1;
    });
    INFO(ran.dump());
    CHECK(ran.at("fields").at("failures") == (name == "lost" ? 1 : 0));
    CHECK(ran.at("fields").at("enabled") == (name == "look"));
  }
}

TEST_CASE("a services file that makes no sense is refused before anything is started") {
  Office office;
  const std::string file = (office.home() / "services.json").string();
  write_file(file, R"({"services": [{"name": "count", "call": "ping", "period_s": 0}]})");
  const auto refused = office.run("rigging", {"serve", "--services", file});
  CHECK(refused.ending.exit_code == 2);
  CHECK_THAT(refused.err,
             Contains("services \"" + file + "\": service \"count\": period_s: expected 1-31622400, got 0"));
  CHECK(office.run("rigging", {"serve", "--check", "--services", file}).ending.exit_code == 2);
  const auto check = [&](const std::string& call, const std::string& arguments) {
    write_file(file, R"({"services": [{"name": "count", "period_s": 9, "call": ")" + call +
                         R"(", "arguments": )" + arguments + "}]}");
    return office.run("rigging", {"serve", "--check", "--services", file});
  };
  const auto unknown = check("backup", R"({"keeps": 3})");
  CHECK(unknown.ending.exit_code == 2);
  CHECK_THAT(unknown.err, Contains("service \"count\": arguments: backup: ") && Contains("keeps"));
  const auto ill = check("verify", R"({"sample": "all"})");
  CHECK(ill.ending.exit_code == 2);
  CHECK_THAT(ill.err, Contains("service \"count\": arguments: verify: sample: expected int, got \"all\""));
  CHECK(check("backup", R"({"keep": 3})").ending.exit_code == 0);
  CHECK(check("farm.open", R"({"shot": 3})").ending.exit_code == 0);
  write_file(file, R"({"services": []})");
  CHECK(office.run("rigging", {"serve", "--check", "--services", file}).ending.exit_code == 0);
}

TEST_CASE("a plugin's calls are carried out, and one that throws fails its call alone") {
  Office office;
  office.serve({"--plugin", WORDS_PLUGIN});
  CHECK_THAT(office.run("rigging", {"calls"}).out, Contains("word.length WORD"));
  CHECK(office.run("rigging", {"call", "word.length", "Moria"}).out == "5\n");
  const auto thrown = office.run("rigging", {"call", "word.length", "throw"});
  CHECK(thrown.ending.exit_code == 1);
  CHECK_THAT(thrown.err, Contains("word.length: its plugin failed: it was asked to"));
  CHECK_THAT(office.run("rigging", {"call", "word.length", ""}).err, Contains("a word has a letter"));
  CHECK(office.run("rigging", {"call", "word.length", "Balin"}).out == "5\n");
  CHECK_THAT(office.run("rigging", {"status"}).out, Contains("plugins   libwords_plugin.so ready\n"));
  const Json told = events(office.run("rigging", {"status", "--json"}).out, "status").at(0);
  CHECK(told.at("plugins") ==
        Json::array({{{"name", "libwords_plugin.so"}, {"state", "ready"}, {"why", ""}}}));
  CHECK(told.at("tasks") == Json::array());
}

TEST_CASE(
    "a plugin of another version of the interface is refused with both versions, and nothing is served") {
  Office office;
  const auto refused = office.run("rigging", {"serve", "--plugin", OTHER_VERSION_PLUGIN});
  CHECK(refused.ending.exit_code == 2);
  CHECK_THAT(refused.err,
             Contains("--plugin \"" OTHER_VERSION_PLUGIN "\": expected version 2 of the interface, got 3"));
  CHECK(refused.out.empty());
  CHECK(office.run("rigging", {"server", "status"}).ending.exit_code == 3);
}

TEST_CASE("a plugin that throws while it is loaded, or describes what cannot be, is refused by its name") {
  Office office;
  const auto check = [&](const std::string& where, const std::string& why) {
    INFO(where);
    for (const bool is_check : {false, true}) {
      auto command = office.command(0, {"serve", "--plugin", BROKEN_PLUGIN});
      if (is_check) command.words.emplace_back("--check");
      command.directory = office.folder("rigging");
      command.environment.push_back("BROKEN=" + where);
      const auto refused = support::run(command);
      CHECK(refused.ending.exit_code == 2);
      CHECK_THAT(refused.err, Contains("--plugin \"" BROKEN_PLUGIN "\": " + why));
      CHECK(refused.out.empty());
    }
  };
  check("null", "expected a plugin of callboard_plugin(), got none");
  check("constructor", "callboard_plugin() failed: it has no licence");
  check("calls", "calls() failed: it has no licence");
  check("channels", "channels() failed");
  check("misspelt", "call \"broken.call\": permision: no such key; expected name, ");
  check("permission", "broken.call: permission \"Foo Bar\": expected 1-64 of ");
}

TEST_CASE("what a plugin answers that is no JSON is its failure") {
  Office office;
  office.serve({"--plugin", BROKEN_PLUGIN});
  const auto failed = office.run("rigging", {"call", "broken.call"});
  CHECK(failed.ending.exit_code == 1);
  CHECK_THAT(failed.err, Contains("broken.call: the plugin's result: "));
}

TEST_CASE("what is no plugin is said before the server serves") {
  Office office;
  write_file(office.folder("rigging") / "not-a-library.so", "x");
  const auto refused = office.run("rigging", {"serve", "--plugin", "not-a-library.so"});
  CHECK(refused.ending.exit_code == 2);
  CHECK_THAT(refused.err, Contains("--plugin \"not-a-library.so\""));
}

}  // namespace callboard::e2e::services_test
