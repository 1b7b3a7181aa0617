// What scripts rely on: exit codes, --json, --help, and how Ctrl-C ends things.
#include <signal.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::exit_codes_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::write_file;

struct Office : Studio {
  fs::path rigging = add_user("rigging");
  fs::path lighting = add_user("lighting");
  std::unique_ptr<Process> joined;

  Office() {
    write_file(rigging / "dev/chr/Moria/moria.blend", "BLENDER");
    serve();
    joined = join("rigging");
  }
};

TEST_CASE("every verb explains itself with an example") {
  const Studio studio;
  // Below "Verbs:" or a group's heading: two spaces, the name, and what it is for.
  std::istringstream help(support::run(studio.command(0, {"--help"})).out);
  std::vector<std::string> verbs;
  for (std::string line; std::getline(help, line);) {
    if (line.starts_with("  ") && line[2] >= 'a' && line[2] <= 'z')
      verbs.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  CHECK(verbs.size() > 40);
  for (const auto& verb : verbs) {
    INFO(verb);
    const auto shown = support::run(studio.command(0, {verb, "--help"}));
    CHECK(shown.ending.exit_code == 0);
    CHECK_THAT(shown.out, Contains("Example:\n  callboard " + verb));
    CHECK(shown.err.empty());
  }
}

TEST_CASE("with --json every verb prints one object a line and nothing else") {
  Office office;
  write_file(office.lighting / "doc.json", "{\"a\": [1,\n2]}");
  const std::vector<std::vector<std::string>> commands{
      {"init", "--name", "lighting"},
      {"discover", "--wait", "0.2", "--diagnose"},
      {"users"},
      {"story", "set", "doc.json"},
      {"story", "get"},
      {"analytics", "set", "doc.json"},
      {"analytics", "get"},
      {"assets"},
      {"say", "line one\nline \"two\""},
      {"messages"},
      {"at", "/dev/chr/Moria"},
      {"ls", "/", "--from", "rigging", "--long"},
      {"pull", "/", "--from", "rigging", "--dry-run"},
      {"pull", "/", "--from", "rigging", "--verbose"},
      {"lock", "/dev/chr/Moria"},
      {"locks"},
      {"records", "/"},
      {"unlock", "/dev/chr/Moria"},
      {"calls"},
      {"call", "server.info"},
      {"services"},
      {"history", "story"},
      {"show", "story@1"},
      {"diff", "story@1", "story@1"},
      {"log"},
      {"status"},
      {"abort"},
  };
  const auto lighting = office.join("lighting");
  for (auto words : commands) {
    INFO(words[0]);
    words.emplace_back("--json");
    const auto done = office.run("lighting", words);
    CHECK(done.err.empty());
    CHECK(done.ending.exit_code == 0);
    const auto printed = objects(done.out);
    CHECK_FALSE(printed.empty());
    for (const auto& each : printed) CHECK(each.at("event").is_string());
  }
  CHECK(exit_code(office.server()) == 0);
  office.joined->send_signal(SIGINT);
  CHECK(exit_code(*office.joined) == 130);
  for (const auto& each : objects(office.server().printed(Stream::out))) CHECK(each.at("event").is_string());
  for (const auto& each : objects(office.joined->printed(Stream::out))) CHECK(each.at("event").is_string());
}

TEST_CASE("what a pull moved out of the way is listed, and comes back") {
  Office office;
  support::write_file(office.folder("rigging") / "dev/a", "rigging's");
  support::write_file(office.folder("lighting") / "dev/a", "lighting's");
  const auto run = [&](std::vector<std::string> words) { return office.run("lighting", std::move(words)); };
  CHECK(run({"versions"}).out.empty());
  CHECK(run({"versions"}).ending.exit_code == 0);
  CHECK(run({"versions", "/dev/a"}).ending.exit_code == 0);
  const auto unknown = run({"versions", "/nothing"});
  CHECK(unknown.ending.exit_code == 3);
  CHECK(unknown.err == "error: no version of \"/nothing\" was kept, and there is nothing of that name\n");
  CHECK(run({"restore", "/dev/a"}).ending.exit_code == 3);
  REQUIRE(run({"pull", "/dev", "--from", "rigging"}).ending.exit_code == 5);  // Both have made it.

  const auto listed = run({"versions", "/dev", "--json"});
  CHECK(listed.ending.exit_code == 0);
  REQUIRE(objects(listed.out).size() == 1);
  const Json version = objects(listed.out).front();
  CHECK(version.at("event") == "version");
  CHECK(version.at("path") == "dev/a");
  CHECK(version.at("size") == 10);
  CHECK(version.at("kind") == "file");
  CHECK(support::read_file(office.folder("lighting") / std::string(version.at("kept_as"))) == "lighting's");
  CHECK_THAT(run({"versions"}).out, Contains("/dev/a") && Contains(std::string(version.at("kept_at"))));

  const auto restored = run({"restore", "/dev/a", "--version", std::string(version.at("kept_at")), "--json"});
  CHECK(restored.err ==
        "\"/dev/a\" made room and is kept as " + std::string(objects(restored.out)[0].at("kept_as")) + "\n");
  CHECK(restored.ending.exit_code == 0);
  CHECK(events(restored.out, "restored").front().at("files") == 1);
  CHECK(support::read_file(office.folder("lighting") / "dev/a") == "lighting's");
  CHECK(run({"restore", "/dev/a", "--version", "1", "--to", "/dev/b"}).ending.exit_code == 0);
  CHECK(support::read_file(office.folder("lighting") / "dev/b") == "rigging's");
  CHECK(run({"restore", "/dev/a", "--version", "9"}).ending.exit_code == 3);
  CHECK(run({"restore", "/dev/a", "--version", "20"}).ending.exit_code == 3);
  CHECK(run({"restore", "/dev/a", "--version", "2026"}).ending.exit_code != 0);
  CHECK(run({"restore", "../a"}).ending.exit_code == 2);
  // What is said of kept files does not bring a document back.
  write_file(office.folder("lighting") / "doc.json", "{}");
  REQUIRE(run({"story", "set", "doc.json"}).ending.exit_code == 0);
  const Json story = objects(run({"history", "story", "--json"}).out).at(0);
  const std::string as_it_was = "story@" + std::to_string(story.at("revision").get<int>());
  for (const char* option : {"--to", "--version"})
    CHECK(run({"restore", as_it_was, option, "1"}).ending.exit_code == 3);
  CHECK(objects(run({"history", "story", "--json"}).out).size() == 1);
  CHECK(run({"restore"}).ending.exit_code == 2);
}

TEST_CASE("what of a kept folder cannot be restored is named, and how to go on with the same version") {
  Studio studio;
  const auto folder = studio.add_user("rigging");
  const auto run = [&](std::vector<std::string> words) { return studio.run("rigging", std::move(words)); };
  const std::string kept = ".callboard/versions/2026-11-21T13-52-23.123Z/dev";
  support::write_file(folder / kept / "a", "as it was");
  REQUIRE(mkfifo((folder / kept / "pipe").c_str(), 0600) == 0);
  support::write_file(folder / "dev/a", "edited");
  const auto restored = run({"restore", "/dev"});
  CHECK(restored.ending.exit_code == 4);
  CHECK_THAT(restored.out,
             Contains("restored \"/dev\" as it was kept at 2026-11-21T13:52:23.123Z: 1 file, 9 B"));
  CHECK_THAT(restored.err, Contains("\"/dev/a\" made room and is kept as .callboard/versions/"));
  CHECK_THAT(restored.err,
             Contains("error: restore \"/dev/pipe\": expected a file, link or folder, \"" + kept +
                      "/pipe\" is a pipe; what made room is the newest version now: go on with "
                      "--version 2026-11-21T13:52:23.123Z"));
  CHECK(support::read_file(folder / "dev/a") == "as it was");

  const auto again = run({"restore", "/dev", "--version", "2026-11-21T13:52:23.123Z", "--json"});
  CHECK(again.ending.exit_code == 4);
  CHECK(support::read_file(folder / "dev/a") == "as it was");
  CHECK(events(again.out, "problem").front().at("path") == "dev/pipe");
  const Json sum = events(again.out, "restored").front();
  CHECK(sum.at("files") == 0);
  CHECK(sum.at("unchanged_files") == 1);
  CHECK(sum.at("problems") == 1);
  CHECK(sum.at("kept_at") == "2026-11-21T13:52:23.123Z");
  CHECK(run({"restore", "/dev/a", "--to", "/"}).ending.exit_code == 2);
}

TEST_CASE("what makes no sense is a usage error, said before any server is asked") {
  Studio studio;
  studio.add_user("rigging");
  const std::vector<std::vector<std::string>> mistakes{
      {},
      {"frobnicate"},
      {"pull"},
      {"pull", "/dev", "--form", "rigging"},
      {"say"},
      {"story"},
      {"story", "set"},
      {"users", "--discovery-port", "70000"},
      {"serve", "--port", "-1"},
      {"serve", "--log-level", "loud"},
      {"users", "--name", "two\nlines"},
      {"discover", "--wait", "-1"},
      {"discover", "--ask", "nonsense"},
      {"messages", "--since", "yesterday"},
      {"users", "--server", "host:99999"},
  };
  for (const auto& words : mistakes) {
    INFO((words.empty() ? "" : words[0] + " " + words.back()));
    const auto done = studio.run("rigging", words);
    CHECK(done.ending.exit_code == 2);
    CHECK_THAT(done.err, Contains("error: "));
    CHECK(done.out.empty());
  }
}

TEST_CASE("a file that a server is given and that is of no use is a usage error, whatever it is") {
  Studio studio;
  const fs::path folder = studio.add_user("rigging");
  support::write_file(folder / "bad.json", "{");
  support::write_file(folder / "bad.toml", "a = \n");
  support::write_file(folder / "bad.sqlite", std::string(5000, 'x'));
  fs::create_directory(folder / "folder");
  const std::vector<std::vector<std::string>> useless{
      {"--schema", "missing"},     {"--schema", "bad.json"},        {"--schema", "bad.toml"},
      {"--services", "missing"},   {"--services", "bad.json"},      {"--services", "bad.toml"},
      {"--task", "missing"},       {"--task", "bad.json"},          {"--plugin", "missing"},
      {"--plugin", "bad.json"},    {"--log-file", "bad.json/log"},  {"--restore", "missing"},
      {"--restore", "bad.sqlite"}, {"--plugin", TAKEN_NAME_PLUGIN}, {"--task", "folder"},
  };
  for (const auto& words : useless) {
    for (const bool checks : {false, true}) {
      INFO(words[0] + " " + words[1] + (checks ? " --check" : ""));
      std::vector<std::string> all{"serve", words[0], words[1]};
      if (checks) all.emplace_back("--check");
      const auto done = studio.run("rigging", all);
      CHECK(done.ending.exit_code == 2);
      CHECK_THAT(done.err, Contains(words[1].substr(0, words[1].find('/', 1))) && !Contains("\\\\"));
    }
  }
}

TEST_CASE("a data folder that cannot be made ends a server with 1, and it is said where that was tried") {
  Studio studio;
  studio.add_user("rigging");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"serve"}, {"serve", "--detach"}, {"key", "add", "rigging"}}) {
    INFO(words.back());
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--data", "/proc/x"});
    const auto done = studio.run("rigging", all);
    CHECK(done.ending.exit_code == 1);
    CHECK_THAT(done.err,
               Contains("data folder \"/proc/x/") &&
                   Contains("expected that it can be made in \"/proc\", got: no such file or directory"));
  }
}

TEST_CASE("keys that are of no use keep a server from its start, and its check says so with the same code") {
  Studio studio;
  studio.add_user("rigging");
  REQUIRE(studio.run("rigging", {"key", "add", "rigging", "--role", "admin"}).ending.exit_code == 0);
  SECTION("damaged") { support::write_file(studio.keys(), "x"); }
  SECTION("open to others") { fs::permissions(studio.keys(), fs::perms::others_read, fs::perm_options::add); }
  const auto checked = studio.run("rigging", {"serve", "--check"});
  CHECK(checked.ending.exit_code == 2);
  CHECK_THAT(checked.err, Contains("keys \""));
  const auto started = studio.run("rigging", {"serve"});
  CHECK(started.ending.exit_code == 2);
  CHECK_THAT(started.err, Catch::EndsWith(checked.err));
}

TEST_CASE("what is missing is named, with what may stand there and where to read more") {
  Studio studio;
  studio.add_user("rigging");
  CHECK(studio.run("rigging", {"history"}).err ==
        "error: DOCUMENT is missing: story, analytics, or a record like /reviews/sc01\nsee callboard history "
        "--help\n");
  CHECK(studio.run("rigging", {"key"}).err ==
        "error: expected one of: add, list, roles, revoke, rotate\nsee callboard key --help\n");
  CHECK(studio.run("rigging", {"key", "add"}).err ==
        "error: NAME is missing: who is to hold it; everybody sees its sessions under this name\nsee "
        "callboard key add --help\n");
}

TEST_CASE("what a server would refuse as nonsense is a usage error too") {
  Office office;
  const std::vector<std::vector<std::string>> mistakes{
      {"pull", "../elsewhere", "--from", "rigging"},
      {"pull", "/dev/../../elsewhere", "--from", "rigging"},
      {"say", std::string(8193, 'x')},
      {"say", ""},
      {"say", " \n"},
      {"say", "not utf-8 \xff"},
      {"at", "../elsewhere"},
  };
  for (const auto& words : mistakes) {
    INFO(words[0] << " " << words[1].substr(0, 50));
    const auto done = office.run("rigging", words);
    CHECK(done.ending.exit_code == 2);
    CHECK_THAT(done.err, Contains("error: "));
  }
  CHECK(office.run("rigging", {"say", std::string(8192, 'x')}).ending.exit_code == 0);
}

TEST_CASE("a folder that is not there is named once by who was to join in it") {
  const Studio studio;
  const std::string nowhere = (studio.home() / "nowhere").string();
  const auto done =
      support::run(studio.command(0, {"join", "--folder", nowhere, "--project", "P", "--name", "x"}));
  CHECK(done.ending.exit_code == 3);
  CHECK(done.err == "error: open project folder \"" + nowhere + "\": no such file or directory\n");
}

TEST_CASE("outside a project's folder a verb says what it lacks") {
  const Studio studio;
  for (const auto* verb : {"users", "join", "serve"}) {
    INFO(verb);
    const auto done = support::run(studio.command(0, {verb}));
    CHECK(done.ending.exit_code == 2);
    CHECK_THAT(done.err, Contains("no project: give --project NAME") && Contains("callboard init"));
  }
  const auto done = support::run(studio.command(0, {"pull", "/", "--project", "P", "--name", "x"}));
  CHECK(done.ending.exit_code == 2);
  CHECK_THAT(done.err, Contains("no project folder here"));
}

TEST_CASE("without a server, or without the user or item asked for, the exit code is 3") {
  Office office;
  CHECK(office.run("lighting", {"pull", "/dev", "--from", "nobody"}).ending.exit_code == 3);
  const auto item = office.run("lighting", {"pull", "/dev/chr/Balin", "--from", "rigging"});
  CHECK(item.ending.exit_code == 3);
  CHECK(item.err == "error: \"/dev/chr/Balin\": \"rigging\" has no such file or folder\n");
  CHECK(item.out.empty());
  CHECK_FALSE(fs::exists(office.lighting / "dev"));
  const auto newest = office.run("lighting", {"pull", "/dev/chr/Balin"});
  CHECK(newest.ending.exit_code == 3);
  CHECK_THAT(newest.err, Contains("has told of a copy of \"/dev/chr/Balin\""));
  const auto looked = office.run("lighting", {"ls", "/dev/chr/Balin", "--from", "rigging"});
  CHECK(looked.ending.exit_code == 3);
  CHECK(looked.err == item.err);
  office.server().send_signal(SIGTERM);
  CHECK(exit_code(office.server()) == 0);
  CHECK(office.run("lighting", {"discover", "--wait", "0.1"}).ending.exit_code == 3);
  const auto at_address = office.run("lighting", {"users", "--server", office.server_address()});
  CHECK(at_address.ending.exit_code == 3);
  CHECK(at_address.err == "error: connect to " + office.server_address() + ": connection refused\n");
}

TEST_CASE("another project's server refuses, and nobody there learns of it") {
  Office office;
  const auto visit =
      office.run("lighting", {"users", "--project", "Moria's Rice", "--server", office.server_address()});
  CHECK(visit.ending.exit_code == 4);
  CHECK_THAT(visit.err, Contains("Moria's Rice"));
  const auto joining =
      office.run("lighting", {"join", "--project", "Moria's Rice", "--server", office.server_address()});
  CHECK(joining.ending.exit_code == 4);
  const auto found = office.run("lighting", {"users", "--project", "Moria's Rice"});
  CHECK(found.ending.exit_code == 3);
  CHECK_THAT(found.err, Contains("servers of other projects do"));
  CHECK(objects(office.run("rigging", {"users", "--json"}).out).size() == 1);
  REQUIRE(office.run("rigging", {"say", "mark"}).ending.exit_code == 0);
  wait_for_event(*office.joined, "message");
  CHECK(events(office.joined->printed(Stream::out), "user").size() == 1);
  CHECK(events(office.joined->printed(Stream::out), "user_left").empty());
}

TEST_CASE("Ctrl-C on join leaves: exit 130, and the others are told exactly once") {
  Office office;
  const auto lighting = office.join("lighting");
  wait_for_event(*office.joined, "user", [](const Json& each) { return each.at("name") == "lighting"; });
  lighting->send_signal(SIGINT);
  CHECK(exit_code(*lighting) == 130);
  CHECK(wait_for_event(*office.joined, "user_left").at("name") == "lighting");
  REQUIRE(office.run("rigging", {"say", "mark"}).ending.exit_code == 0);
  wait_for_event(*office.joined, "message");
  CHECK(events(office.joined->printed(Stream::out), "user_left").size() == 1);
  CHECK(lighting->printed(Stream::err).empty());
}

TEST_CASE("Ctrl-C on a server says goodbye: exit 130; SIGTERM, as a service is stopped, is exit 0") {
  Office office;
  office.server().send_signal(SIGINT);
  CHECK(exit_code(office.server()) == 130);
  CHECK(wait_for_event(*office.joined, "left").at("why") == "the server was stopped");
  office.serve();
  wait_for_event(*office.joined, "joined");
  office.server().send_signal(SIGTERM);
  CHECK(exit_code(office.server()) == 0);
  office.joined->send_signal(SIGTERM);
  CHECK(exit_code(*office.joined) == 0);
}

TEST_CASE("Ctrl-C ends a join that still looks for its server") {
  Studio studio;
  studio.add_user("rigging");
  const auto looking = studio.start("rigging", {"join", "--json"});
  const auto searching = wait_for_event(*looking, "searching");
  CHECK_THAT(searching.at("why").get<std::string>(),
             Contains("no server of project \"Moria's Race\" answers"));
  looking->send_signal(SIGINT);
  CHECK(exit_code(*looking) == 130);
}

TEST_CASE("Ctrl-C ends a pull whose giver has stalled, a second one ends it at once") {
  Office office;
  const bool is_twice = GENERATE(false, true);
  office.joined->send_signal(SIGSTOP);
  const auto pulling = office.start("lighting", {"pull", "/dev", "--from", "rigging", "--json"});
  REQUIRE(pulling->wait_for(Stream::out, "\"event\":\"progress\""));
  // Two different signals: one that is pending already is not counted again.
  pulling->send_signal(SIGINT);
  if (is_twice) pulling->send_signal(SIGTERM);
  CHECK(exit_code(*pulling) == 130);
  CHECK_FALSE(fs::exists(office.lighting / "dev/chr/Moria/moria.blend"));
  objects(pulling->printed(Stream::out));
  office.joined->send_signal(SIGCONT);
  CHECK(office.run("lighting", {"pull", "/dev", "--from", "rigging"}).ending.exit_code == 0);
}

TEST_CASE("the second Ctrl-C ends what still takes its leave of a server that is stuck") {
  Office office;
  office.server().send_signal(SIGSTOP);
  office.joined->send_signal(SIGINT);
  office.joined->send_signal(SIGTERM);
  CHECK(exit_code(*office.joined) == 130);
  office.server().send_signal(SIGCONT);
}

TEST_CASE("output that cannot be written is a failure, not a silence") {
  Office office;
  auto command = office.command(0, {"users", "--json", "--name", "x", "--project", office.project()});
  command.words = {"sh",
                   "-c",
                   "exec \"$@\" >/dev/full",
                   "sh",
                   command.words[0],
                   command.words[1],
                   command.words[2],
                   command.words[3],
                   command.words[4],
                   command.words[5],
                   command.words[6]};
  const auto done = support::run(command);
  CHECK(done.ending.exit_code == 1);
  CHECK_THAT(done.err, Contains("stdout"));
}

}  // namespace
}  // namespace callboard::e2e::exit_codes_test
