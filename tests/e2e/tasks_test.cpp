// Programs that carry out calls for the server, and the shell that calls are typed into.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::tasks_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using support::write_file;

const fs::path kCounter = fs::path(DOCS_FOLDER) / "counter.py";

struct Office : Studio {
  Office() { add_user("rigging"); }
  explicit Office(const std::vector<std::string>& options) : Office() { serve(options); }

  // Fields of the only record at that path.
  Json fields(const std::string& path) const {
    const auto listed = objects(run("rigging", {"records", path, "--json"}).out);
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].at("path") == path);
    return listed[0].at("fields");
  }
  std::unique_ptr<Process> start_call(std::vector<std::string> words) const {
    words.insert(words.begin(), "call");
    return start("rigging", std::move(words));
  }
  void stop_server() {
    server().send_signal(SIGTERM);
    CHECK(exit_code(server()) == 0);
  }

  // A program in the home folder.
  std::string program(const std::string& name, const std::string& text) {
    const fs::path path = home() / name;
    write_file(path, text);
    fs::permissions(path, fs::perms::owner_all);
    return path.string();
  }
  Finished call(std::vector<std::string> words) const {
    words.insert(words.begin(), "call");
    return run("rigging", std::move(words));
  }
};

// Tells one call, then does with each line what `does` says.
std::string shell_task(
    const std::string& does,
    const std::string& call = R"({"name":"work","args":[{"name":"word","optional":true}],"result":"text"})") {
  return "#!/bin/sh\nread init\necho '{\"calls\":[" + call + "]}'\nwhile read line; do\n" + does + "\ndone\n";
}

}  // namespace

TEST_CASE("a counter in twenty lines of Python survives that its server is killed") {
  Office office({"--task", kCounter.string()});
  CHECK(office.call({"counter.add"}).out == "1\n");
  CHECK(office.call({"counter.add", "41"}).out == "42\n");
  CHECK_THAT(office.run("rigging", {"calls", "counter.add"}).out,
             Contains("keeps its state in /queue/counter"));
  office.kill_server();
  office.serve({"--task", kCounter.string()});
  CHECK(office.call({"counter.add"}).out == "43\n");
  CHECK(office.call({"counter.add", "x"}).ending.exit_code == 2);
  CHECK(office.call({"counter.add", "0"}).out == "43\n");
}

TEST_CASE("a state is a record that is there from the first moment, and that nobody else writes") {
  Office office({"--task", kCounter.string()});
  CHECK(office.fields("/queue/counter") == Json({{"value", {{"count", 0}}}}));
  CHECK(office.run("rigging", {"record", "set", "/queue/counter", "value=1"}).ending.exit_code == 4);
  CHECK(office.run("rigging", {"record", "remove", "/queue/counter"}).ending.exit_code == 4);
  CHECK(office.run("rigging", {"record", "make", "/queue/other", "--class", "state"}).ending.exit_code == 4);
  const auto follower = office.start("rigging", {"records", "/queue", "--follow", "--json"});
  CHECK(wait_for_event(*follower, "record").at("fields").at("value").at("count") == 0);
  CHECK(office.call({"counter.add", "3"}).out == "3\n");
  const Json told = wait_for_event(*follower, "record");
  CHECK(told.at("fields").at("value").at("count") == 3);
  CHECK(told.at("class") == "state");
  CHECK(told.at("by") == "rigging");
}

TEST_CASE(
    "what a task's call writes into records is there with its state, or not at all, and nobody else writes "
    "it") {
  Office office;
  const std::string schema = (office.home() / "votes.json").string();
  write_file(
      schema,
      R"({"classes": [{"name": "review", "fields": [{"name": "status", "type": "text"}, {"name": "votes", "type": "int", "computed": true}]},
             {"name": "vote", "write": "server", "fields": [{"name": "last_by", "type": "user"}]}]})");
  const std::vector<std::string> words{"--schema", schema, "--task",
                                       (fs::path(DOCS_FOLDER) / "tally.py").string()};
  office.serve(words);
  REQUIRE(office.run("rigging", {"record", "make", "/reviews/sc01", "--class", "review", "status=open"})
              .ending.exit_code == 0);
  CHECK(office.call({"review.vote", "sc01"}).out == "1\n");
  CHECK(office.fields("/reviews/sc01") == Json({{"status", "open"}, {"votes", 1}}));
  CHECK(office.fields("/votes/sc01") == Json({{"last_by", "rigging"}}));
  CHECK(office.run("rigging", {"record", "set", "/reviews/sc01", "votes=7"}).ending.exit_code == 4);
  CHECK(office.run("rigging", {"record", "set", "/votes/sc01", "last_by=me"}).ending.exit_code == 4);
  // One of them cannot be: none is, and the state is what it was.
  const auto refused = office.call({"review.vote", "*"});
  CHECK(refused.ending.exit_code != 0);
  CHECK_THAT(refused.err, Contains("a path of one record"));
  CHECK(office.fields("/tally") == Json({{"value", {{"sc01", 1}}}}));
  office.kill_server();
  office.serve(words);
  CHECK(office.call({"review.vote", "sc01"}).out == "2\n");
  CHECK(office.fields("/reviews/sc01") == Json({{"status", "open"}, {"votes", 2}}));
  CHECK_THAT(office.run("rigging", {"history", "/reviews/sc01"}).out, Contains("rigging"));
}

TEST_CASE("a state is in a backup") {
  Office office({"--task", kCounter.string()});
  CHECK(office.call({"counter.add", "7"}).out == "7\n");
  const std::string file = (office.home() / "board.sqlite").string();
  const std::string data = (office.home() / "elsewhere").string();
  const auto made = objects(office.run("rigging", {"call", "backup", "--json"}).out).at(0);
  fs::copy_file(made.at("result").at("file").get<std::string>(), file);
  office.stop_server();
  office.serve({"--task", kCounter.string(), "--restore", file, "--data", data});
  CHECK(office.call({"counter.add", "0"}).out == "7\n");
}

TEST_CASE("a server that is killed in the middle of a call has the state of before it") {
  Office office;
  const std::string marker = (office.home() / "in-the-middle").string();
  // Has changed its own idea of the state, and says nothing more.
  const std::string stuck = office.program("stuck", R"(#!/usr/bin/env python3
import json, sys
for line in sys.stdin:
    said = json.loads(line)
    if said["do"] == "init":
        answer = {"calls": [{"name": "counter.add", "state": "/queue/counter", "result": "int"}],
                  "states": {"/queue/counter": {"count": 5}}}
        print(json.dumps(answer), flush=True)
    elif said["do"] == "call":
        open(")" + marker + R"(", "w").close()
)");
  office.serve({"--task", stuck});
  const auto waiting = office.start_call({"counter.add"});
  while (!fs::exists(marker)) CHECK(office.call({"ping"}).ending.exit_code == 0);
  office.kill_server();
  office.serve({"--task", kCounter.string()});
  CHECK(office.call({"counter.add", "0"}).out == "5\n");
}

TEST_CASE("calls of whom a killed server answered some are done once each when all are asked again") {
  constexpr std::size_t kCalls = 12;
  Office office({"--task", kCounter.string()});
  const auto op = [](std::size_t i) { return std::string(31, '0') + "123456789abcdef"[i]; };
  std::vector<std::unique_ptr<Process>> calls;
  for (std::size_t i = 0; i < kCalls; ++i) calls.push_back(office.start_call({"counter.add", "--op", op(i)}));
  CHECK(calls[0]->wait_for_line(Stream::out, [](std::string_view line) { return !line.empty(); }));
  office.kill_server();
  std::set<std::string> counts;
  std::vector<std::string> answers(kCalls);
  for (std::size_t i = 0; i < kCalls; ++i) {
    if (const auto ending = calls[i]->wait(); ending && ending->exit_code == 0)
      answers[i] = calls[i]->printed(Stream::out);
  }
  office.serve({"--task", kCounter.string()});
  for (std::size_t i = 0; i < kCalls; ++i) {
    INFO(i);
    const auto again = office.call({"counter.add", "--op", op(i)});
    CHECK(again.ending.exit_code == 0);
    if (!answers[i].empty()) CHECK(again.out == answers[i]);
    counts.insert(again.out);
  }
  CHECK(counts.size() == kCalls);
  CHECK(office.call({"counter.add", "0"}).out == std::to_string(kCalls) + "\n");
}

TEST_CASE("what a task leaves in its state at its exit is there in the next server") {
  Office office({"--task", kCounter.string()});
  CHECK(office.call({"counter.add", "2"}).out == "2\n");
  office.stop_server();
  office.serve();
  CHECK(office.fields("/queue/counter") == Json({{"value", {{"count", 2}, {"at_rest", true}}}}));
  office.kill_server();
  office.serve({"--task", kCounter.string()});
  CHECK(office.call({"counter.add"}).out == "3\n");
  CHECK(office.fields("/queue/counter") == Json({{"value", {{"count", 3}}}}));
}

TEST_CASE("what a task leaves in what is not its own is said, and not kept") {
  Office office;
  office.serve(
      {"--task", office.program("task", shell_task("case $line in *exit*) "
                                                   "echo '{\"states\":{\"/other\":1,\"/mine\":2}}' ;; esac",
                                                   R"({"name":"work","state":"/mine"})"))});
  CHECK(office.fields("/mine") == Json::object());
  office.stop_server();
  CHECK_THAT(office.server().printed(Stream::err),
             Contains("state left by a task not kept") && Contains("/other"));
  office.serve();
  CHECK(office.fields("/mine") == Json({{"value", 2}}));
  CHECK(objects(office.run("rigging", {"records", "/other", "--json"}).out).empty());
}

TEST_CASE("a call whose state is something else already is left out, and that is said") {
  Office office;
  const std::string schema = (office.home() / "schema.json").string();
  write_file(schema, R"({"classes":[{"name":"note","fields":[{"name":"text","type":"text"}]}]})");
  office.serve({"--schema", schema});
  REQUIRE(office.run("rigging", {"record", "make", "/queue/counter", "--class", "note"}).ending.exit_code ==
          0);
  office.kill_server();
  office.serve({"--schema", schema, "--task", kCounter.string()});
  CHECK(office.server().wait_for(Stream::err, "call of a task left out"));
  CHECK_THAT(office.server().printed(Stream::err), Contains("is a record of class"));
  CHECK(office.call({"counter.add"}).ending.exit_code == 3);
}

TEST_CASE("a call that is described wrongly is left out and named, and its task does the others") {
  Office office;
  office.serve({"--task", office.program("task", shell_task(R"(echo '{"call":1,"result":"good"}')",
                                                            R"({"name":"open","permision":"farm.use"},)"
                                                            R"({"name":"work","result":"text"})"))});
  CHECK(office.server().wait_for(Stream::err, "call of a task left out"));
  CHECK_THAT(office.server().printed(Stream::err), Contains("permision: no such key"));
  CHECK(office.call({"open"}).ending.exit_code == 3);
  CHECK(office.call({"work"}).out == "good\n");
  CHECK_THAT(office.run("rigging", {"status"}).out, Contains("permision"));
}

TEST_CASE("what a task writes into records that does not fit is its failure, not its caller's mistake") {
  Office office;
  office.serve(
      {"--task",
       office.program(
           "task",
           shell_task(
               R"(echo '{"call":1,"result":"good","records":[{"path":"/r","class":"nothing","fields":{}}]}')"))});
  const auto failed = office.call({"work"});
  CHECK(failed.ending.exit_code == 1);
  CHECK_THAT(failed.err, Contains("work: its task's records: class \"nothing\""));
}

TEST_CASE("a task that ends during a call fails that call, and is started again") {
  Office office;
  const std::string marker = (office.home() / "was-here").string();
  office.serve(
      {"--task",
       office.program(
           "task", shell_task("if [ ! -e '" + marker + "' ]; then touch '" + marker + "'; exit 3; fi\n" +
                              R"(n=${line#*\"call\":}; echo "{\"call\":${n%%,*},\"result\":\"done\"}")"))});
  const auto failed = office.call({"work"});
  CHECK(failed.ending.exit_code == 1);
  CHECK_THAT(failed.err, Contains("work: the task that does it has ended (exit code 3)"));
  Finished again;
  do {
    again = office.call({"work"});
  } while (again.ending.exit_code != 0);
  CHECK(again.out == "done\n");
}

TEST_CASE("how tasks are is seen in the status, and why one is not ready") {
  Office office;
  office.serve({"--task", kCounter.string(), "--task", office.program("broken", "#!/bin/sh\nexit 3\n")});
  CHECK_THAT(office.run("rigging", {"status"}).out,
             Contains("tasks     counter.py ready, broken failing: it has ended (exit code 3)\n"));
  const Json told = events(office.run("rigging", {"status", "--json"}).out, "status").at(0);
  CHECK(told.at("tasks").at(1).at("state") == "failing");
  CHECK(told.at("plugins") == Json::array());
}

TEST_CASE("a task's error is the call's, and its progress is shown before the result") {
  Office office;
  office.serve({"--task", office.program("task", shell_task(
                                                     R"(n=${line#*\"call\":}; n=${n%%,*}
case $line in
*broken*) echo "{\"call\":$n,\"error\":\"it broke\",\"outcome\":\"locked\"}" ;;
*) echo "{\"call\":$n,\"progress\":\"halfway\"}"; echo "{\"call\":$n,\"result\":\"good\"}" ;;
esac)"))});
  const auto broken = office.call({"work", "broken"});
  CHECK(broken.ending.exit_code == 6);
  CHECK_THAT(broken.err, Contains("it broke"));
  CHECK(office.call({"work", "well"}).out == "good\n");
}

TEST_CASE("a list and a text in brackets reach a task as they were typed") {
  Office office;
  office.serve(
      {"--task", office.program("echo", shell_task(R"(n=${line#*call\":}; n=${n%%,*}
a=${line#*arguments\":}; a=${a%\}}
echo "{\"call\":$n,\"result\":$a}")",
                                                   R"({"name":"work","args":[{"name":"shots","type":"list"},)"
                                                   R"({"name":"word"}],"result":"map"})"))});
  const auto called = office.call({"work", "[\"sc01\",\"sc02\"]", "[sc01,sc02]", "--json"});
  REQUIRE(called.ending.exit_code == 0);
  const Json result = objects(called.out).back().at("result");
  CHECK(result == Json::parse(R"({"shots":["sc01","sc02"],"word":"[sc01,sc02]"})"));
}

TEST_CASE("a call that takes longer than it may is answered, and its task is told") {
  Office office;
  const std::string marker = (office.home() / "cancelled").string();
  office.serve({"--task", office.program(
                              "task", shell_task("case $line in *cancel*) touch '" + marker + "' ;; esac"))});
  const auto late = office.call({"work", "--deadline", "0.05"});
  CHECK(late.ending.exit_code == 7);
  CHECK_THAT(late.err, Contains("work: its time is over"));
  while (!fs::exists(marker)) {
    CHECK(office.call({"ping"}).ending.exit_code == 0);
  }
}

TEST_CASE(
    "what is no program is refused before anything is made, and one that cannot be understood is killed") {
  Office office;
  const auto missing = office.run("rigging", {"serve", "--task", "nothing-here"});
  CHECK(missing.ending.exit_code == 2);
  CHECK_THAT(missing.err, Contains("--task \"nothing-here\": there is no such file"));
  write_file(office.folder("rigging") / "plain", "x");
  const auto plain = office.run("rigging", {"serve", "--task", "plain"});
  CHECK(plain.ending.exit_code == 2);
  CHECK_THAT(plain.err, Contains("chmod +x"));
  office.serve({"--task", office.program("task", "#!/bin/sh\necho hello\nread forever\nread forever\n")});
  CHECK(office.server().wait_for(Stream::err, "task makes no sense, killed"));
  CHECK(office.call({"ping"}).ending.exit_code == 0);
}

TEST_CASE("a server that stops lets its tasks end") {
  Office office;
  const std::string marker = (office.home() / "ended").string();
  office.serve({"--task", office.program("task", shell_task("case $line in *'\"do\":\"exit\"'*) touch '" +
                                                            marker + "' ;; esac"))});
  office.server().send_signal(SIGTERM);
  CHECK(exit_code(office.server()) == 0);
  CHECK(fs::exists(marker));
}

TEST_CASE("calls are typed into the shell, and it says what went wrong without ending") {
  Office office;
  office.serve();
  const auto joined = office.join("rigging");
  const auto shell = office.start("rigging", {"shell", "--json"});
  shell->write_input("# a remark\n\nping()\nkick(\nserver.info\nlevitate(\"a, b\")\nhelp ping\n");
  shell->close_input();
  const auto ending = shell->wait();
  REQUIRE(ending);
  CHECK(ending->exit_code == 3);
  const auto results = events(shell->printed(Stream::out), "result");
  REQUIRE(results.size() == 2);
  CHECK(results[0].at("call") == "ping");
  CHECK(results[1].at("result").at("project") == office.project());
  CHECK(events(shell->printed(Stream::out), "call").size() == 1);
  CHECK_THAT(shell->printed(Stream::err),
             Contains("kick: ( is not closed") && Contains("no call named \"levitate\""));
}

TEST_CASE("what is quoted in the shell is a value, whatever stands before a = in it") {
  Office office;
  office.serve({"--task", office.program("echo", shell_task(R"(n=${line#*call\":}; n=${n%%,*}
a=${line#*arguments\":}; a=${a%\}}
echo "{\"call\":$n,\"result\":$a}")",
                                                            R"({"name":"work","args":[{"name":"a"},{"name":)"
                                                            R"("b","optional":true}],"result":"map"})"))});
  const auto shell = office.start("rigging", {"shell", "--json"});
  shell->write_input("work(\"b=1\")\nwork('c=2', b=\"x=3\")\nwork b=2 'a=1'\n");
  shell->close_input();
  CHECK(exit_code(*shell) == 0);
  const auto results = events(shell->printed(Stream::out), "result");
  REQUIRE(results.size() == 3);
  CHECK(results[0].at("result") == Json({{"a", "b=1"}}));
  CHECK(results[1].at("result") == Json({{"a", "c=2"}, {"b", "x=3"}}));
  CHECK(results[2].at("result") == Json({{"a", "a=1"}, {"b", "2"}}));
}

TEST_CASE("the shell ends with quit, with its input, and with Ctrl-C") {
  Office office;
  office.serve();
  const auto quit = office.start("rigging", {"shell"});
  quit->write_input("quit\nlevitate()\n");
  CHECK(exit_code(*quit) == 0);
  const auto interrupted = office.start("rigging", {"shell"});
  interrupted->write_input("ping()\n");
  CHECK(interrupted->wait_for_line(Stream::out, [](std::string_view line) { return !line.empty(); }));
  interrupted->send_signal(SIGINT);
  CHECK(exit_code(*interrupted) == 130);
}

TEST_CASE("Ctrl-C during a call in the shell ends that call alone") {
  Office office;
  const std::string marker = (office.home() / "begun").string();
  office.serve({"--task", office.program("task", shell_task("touch '" + marker + "'"))});
  const auto shell = office.start("rigging", {"shell", "--json"});
  shell->write_input("work()\nping()\n");
  while (!fs::exists(marker)) CHECK(office.call({"ping"}).ending.exit_code == 0);
  shell->send_signal(SIGINT);
  CHECK(shell->wait_for_line(
      Stream::out, [](std::string_view line) { return line.find("\"ping\"") != std::string_view::npos; }));
  shell->close_input();
  CHECK(exit_code(*shell) == 9);
  CHECK_THAT(shell->printed(Stream::err), Contains("error: work: it was cancelled"));
}

TEST_CASE("on a terminal the tab key completes the name of a call, then who is here") {
  Office office;
  office.serve();
  office.add_user("lighting");
  const auto joined = office.join("lighting");
  // Python gives it a terminal; what is typed ahead waits there.
  auto command = office.command(0, {"shell", "--json"});
  const std::vector<std::string> python{
      "python3", "-c", "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"};
  command.words.insert(command.words.begin(), python.begin(), python.end());
  command.directory = office.folder("rigging");
  command.environment.push_back("TERM=dumb");
  Process shell(command);
  shell.write_input("server.inf\t\n");
  const auto described = shell.wait_for(Stream::out, R"("call":"server.info")");
  INFO(shell.printed(Stream::out));
  REQUIRE(described);
  CHECK_THAT(*described, Contains(R"("project":)"));
  // In brackets, too, where a space follows what is complete.
  shell.write_input("kick(lig\t)\n");
  wait_for_event(*joined, "left");
  shell.write_input("qui\t\n");
  CHECK(exit_code(shell) == 0);
}

}  // namespace callboard::e2e::tasks_test
