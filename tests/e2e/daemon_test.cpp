// A server that outlives its terminal, and one that systemd looks after.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "tests/e2e/studio.h"
#include "tests/support/tree.h"

namespace callboard::e2e::daemon_test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

// A server that is nobody's child; it ends with the test in any case.
struct Detached : Studio {
  fs::path rigging = add_user("rigging");

  ~Detached() {
    try {
      static_cast<void>(run("rigging", {"server", "stop"}));
    } catch (const std::exception&) {
      // Nothing runs, or the test has failed already.
    }
  }
  Finished detach() const { return run("rigging", {"serve", "--detach", "--json"}); }
  Json running() const {
    const auto told = run("rigging", {"server", "status", "--json"});
    INFO(told.err);
    REQUIRE(told.ending.exit_code == 0);
    return events(told.out, "running").at(0);
  }
};

TEST_CASE("a detached server listens once its starter returns, and is looked after by its project's name") {
  Detached studio;
  CHECK(studio.run("rigging", {"server", "status"}).ending.exit_code == 3);
  CHECK(studio.run("rigging", {"server", "stop"}).ending.exit_code == 3);
  const auto started = studio.detach();
  INFO(started.err);
  REQUIRE(started.ending.exit_code == 0);
  const Json listening = events(started.out, "listening").at(0);
  const Json running = studio.running();
  CHECK(running.at("address") == "127.0.0.1:" + std::to_string(listening.at("port").get<int>()));
  CHECK_THAT(started.err, Contains("runs as process " + std::to_string(running.at("process").get<pid_t>())));
  CHECK_THAT(studio.run("rigging", {"server", "logs"}).out, Contains("listening address="));
  const std::string process = std::to_string(running.at("process").get<pid_t>());
  CHECK(support::read_file("/proc/" + process + "/comm") == "callboard\n");

  const auto second = studio.detach();
  CHECK(second.ending.exit_code == 4);
  CHECK_THAT(second.err, Contains("in use by process " + std::to_string(running.at("process").get<pid_t>())));

  const auto beside = studio.run("rigging", {"serve", "--data", (studio.home() / "other").string(), "--port",
                                             std::to_string(listening.at("port").get<int>())});
  CHECK(beside.ending.exit_code == 6);
  CHECK_THAT(beside.err, Contains("by process " + std::to_string(running.at("process").get<pid_t>())));

  const auto joined = studio.join("rigging");
  CHECK(studio.run("rigging", {"server", "stop"}).ending.exit_code == 0);
  wait_for_event(*joined, "left");
  CHECK(studio.run("rigging", {"server", "status"}).ending.exit_code == 3);
}

// The exit code of a program that a kernel runs which has no pidfd_open.
int exit_code_without_pidfd(const support::Command& command) {
  std::vector<char*> words;
  for (const std::string& each : command.words) words.push_back(const_cast<char*>(each.c_str()));
  words.push_back(nullptr);
  std::array filter{sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
                    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{filter.size(), filter.data()};
  const pid_t child = ::fork();
  if (child == 0) {
    for (const std::string& each : command.environment) ::putenv(const_cast<char*>(each.c_str()));
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    const bool is_set = ::dup2(nowhere, STDOUT_FILENO) >= 0 &&
                        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
                        ::chdir(command.directory.c_str()) == 0;
    if (is_set) ::execv(words.front(), words.data());
    ::_exit(127);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("a server is stopped, and waited for, also where the kernel gives no handle of its process") {
  Detached studio;
  REQUIRE(studio.detach().ending.exit_code == 0);
  auto stop = studio.command(0, {"server", "stop"});
  stop.directory = studio.rigging;
  CHECK(exit_code_without_pidfd(stop) == 0);
  CHECK(studio.run("rigging", {"server", "status"}).ending.exit_code == 3);
}

TEST_CASE("there, too, one that has ended is gone though its starter has not waited for it") {
  Detached studio;
  Process& server = studio.serve();
  auto stop = studio.command(0, {"server", "stop"});
  stop.directory = studio.rigging;
  CHECK(exit_code_without_pidfd(stop) == 0);
  CHECK(exit_code(server) == 0);
}

TEST_CASE("a restart starts it as it was started, and those who are joined come back as themselves") {
  Detached studio;
  const std::string backup = (studio.home() / "backup.sqlite").string();
  REQUIRE(studio.detach().ending.exit_code == 0);
  REQUIRE(studio.run("rigging", {"backup", backup}).ending.exit_code == 0);
  REQUIRE(studio.run("rigging", {"server", "stop"}).ending.exit_code == 0);
  fs::remove_all(studio.home() / "data");
  REQUIRE(studio.run("rigging", {"serve", "--detach", "--restore", backup}).ending.exit_code == 0);
  const auto joined = studio.join("rigging");
  const auto session = events(joined->printed(Stream::out), "joined").at(0).at("session");
  const Json before = studio.running();
  const auto restarted = studio.run("rigging", {"server", "restart", "--json"});
  INFO(restarted.err);
  CHECK(restarted.ending.exit_code == 0);
  const auto said = objects(restarted.out);
  REQUIRE(said.size() == 1);
  CHECK(said[0].at("event") == "listening");
  const Json after = studio.running();
  CHECK(after == before);
  CHECK(wait_for_event(*joined, "left").at("why") == "the server is restarted");
  CHECK(wait_for_event(*joined, "joined").at("session") == session);
}

TEST_CASE(
    "a restart of a detached server keeps its process and its socket, and turns nobody away meanwhile") {
  Detached studio;
  studio.add_user("lighting");
  REQUIRE(studio.detach().ending.exit_code == 0);
  const Json before = studio.running();
  const std::string address = before.at("address");
  const auto restarting = studio.start("rigging", {"server", "restart", "--json"});
  // Whoever connects at any moment of it is let in, after some waiting perhaps, unless they are sent off with all others.
  const auto deadline = std::chrono::steady_clock::now() + support::kPatience;
  for (bool is_done = false; !is_done;) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    is_done = restarting->wait(std::chrono::milliseconds(0)).has_value();
    const auto users = studio.run("lighting", {"users", "--server", address});
    INFO(users.err);
    if (users.ending.exit_code != 0) REQUIRE(users.ending.exit_code == 9);
  }
  CHECK(exit_code(*restarting) == 0);
  CHECK(studio.running() == before);
}

TEST_CASE("a restart leaves alone what somebody else would start, too") {
  Detached studio;
  Process& server = studio.serve();
  const auto refused = studio.run("rigging", {"server", "restart"});
  CHECK(refused.ending.exit_code == 4);
  CHECK_THAT(refused.err, Contains("was not started with --detach"));
  CHECK(studio.running().at("process") == server.id());
}

// All that a server loads beside its board, fit to be spoilt.
struct Laden : Detached {
  fs::path schema = home() / "studio.toml";
  fs::path task = home() / "task";
  fs::path plugin = home() / "plugin.so";
  fs::path roles;
  fs::path config = rigging / ".callboard/config";
  std::unique_ptr<Process> joined;

  Laden() {
    add_user("lighting");
    support::write_file(schema,
                        "[[classes]]\nname = \"take\"\nfields = [{ name = \"shot\", type = \"text\" }]\n");
    support::write_file(task, "#!/bin/sh\nread init\necho '{\"calls\":[]}'\nread exit\n");
    fs::permissions(task, fs::perms::owner_all);
    fs::copy_file(WORDS_PLUGIN, plugin);
    const auto started = run(
        "rigging", {"serve", "--detach", "--json", "--schema", schema, "--task", task, "--plugin", plugin});
    INFO(started.err);
    REQUIRE(started.ending.exit_code == 0);
    roles = fs::path(running().at("data").get<std::string>()) / "roles.json";
    joined = join("rigging");
  }
};

TEST_CASE("a restart that could not load what it has to is refused, and everybody stays in") {
  Laden studio;
  const Json before = studio.running();
  const std::string settings = support::read_file(studio.config);
  std::string named;
  SECTION("the schema") {
    support::write_file(studio.schema, "[[classes]");
    named = "schema \"" + studio.schema.string() + "\"";
  }
  SECTION("a task") {
    fs::permissions(studio.task, fs::perms::owner_read);
    named = "--task \"" + studio.task.string() + "\"";
  }
  SECTION("a plugin") {
    // In its place, as a build puts it: the old file is that of the server.
    support::write_file(studio.home() / "other", "x");
    fs::rename(studio.home() / "other", studio.plugin);
    named = "--plugin \"" + studio.plugin.string() + "\"";
  }
  SECTION("a plugin that is one, and has what is not to be had") {
    fs::copy_file(TAKEN_NAME_PLUGIN, studio.home() / "other");
    fs::rename(studio.home() / "other", studio.plugin);
    named = "--plugin \"" + studio.plugin.string() + "\": backup: there is a call of this name already";
  }
  SECTION("the roles") {
    support::write_file(studio.roles, "{\"supervisor\": 1}");
    named = "supervisor";
  }
  SECTION("the settings") {
    support::write_file(studio.config, settings + "relay_rate = fast\n");
    named = "fast";
  }
  INFO(named);
  const auto over_network = studio.run("lighting", {"restart", "--yes"});
  CHECK(over_network.ending.exit_code != 0);
  CHECK_THAT(over_network.err, Contains(named) && Contains("the server goes on"));
  const auto on_its_machine = studio.run("rigging", {"server", "restart"});
  CHECK(on_its_machine.ending.exit_code != 0);
  CHECK_THAT(on_its_machine.err, Contains(named));
  support::write_file(studio.config, settings);
  CHECK(studio.running().at("process") == before.at("process"));
  CHECK(studio.run("lighting", {"say", "nobody noticed"}).ending.exit_code == 0);
  CHECK(events(studio.joined->printed(Stream::out), "left").empty());
  CHECK_THAT(studio.run("rigging", {"server", "logs"}).out,
             Contains("[error] not started anew, all goes on cause="));
}

TEST_CASE("a server that fails to start anew says so in its log and by its exit code") {
  Studio studio;
  const fs::path rigging = studio.add_user("rigging");
  const fs::path log = studio.home() / "server.log";
  const fs::path schema = studio.home() / "studio.json";
  // Whoever restarts it is told that all is well, and then it is not: the program that looks is another one.
  support::write_file(schema,
                      R"({"classes": [{"name": "take", "fields": [{"name": "shot", "type": "text"}]}]})");
  const fs::path program = studio.home() / "callboard";
  fs::copy_file(fs::read_symlink("/proc/" + std::to_string(studio.serve().id()) + "/exe"), program);
  studio.kill_server();
  auto command = studio.command(0, {"serve", "--project", studio.project(), "--json", "--port", "0",
                                    "--schema", schema.string(), "--log-file", log.string()});
  command.words.front() = program.string();
  Process server(command);
  wait_for_event(server, "listening");
  const fs::path real = studio.home() / "real";
  const fs::path wrapper = studio.home() / "wrapper";
  fs::copy_file(program, real);
  support::write_file(wrapper, "#!/bin/sh\ncase \"$*\" in *--check*) exit 0;; esac\nrm -f " +
                                   schema.string() + "\nexec " + real.string() + " \"$@\"\n");
  fs::permissions(wrapper, fs::perms::owner_all);
  fs::rename(wrapper, program);
  const auto joined = studio.join("rigging");
  CHECK(studio.run("rigging", {"restart", "--yes"}).ending.exit_code == 0);
  CHECK(exit_code(server) == 2);
  // The whole cause, in quotes as all values of a log.
  CHECK_THAT(support::read_file(log), Contains("[error] the server did not go on cause=\"open schema \\\"") &&
                                          Contains("studio.json\\\": no such file or directory\""));
}

TEST_CASE("a detached server that cannot start says why, and its starter ends as it did") {
  Detached studio;
  support::write_file(studio.home() / "no folder", "");
  const std::string data = (studio.home() / "no folder").string();
  const auto failed = studio.run("rigging", {"serve", "--detach", "--data", data});
  CHECK(failed.ending == studio.run("rigging", {"serve", "--data", data}).ending);
  CHECK(failed.ending.exit_code == 1);
  CHECK_THAT(failed.err, Contains("not a directory"));
  CHECK(failed.out.empty());
  CHECK(studio.run("rigging", {"serve", "--detach", "--log-level", "loud"}).ending.exit_code == 2);
}

TEST_CASE("a start that fails says nothing in another server's log, and leaves none of its own") {
  Detached studio;
  REQUIRE(studio.detach().ending.exit_code == 0);
  const Json running = studio.running();
  const fs::path log = running.at("log").get<std::string>();
  const std::string before = support::read_file(log);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"serve", "--detach"}, {"serve", "--log-file", log.string()}}) {
    const auto second = studio.run("rigging", words);
    CHECK(second.ending.exit_code == 4);
    CHECK_THAT(second.err, Contains("process "));
  }
  CHECK(support::read_file(log) == before);
  const std::string address = running.at("address");
  const fs::path elsewhere = studio.home() / "elsewhere";
  const auto taken = studio.run("rigging", {"serve", "--detach", "--data", elsewhere.string(), "--port",
                                            address.substr(address.rfind(':') + 1)});
  CHECK(taken.ending.exit_code == 6);
  CHECK_FALSE(fs::exists(elsewhere));
}

TEST_CASE("systemd is told when the server accepts and when it stops") {
  Studio studio;
  const fs::path path = studio.home() / "notify";
  const Fd systemd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(systemd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const timeval patience{30, 0};
  REQUIRE(::setsockopt(systemd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  const auto told = [&] {
    char text[256];
    const ssize_t size_bytes = ::recv(systemd.get(), text, sizeof text, 0);
    return std::string(text, size_bytes > 0 ? static_cast<std::size_t>(size_bytes) : 0);
  };
  auto command = studio.command(0, {"serve", "--project", studio.project(), "--json"});
  command.environment.push_back("NOTIFY_SOCKET=" + path.string());
  Process server(command);
  CHECK_THAT(told(), Catch::StartsWith("READY=1\nSTATUS=listening on 127.0.0.1:"));
  server.send_signal(SIGTERM);
  CHECK(told() == "STOPPING=1");
  CHECK(exit_code(server) == 0);
}

// Lines of a hundred bytes that fill the file up to `size_bytes`, and a shorter one behind them.
std::string lines_of(std::size_t size_bytes) {
  const std::string line =
      "2026-11-21T23:01:47.086Z [info] a line of the server before this one " + std::string(30, '.') + "\n";
  std::string text;
  text.reserve(size_bytes);
  while (text.size() + line.size() <= size_bytes) text += line;
  const std::size_t rest = size_bytes - text.size();
  return rest == 0 ? text : text + std::string(rest - 1, '.') + "\n";
}

TEST_CASE("a log that is full is put aside with seven before it, and no line is lost between the two") {
  constexpr std::size_t kFull = 16 * 1024 * 1024;
  Detached studio;
  std::vector<std::string> words{"serve", "--detach"};
  const bool is_given = GENERATE(false, true);
  if (is_given) {
    words.emplace_back("--log-file");
    words.push_back((studio.home() / "studio.log").string());
  }
  REQUIRE(studio.run("rigging", words).ending.exit_code == 0);
  const fs::path log = studio.running().at("log").get<std::string>();
  CHECK((log.filename() == "studio.log") == is_given);
  REQUIRE(studio.run("rigging", {"server", "stop"}).ending.exit_code == 0);
  const auto aside = [&](int number) {
    return log.parent_path() / (log.stem().string() + "." + std::to_string(number) + ".log");
  };
  for (int number = 1; number <= 8; ++number) support::write_file(aside(number), std::to_string(number));
  // Some of the first words of a server fit.
  const std::string before = lines_of(kFull - 200);
  support::write_file(log, before);
  REQUIRE(studio.run("rigging", words).ending.exit_code == 0);

  const std::string first = support::read_file(aside(1));
  const std::string second = support::read_file(log);
  CHECK((first.size() > before.size() && first.size() <= kFull));
  CHECK(first.starts_with(before));
  const std::string said = first.substr(before.size()) + second;
  CHECK_THAT(said, Contains("[info] board read project=") && Contains("[info] listening address="));
  for (std::size_t at = 0; at < said.size(); at = said.find('\n', at) + 1) {
    INFO(said.substr(at, 100));
    REQUIRE(said.find('\n', at) != std::string::npos);
    CHECK((said.compare(at, 2, "20") == 0 && said.substr(at, 40).find("Z [") != std::string::npos));
  }
  for (int number = 2; number <= 8; ++number)
    CHECK(support::read_file(aside(number)) == std::to_string(number - 1));
  CHECK_FALSE(fs::exists(aside(9)));
  // Whoever looks at the newest lines sees those before the change, too.
  const auto shown = studio.run("rigging", {"server", "logs", "--lines", "6"});
  CHECK_THAT(shown.out, Contains("a line of the server before this one") && Contains("board read") &&
                            Contains("listening"));
}

}  // namespace
}  // namespace callboard::e2e::daemon_test
