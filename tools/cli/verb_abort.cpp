#include <fmt/format.h>

#include "base/text.h"
#include "client/discovery.h"
#include "tools/cli/key_choice.h"
#include "tools/cli/program.h"
#include "tools/cli/verbs.h"

namespace callboard::cli {
namespace {

void show(Output& output, std::string_view event, const client::FoundServer& server) {
  output.object({{"event", event},
                 {"project", server.project},
                 {"address", server.address},
                 {"id", to_text(server.id)}});
  output.line(fmt::format("{} {} at {}", event == "stopped" ? "stopped" : "still running:",
                          callboard::quoted(server.project), server.address));
}

// What is configured may be, but who names a project, or a key, does not mean every open server.
Result<void> check_everywhere(const Settings& settings) {
  for (const Key key : {Key::project, Key::key_file}) {
    if (settings.is_on_command_line(key))
      return Error{
          Outcome::usage,
          option_name(key) + ": not with --all, which stops every open server, whatever its project"};
  }
  return {};
}

Result<void> abort_all(Run& run, bool everywhere) {
  if (everywhere) {
    if (const auto sound = check_everywhere(run.settings); !sound) return sound;
  }
  client::SearchOptions options;
  options.project = everywhere ? "" : run.settings.text(Key::project);
  if (!everywhere && options.project.empty()) {
    return Error{
        Outcome::usage,
        "no project is known here: --project NAME stops that project's server, --all every open one in "
        "this network"};
  }
  options.discovery_port = run.settings.port(Key::discovery_port);
  options.ask_addresses = run.settings.list(Key::ask);
  if (!everywhere) {
    auto key = chosen_key(run);
    if (!key) return key.error();
    options.key = std::move(*key);
  }
  const auto report = client::abort_servers(options);
  for (const auto& server : report.stopped) show(run.output, "stopped", server);
  for (const auto& server : report.running) show(run.output, "running", server);
  if (!report.running.empty())
    return Error{Outcome::refused, "not every server obeyed: one with keys obeys a key that may stop it"};
  if (!report.stopped.empty()) return {};
  return Error{Outcome::not_found,
               options.project.empty()
                   ? "no server answered"
                   : "no server of project " + callboard::quoted(options.project) + " answered"};
}

}  // namespace

void add_abort(Program& program) {
  auto everywhere = std::make_shared<bool>(false);
  program
      .add_verb({.name = "abort",
                 .summary = "stop the project's server with a broadcast, or with --all every open one",
                 .example = "callboard abort --project \"Moria's Race\""})
      .takes({Key::project, Key::discovery_port, Key::ask, Key::key_file})
      .flag(*everywhere, "--all",
            "stop every open server in this network, also where a project is configured; not with --project "
            "or --key-file")
      .runs([everywhere](Run& run) { return abort_all(run, *everywhere); });
}

}  // namespace callboard::cli
