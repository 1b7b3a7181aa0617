#include "tools/cli/visit.h"

#include <array>
#include <ctime>
#include <utility>

#include "base/text.h"
#include "tools/cli/agent_access.h"
#include "tools/cli/key_choice.h"

namespace callboard::cli {

Result<client::Options> client_options(const Run& run) {
  auto project = run.settings.required(Key::project);
  if (!project) return project.error();
  auto name = run.settings.required(Key::name);
  if (!name) return name.error();
  client::Options options;
  options.project = std::move(*project);
  options.user = std::move(*name);
  options.server = run.settings.text(Key::server);
  options.discovery_port = run.settings.port(Key::discovery_port);
  options.ask_addresses = run.settings.list(Key::ask);
  for (const std::string& each : run.settings.list(Key::items)) {
    options.item_patterns += (options.item_patterns.empty() ? "" : " ") + each;
  }
  if (run.settings.project_folder()) options.folder = run.settings.project_folder()->native();
  auto key = chosen_key(run);
  if (!key) return key.error();
  if (*key) options.key = to_line(**key);
  return options;
}

Visit::Visit(Run& run, std::unique_ptr<client::Access> access) : run_(run), access_(std::move(access)) {
  // Not make_unique: a Listener cannot be moved.
  listening_.reset(new Interrupt::Listener(run.interrupt.listen([here = access_.get()] { here->leave(); })));
}

Result<std::unique_ptr<Visit>> Visit::open(Run& run, Folder folder, Stay stay) {
  if (auto agent = find_agent(run)) {
    std::unique_ptr<Visit> visit(new Visit(run, std::move(agent)));
    visit->through_agent_ = true;
    return visit;
  }
  auto options = client_options(run);
  if (!options) return options.error();
  if (folder == Folder::needed && options->folder.empty()) {
    return Error{
        Outcome::usage,
        "no project folder here: run `callboard init` in your copy of the project, or give --folder"};
  }
  options->visit = true;
  options->stays = stay == Stay::on;
  auto client = client::Client::start(std::move(*options), nullptr);
  if (!client) return client.error();
  const client::Answer<client::User> joined = (*client)->joined();
  std::unique_ptr<Visit> visit(new Visit(run, std::move(*client)));
  if (auto there = visit->wait(joined); !there) return there.error();
  return visit;
}

// The agent's own session comes back by itself, but the agent may have gone.
Result<void> Visit::go_on(Run& run, std::unique_ptr<Visit>& visit) {
  if (!visit->is_through_agent()) return {};
  visit.reset();
  auto other = open(run, Folder::unused, Stay::on);
  if (!other) return other.error();
  visit = std::move(*other);
  return {};
}

Result<void> report_kept(Run& run, std::string_view what) {
  run.output.message(std::string("no server at the moment: ") + std::string(what) +
                     " is kept in this folder; the join here sends it once there is a server");
  run.output.object({{"event", "kept"}});
  return {};
}

std::string when(Timestamp timestamp) {
  const auto seconds = static_cast<std::time_t>(timestamp.ms / 1000);
  const auto now = static_cast<std::time_t>(system_clock().wall().ms / 1000);
  std::tm then{};
  std::tm today{};
  if (localtime_r(&seconds, &then) == nullptr || localtime_r(&now, &today) == nullptr) return "?";
  const bool is_today = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), is_today ? "%H:%M" : "%Y-%m-%d %H:%M", &then);
  return text.data();
}

}  // namespace callboard::cli
