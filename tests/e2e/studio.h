#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/network.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace callboard::e2e {

using Json = nlohmann::json;
using support::Ending;
using support::Finished;
using support::Process;
using support::Stream;

// Each line of what --json printed, as an object. Throws std::runtime_error with the line that is none.
std::vector<Json> objects(std::string_view out);
// Those whose "event" is this.
std::vector<Json> events(std::string_view out, std::string_view event);

// The first event of this name, not awaited before, that fits. Throws std::runtime_error with all that was printed when none
// comes.
Json wait_for_event(
    Process& process, std::string_view event,
    const std::function<bool(const Json&)>& fits = [](const Json&) { return true; });
// Its exit code; throws when a signal ended it, or nothing in time.
int exit_code(Process& process);

// A project with its server and its users, run by the real program. On loopback it broadcasts to 127.255.255.255 alone, on a
// discovery port of its own; in a network its users sit on machines of their own, and nobody is given any address.
// Everything lies in one folder that goes with it.
class Studio {
 public:
  explicit Studio(std::string project = "Moria's Race");
  // The server is on machine 0; users are placed by add_user().
  Studio(std::string project, const support::Network& network);

  // A folder with its .callboard/config, as `init` writes it.
  std::filesystem::path add_user(const std::string& user, std::size_t machine = 0);
  std::filesystem::path folder(const std::string& user) const { return home_.path() / "users" / user; }
  const std::filesystem::path& home() const { return home_.path(); }
  // The file of the server's keys. Throws std::runtime_error when there is none.
  std::filesystem::path keys() const;

  // Starts the server with --json, on a free port and the data of the server before it; returns once it accepts.
  Process& serve(const std::vector<std::string>& more = {});
  Process& server() { return *server_; }
  void kill_server();
  std::string server_address() const { return server_address_; }  // "127.0.0.1:40123"
  std::uint16_t discovery_port() const { return discovery_port_; }
  const std::string& project() const { return project_; }

  // `callboard` with these words in the user's folder.
  Finished run(const std::string& user, std::vector<std::string> words) const;
  std::unique_ptr<Process> start(const std::string& user, std::vector<std::string> words) const;
  // `join --json`, once it has joined.
  std::unique_ptr<Process> join(const std::string& user) const;
  // The same elsewhere than in a user's folder, and with more or other variables.
  support::Command command(std::size_t machine, std::vector<std::string> words) const;

 private:
  std::string project_;
  const support::Network* network_ = nullptr;
  support::TempDir home_;
  std::uint16_t discovery_port_;
  std::map<std::string, std::size_t> machines_;
  std::unique_ptr<Process> server_;
  std::string server_address_;
};

// A UDP port that nobody has now, outside the range that the system gives away by itself.
std::uint16_t free_discovery_port();
// The same for TCP.
std::uint16_t free_port();

// The files that are there but not as on the left; what is missing does not count.
std::vector<std::string> wrong_files(const std::filesystem::path& original,
                                     const std::filesystem::path& copy);

}  // namespace callboard::e2e
