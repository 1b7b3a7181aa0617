#include "tools/cli/agent_access.h"

#include <filesystem>

#include "base/limits.h"
#include "client/agent_place.h"
#include "net/endpoint.h"
#include "tools/cli/key_choice.h"

namespace callboard::cli {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> agent_folder(const Settings& settings) {
  if (settings.project_folder()) return settings.project_folder();
  std::error_code ignored;
  for (fs::path at = fs::current_path(ignored); !at.empty(); at = at.parent_path()) {
    if (fs::is_socket(at / ".callboard" / client::AgentPlace::kSocket, ignored)) return at;
    if (at == at.root_path()) break;
  }
  return std::nullopt;
}

bool is_same_server(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const auto one = net::endpoint_from(a, kSessionPort);
  const auto other = net::endpoint_from(b, kSessionPort);
  return one && other && *one == *other;
}

// Where it was told to go, or where it has found its own way to.
bool is_at_server(const Settings& settings, client::AgentClient& agent) {
  if (!settings.is_given_for_run(Key::server)) return true;
  const std::string wanted = settings.text(Key::server);
  if (is_same_server(wanted, agent.hello().server)) return true;
  const auto there = agent.workstation().get();
  return there && is_same_server(wanted, there->server);
}

}  // namespace

bool is_meant(const Settings& settings, const client::agent::Hello& hello) {
  const auto fits = [&](Key key, const auto& agents, const auto& given) {
    return !settings.is_given_for_run(key) || given == agents;
  };
  const std::string project = settings.text(Key::project);
  return (project.empty() || project == hello.project) &&
         fits(Key::name, hello.user, settings.text(Key::name)) &&
         fits(Key::discovery_port, hello.discovery_port, settings.port(Key::discovery_port)) &&
         fits(Key::ask, hello.ask_addresses, settings.list(Key::ask));
}

std::unique_ptr<client::AgentClient> find_agent(const Run& run) {
  const auto folder = agent_folder(run.settings);
  if (!folder) return nullptr;
  auto agent = client::AgentClient::connect(folder->native());
  if (!agent) {
    // Everything else means that none is there, or none of ours: a visit does.
    if (agent.error().outcome == Outcome::refused) run.output.warning(agent.error().text);
    return nullptr;
  }
  // Another key is somebody else; one that cannot be read is told by who uses it.
  const auto key = chosen_key(run);
  if (!key || (*key ? (*key)->identity : "") != (*agent)->hello().key) return nullptr;
  if (!is_meant(run.settings, (*agent)->hello()) || !is_at_server(run.settings, **agent)) return nullptr;
  return std::move(*agent);
}

}  // namespace callboard::cli
