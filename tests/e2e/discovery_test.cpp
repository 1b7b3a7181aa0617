// Odd things on the discovery port: several servers, several projects, noise, aborts for others.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/e2e/keyed_studio.h"

namespace callboard::e2e::discovery_test {
namespace {

using Catch::Contains;

// Speaks and hears datagrams on loopback, as any program in the network may.
class Voice {
 public:
  explicit Voice(std::uint16_t discovery_port) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    setsockopt(fd_, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
    to_.sin_family = AF_INET;
    to_.sin_port = htons(discovery_port);
    inet_pton(AF_INET, "127.255.255.255", &to_.sin_addr);
  }
  ~Voice() { close(fd_); }
  Voice(const Voice&) = delete;
  Voice& operator=(const Voice&) = delete;

  void say(std::string_view text) const {
    const auto sent =
        sendto(fd_, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to_), sizeof to_);
    if (sent != static_cast<ssize_t>(text.size())) throw std::runtime_error("send a datagram");
  }
  // What is answered to us alone; empty when nothing is in time.
  std::string hear(std::chrono::milliseconds limit = support::kPatience) const {
    pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, static_cast<int>(limit.count())) != 1) return "";
    std::array<char, 2000> buffer{};
    const auto size = recv(fd_, buffer.data(), buffer.size(), 0);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }

 private:
  int fd_;
  sockaddr_in to_{};
};

// Hears what is announced to everybody on this machine.
class Ear {
 public:
  explicit Ear(std::uint16_t discovery_port) : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(discovery_port);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
  }
  ~Ear() { close(fd_); }
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

  // The next one in which all of that is.
  std::string hear(const std::vector<std::string>& words) const {
    while (true) {
      pollfd waiting{.fd = fd_, .events = POLLIN, .revents = 0};
      REQUIRE(poll(&waiting, 1, static_cast<int>(support::kPatience.count())) == 1);
      std::array<char, 2000> buffer{};
      const auto size = recv(fd_, buffer.data(), buffer.size(), 0);
      REQUIRE(size > 0);
      const std::string line(buffer.data(), static_cast<std::size_t>(size));
      const auto is_there = [&](const std::string& each) { return line.find(each) != std::string::npos; };
      if (std::ranges::all_of(words, is_there)) return line;
    }
  }

 private:
  int fd_;
};

std::string port_of(const std::string& address) { return address.substr(address.rfind(':') + 1); }

// A second server beside the studio's, on the same discovery port.
struct SecondServer {
  std::unique_ptr<Process> process;
  std::string address;

  SecondServer(const Studio& studio, const std::string& project) {
    process = std::make_unique<Process>(studio.command(
        0, {"serve", "--json", "--project", project, "--data", (studio.home() / "second").string()}));
    const auto listening = wait_for_event(*process, "listening");
    address = "127.0.0.1:" + std::to_string(listening.at("port").get<int>());
  }
};

TEST_CASE("a search is answered at once, in the words of the document") {
  Studio studio("Größe | 100%");
  studio.serve();
  const Voice voice(studio.discovery_port());
  voice.say("VCStudio MULTIUSER WHERE");
  // The next announcement is up to a second away, and goes to everybody, not to us.
  const auto heard = voice.hear();
  CHECK_THAT(heard, Catch::StartsWith("VCStudio MULTIUSER SERVER | 127.0.0.1 | Größe %7C 100%25 | port=" +
                                      port_of(studio.server_address()) + " | id="));
  CHECK_THAT(heard, Contains(" | proto=1 | access=open"));
  voice.say("VCStudio MULTIUSER WHERE | project=Größe %7C 100%25");
  CHECK(voice.hear() == heard);
  studio.add_user("rigging");
  CHECK(studio.join("rigging") != nullptr);
}

TEST_CASE("two servers of one project: who joins is told both addresses and takes the one that remains") {
  Studio studio;
  studio.add_user("rigging");
  studio.serve();
  SecondServer second(studio, studio.project());
  const auto visit = studio.run("rigging", {"users"});
  CHECK(visit.ending.exit_code == 1);
  CHECK_THAT(visit.err, Contains("2 servers have project \"Moria's Race\"") &&
                            Contains(studio.server_address()) && Contains(second.address) &&
                            Contains("give the one you mean with --server"));
  const auto joining = studio.start("rigging", {"join", "--json"});
  const auto why = wait_for_event(*joining, "searching").at("why").get<std::string>();
  CHECK_THAT(why, Contains(studio.server_address()) && Contains(second.address));
  CHECK(studio.run("rigging", {"users", "--server", second.address}).ending.exit_code == 0);
  studio.kill_server();
  CHECK(wait_for_event(*joining, "joined").at("address") == second.address);
}

TEST_CASE("servers of different projects side by side are told apart, and discover lists both") {
  Studio studio;
  studio.add_user("rigging");
  studio.serve();
  SecondServer other(studio, "Moria's Rice");
  const auto found =
      objects(studio.run("rigging", {"discover", "--wait", "0.3", "--json", "--project", ""}).out);
  std::vector<std::string> projects;
  for (const auto& each : found) projects.push_back(each.at("project"));
  CHECK_THAT(projects, Catch::UnorderedEquals(std::vector<std::string>{"Moria's Race"}));
  const auto everywhere =
      objects(support::run(studio.command(0, {"discover", "--wait", "0.3", "--json"})).out);
  projects.clear();
  for (const auto& each : everywhere) projects.push_back(each.at("project"));
  CHECK_THAT(projects, Catch::UnorderedEquals(std::vector<std::string>{"Moria's Race", "Moria's Rice"}));
  const auto joined = studio.join("rigging");
  CHECK(events(joined->printed(Stream::out), "joined").at(0).at("address") == studio.server_address());
}

TEST_CASE("an abort for another project is ignored, one for this project or for all is obeyed") {
  Studio studio;
  studio.add_user("rigging");
  studio.serve();
  const auto other = studio.run("rigging", {"abort", "--project", "Moria's Rice"});
  CHECK(other.ending.exit_code == 3);
  CHECK_THAT(other.err, Contains("no server of project \"Moria's Rice\" answered"));
  CHECK(studio.run("rigging", {"users"}).ending.exit_code == 0);
  const Voice voice(studio.discovery_port());
  voice.say("VCStudio ABORT MULTIUSER | project=Moria's Race");
  CHECK_THAT(voice.hear(), Catch::StartsWith("VCStudio MULTIUSER ABORTED | 127.0.0.1 | Moria's Race | id="));
  CHECK(exit_code(studio.server()) == 0);
  studio.serve();
  // The plain form, of the program before this one.
  voice.say("VCStudio ABORT MULTIUSER");
  CHECK_THAT(voice.hear(), Catch::StartsWith("VCStudio MULTIUSER ABORTED"));
  CHECK(exit_code(studio.server()) == 0);
  studio.serve();
  SecondServer second(studio, "Moria's Rice");
  // Whoever is in no project's folder does not stop everybody's by accident.
  const auto nobody = support::run(studio.command(0, {"abort"}));
  CHECK(nobody.ending.exit_code == 2);
  CHECK_THAT(nobody.err, Contains("--project NAME") && Contains("--all"));
  for (const char* option : {"--project", "--key-file"}) {
    const auto both = studio.run("rigging", {"abort", "--all", option, "Moria"});
    CHECK(both.ending.exit_code == 2);
    CHECK_THAT(both.err, Contains(std::string(option) + ": not with --all"));
  }
  CHECK(studio.run("rigging", {"users"}).ending.exit_code == 0);
  const auto all = studio.run("rigging", {"abort", "--all"});
  CHECK(all.ending.exit_code == 0);
  CHECK_THAT(all.out, Contains("stopped \"Moria's Race\"") && Contains("stopped \"Moria's Rice\""));
  CHECK(exit_code(studio.server()) == 0);
  CHECK(exit_code(*second.process) == 0);
}

// A server, and somebody who looks for one of another project.
struct Heard : Studio {
  std::filesystem::path folder = add_user("rigging");
  std::unique_ptr<Process> looking;
  Voice voice{discovery_port()};

  Heard() {
    serve();
    looking = start("rigging", {"join", "--json", "--project", "Elsewhere"});
    wait_for_event(*looking, "searching");
  }

  // Says all of it many times, and sees that it had no answer and both do what they are there for.
  void must_not_mind(const std::vector<std::string>& noise) {
    for (int i = 0; i < 20; ++i) {
      for (const auto& each : noise) voice.say(each);
    }
    // What is answered first is the search. The noise may have filled the server's buffer, and then a datagram is lost, as
    // datagrams may be.
    std::string heard;
    for (int attempt = 0; attempt < 30 && heard.empty(); ++attempt) {
      voice.say("VCStudio MULTIUSER WHERE | project=Moria's Race");
      heard = voice.hear(std::chrono::milliseconds(1000));
    }
    CHECK_THAT(heard, Catch::StartsWith("VCStudio MULTIUSER SERVER | 127.0.0.1 | Moria's Race | port="));
    CHECK(run("rigging", {"users"}).ending.exit_code == 0);
    CHECK_FALSE(looking->wait(std::chrono::milliseconds(0)));
    SecondServer second(*this, "Elsewhere");
    CHECK(wait_for_event(*looking, "joined").at("address") == second.address);
    CHECK_FALSE(server().wait(std::chrono::milliseconds(0)));
  }
};

TEST_CASE("a datagram that is garbage disturbs neither a server nor those who look") {
  Heard().must_not_mind({"", std::string(4, '\0'), "VCStudio", "VCStudio MULTIUSER",
                         "VCStudio ABORT MULTIUSERS", "VCStudio MULTIUSER WHERE | project=%zz",
                         "VCStudio ABORT MULTIUSER | project=", "VCStudio MULTIUSER ABORTED | 127.0.0.1"});
}

TEST_CASE("a datagram that is too long disturbs neither a server nor those who look") {
  Heard().must_not_mind(
      {"VCStudio MULTIUSER WHERE | project=" + std::string(1400, 'x'),
       "VCStudio ABORT MULTIUSER | project=" + std::string(20'000, 'x'),
       "VCStudio MULTIUSER SERVER | 127.0.0.1 | Elsewhere | port=1 | x=" + std::string(20'000, 'x'),
       std::string(65'507, '|')});
}

TEST_CASE("a datagram that is not UTF-8 disturbs neither a server nor those who look") {
  Heard().must_not_mind({"VCStudio MULTIUSER WHERE | project=\xff\xfe",
                         "VCStudio ABORT MULTIUSER | project=\xc3",
                         "VCStudio MULTIUSER SERVER | 127.0.0.1 | Elsewhere\xff | port=1",
                         "\xed\xa0\x80 MULTIUSER SERVER | 127.0.0.1 | Elsewhere | port=1"});
}

TEST_CASE("an announcement that cannot be disturbs neither a server nor those who look") {
  Heard().must_not_mind({"VCStudio MULTIUSER SERVER | 999.1.1.1 | Elsewhere | port=0",
                         "VCStudio MULTIUSER SERVER | 127.0.0.1 | Elsewhere | port=99999",
                         "VCStudio MULTIUSER SERVER | 127.0.0.1 |  | port=1",
                         "VCStudio MULTIUSER SERVER | 127.0.0.1 | \x1b[31mElsewhere | port=1"});
}

TEST_CASE("an announcement of a server that is not there holds nobody up for ever") {
  Studio studio;
  studio.add_user("rigging");
  const Voice voice(studio.discovery_port());
  const auto looking = studio.start("rigging", {"join", "--json"});
  wait_for_event(*looking, "searching");
  // Port 1 of this machine: nobody listens there.
  voice.say(
      "VCStudio MULTIUSER SERVER | 127.0.0.1 | Moria's Race | port=1 | id=6f3a5d2c9b8e47f10a1b2c3d4e5f6071 | "
      "proto=1 | "
      "access=open");
  CHECK(wait_for_event(*looking, "left").at("rejoins") == true);
  studio.serve();
  CHECK(wait_for_event(*looking, "joined").at("address") == studio.server_address());
}

TEST_CASE("what happens is broadcast when that is asked for, and only then") {
  Studio studio;
  studio.add_user("rigging");
  studio.serve({"--broadcast-log"});
  const Ear ear(studio.discovery_port());
  const auto joined = studio.join("rigging");
  CHECK_THAT(ear.hear({"SERVER TERMINAL | ", " | rigging | "}),
             Catch::StartsWith("VCStudio MULTIUSER SERVER TERMINAL | "));
}

TEST_CASE("what a server with keys announces proves it to who has one, and proves nobody else") {
  KeyedStudio studio;
  studio.keep("rigging", studio.add("rigging"));
  studio.serve();
  const std::string port = "port=" + port_of(studio.server_address());
  const std::string line = Ear(studio.discovery_port()).hear({port, " | marks="});
  // From here on nobody answers a question: there is what is said to everybody, and by whomever.
  studio.kill_server();
  const Voice voice(studio.discovery_port());
  const auto found_by = [&](const std::string& user, const std::string& said) {
    const auto looking = studio.start(user, {"discover", "--json", "--wait", "0.3"});
    while (!looking->wait(std::chrono::milliseconds(20))) voice.say(said);
    const auto found = objects(looking->printed(Stream::out));
    REQUIRE(found.size() == 1);
    return found[0];
  };
  const Json proven = found_by("rigging", line);
  CHECK(proven.at("proven") == true);
  CHECK(proven.at("port").dump() == port_of(studio.server_address()));
  std::string impostor = line;
  impostor.replace(impostor.find(port), port.size(), "port=4100");
  CHECK(found_by("rigging", impostor).at("proven") == false);
  studio.keep("lighting", "cb1_0123456789abcdef_" + std::string(64, 'a'));
  CHECK(found_by("lighting", line).at("proven") == false);
}

}  // namespace
}  // namespace callboard::e2e::discovery_test
