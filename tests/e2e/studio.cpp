#include "tests/e2e/studio.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <utility>

#include "tests/support/tree.h"

namespace callboard::e2e {
namespace {

namespace fs = std::filesystem;

std::string all_printed(const Process& process) {
  return "stdout:\n" + process.printed(Stream::out) + "stderr:\n" + process.printed(Stream::err);
}

// What whoever runs the tests has set for their own work is not for the programs in them.
std::vector<std::string> own_variables() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with("CALLBOARD_")) names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

// CALLBOARD_PROGRAM in the environment: another one than was built with the tests, e.g. an installed one.
std::string program() {
  const char* other = getenv("CALLBOARD_PROGRAM");
  return other != nullptr ? other : CALLBOARD_PROGRAM;
}

bool is_port_free(int type, std::uint16_t port) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error("make a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  const bool is_free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return is_free;
}

Json object_in(std::string_view line) {
  auto object = Json::parse(line, nullptr, false);
  if (!object.is_object()) {
    throw std::runtime_error("expected one JSON object a line, got: " + std::string(line));
  }
  return object;
}

}  // namespace

std::vector<Json> objects(std::string_view out) {
  std::vector<Json> found;
  while (!out.empty()) {
    const auto end = out.find('\n');
    if (end == std::string_view::npos) {
      throw std::runtime_error("expected a newline after: " + std::string(out));
    }
    found.push_back(object_in(out.substr(0, end)));
    out.remove_prefix(end + 1);
  }
  return found;
}

std::vector<Json> events(std::string_view out, std::string_view event) {
  auto found = objects(out);
  std::erase_if(found, [&](const Json& each) { return each.value("event", "") != event; });
  return found;
}

Json wait_for_event(Process& process, std::string_view event, const std::function<bool(const Json&)>& fits) {
  Json found;
  const auto line = process.wait_for_line(Stream::out, [&](std::string_view each) {
    found = object_in(each);
    return found.value("event", "") == event && fits(found);
  });
  if (!line) {
    throw std::runtime_error("no event \"" + std::string(event) + "\" that fits; " + all_printed(process));
  }
  return found;
}

int exit_code(Process& process) {
  const auto ending = process.wait();
  if (!ending) throw std::runtime_error("it did not end; " + all_printed(process));
  if (ending->signal != 0) {
    throw std::runtime_error("signal " + std::to_string(ending->signal) + " ended it; " +
                             all_printed(process));
  }
  return ending->exit_code;
}

Studio::Studio(std::string project) : project_(std::move(project)), discovery_port_(free_discovery_port()) {}

Studio::Studio(std::string project, const support::Network& network)
    : project_(std::move(project)), network_(&network), discovery_port_(54545) {}

support::Command Studio::command(std::size_t machine, std::vector<std::string> words) const {
  words.insert(words.begin(), program());
  support::Command command;
  command.directory = home_.path();
  command.environment = {"HOME=" + home_.path().string(),
                         "XDG_DATA_HOME=" + (home_ / "data").string(),
                         "CALLBOARD_DISCOVERY_PORT=" + std::to_string(discovery_port_),
                         "CALLBOARD_PROJECT=",
                         "CALLBOARD_NAME=",
                         "CALLBOARD_SERVER=",
                         "CALLBOARD_FOLDER=",
                         "TZ=UTC"};
  for (std::string& name : own_variables()) command.environment.push_back(std::move(name));
  if (network_ != nullptr) {
    command.words = network_->on_machine(machine, std::move(words));
    return command;
  }
  command.words = std::move(words);
  for (const auto* variable : {"CALLBOARD_ASK=127.255.255.255", "CALLBOARD_ANNOUNCE=127.255.255.255",
                               "CALLBOARD_LISTEN=127.0.0.1", "CALLBOARD_PORT=0"}) {
    command.environment.emplace_back(variable);
  }
  return command;
}

fs::path Studio::add_user(const std::string& user, std::size_t machine) {
  machines_[user] = machine;
  fs::create_directories(folder(user));
  const auto finished = run(user, {"init", "--project", project_, "--name", user});
  if (finished.ending.exit_code != 0) throw std::runtime_error("init: " + finished.err);
  return folder(user);
}

Process& Studio::serve(const std::vector<std::string>& more) {
  std::vector<std::string> words{"serve", "--project", project_, "--json"};
  words.insert(words.end(), more.begin(), more.end());
  server_ = std::make_unique<Process>(command(0, std::move(words)));
  const auto listening = wait_for_event(*server_, "listening");
  server_address_ =
      listening.at("address").get<std::string>() + ":" + std::to_string(listening.at("port").get<int>());
  return *server_;
}

void Studio::kill_server() {
  server_->send_signal(SIGKILL);
  if (!server_->wait()) throw std::runtime_error("the server outlives SIGKILL");
}

std::filesystem::path Studio::keys() const {
  for (const auto& each : std::filesystem::recursive_directory_iterator(home_ / "data")) {
    if (each.path().filename() == "keys") return each.path();
  }
  throw std::runtime_error("the server has no keys");
}

Finished Studio::run(const std::string& user, std::vector<std::string> words) const {
  const std::string verb = words.empty() ? "nothing" : words[0];
  auto what = command(machines_.at(user), std::move(words));
  what.directory = folder(user);
  auto finished = support::run(what);
  // Seen where the next assertion fails.
  if (finished.ending.exit_code != 0) UNSCOPED_INFO(user + " ran " + verb + ": " + finished.err);
  return finished;
}

std::unique_ptr<Process> Studio::start(const std::string& user, std::vector<std::string> words) const {
  auto what = command(machines_.at(user), std::move(words));
  what.directory = folder(user);
  return std::make_unique<Process>(what);
}

std::unique_ptr<Process> Studio::join(const std::string& user) const {
  auto joined = start(user, {"join", "--json"});
  wait_for_event(*joined, "joined");
  return joined;
}

namespace {

std::uint16_t free_port_for(int type) {
  std::random_device random;
  while (true) {
    const auto port = static_cast<std::uint16_t>(10'000 + random() % 20'000);
    if (is_port_free(type, port)) return port;
  }
}

}  // namespace

std::uint16_t free_discovery_port() { return free_port_for(SOCK_DGRAM); }
std::uint16_t free_port() { return free_port_for(SOCK_STREAM); }

std::vector<std::string> wrong_files(const fs::path& original, const fs::path& copy) {
  auto found = support::differences(original, copy);
  std::erase_if(found, [](const std::string& each) { return each.ends_with(": only on the left"); });
  return found;
}

}  // namespace callboard::e2e
