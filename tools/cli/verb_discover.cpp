#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"
#include "client/discovery.h"
#include "tools/cli/key_choice.h"
#include "tools/cli/program.h"
#include "tools/cli/verbs.h"

namespace callboard::cli {
namespace {

using client::FoundServer;
using client::InterfaceReport;
using client::SearchReport;

struct DiscoverChoice {
  std::optional<double> wait_seconds;
  bool diagnose = false;
};

// Longer than the second between announcements …
constexpr Duration kWait = 1500ms;
// … though servers that get the question answer within milliseconds: after the first nobody else is long in coming.
constexpr Duration kSettle = 300ms;

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// A row of the list. Names are as wide as they are: what follows them is only moved.
std::string row(std::string_view address, std::string_view port, std::string_view access,
                std::string_view took, std::string_view project) {
  return fmt::format("{:<15}  {:>5}  {:<10}  {:>7}  {}", address, port, access, took, project);
}

// With a key there is more to say of a server with keys: whether it has that key, too.
std::string access_of(const FoundServer& server, bool has_key) {
  if (!has_key || server.access != client::kKeyedAccess) return escaped(server.access);
  return server.is_proven ? "proven" : "not proven";
}

void show_server(Output& output, const FoundServer& server, bool has_key, bool is_first) {
  if (is_first) output.line(output.styled(Style::bold, row("ADDRESS", "PORT", "ACCESS", "TOOK", "PROJECT")));
  output.line(row(escaped(server.address), std::to_string(server.port), access_of(server, has_key),
                  fmt::format("{} ms", milliseconds(server.took)), escaped(server.project)));
  JsonObject object{{"event", "server"},
                    {"project", server.project},
                    {"address", server.address},
                    {"port", server.port},
                    {"access", server.access},
                    {"id", to_text(server.id)},
                    {"took_ms", milliseconds(server.took)}};
  if (has_key) object.add("proven", server.is_proven);
  output.object(object);
}

void show_interface(Output& output, const InterfaceReport& report) {
  output.object({{"event", "interface"},
                 {"name", report.name},
                 {"address", report.address},
                 {"netmask", report.netmask},
                 {"asked", report.asked},
                 {"sent", report.sent},
                 {"received", report.received},
                 {"problem", report.problem}});
}

std::vector<std::vector<std::string>> interface_rows(const SearchReport& report) {
  std::vector<std::vector<std::string>> rows{
      {"INTERFACE", "ADDRESS", "ASKED", "SENT", "RECEIVED", "PROBLEM"}};
  for (const auto& each : report.interfaces) {
    rows.push_back({each.name, each.address, each.asked.empty() ? "no broadcast" : each.asked,
                    std::to_string(each.sent), std::to_string(each.received),
                    each.problem.empty() ? "none" : each.problem});
  }
  return rows;
}

// What a person can do about an empty list, most likely cause first.
void advise(Run& run, const SearchReport& report) {
  const auto port = run.settings.port(Key::discovery_port);
  auto& output = run.output;
  if (!report.problem.empty()) output.message("announcements cannot be heard: " + report.problem);
  if (report.other_projects > 0) {
    output.message(fmt::format("{} announcements were of other projects: is --project {} spelt right?",
                               report.other_projects, callboard::quoted(run.settings.text(Key::project))));
  }
  if (report.ignored_datagrams > 0) {
    output.message(fmt::format("{} datagrams on UDP port {} were broken or not Callboard's",
                               report.ignored_datagrams, port));
  }
  if (!report.servers.empty()) return;
  output.message(
      "no server answered. Check that `callboard serve` runs, that both machines are in the same network, "
      "and");
  output.message(fmt::format(
      "that the firewalls let UDP port {} in on both and TCP port {} on the server's machine, e.g.:", port,
      run.settings.port(Key::port)));
  output.message(fmt::format("  ufw allow {}/udp; ufw allow {}/tcp", port, run.settings.port(Key::port)));
  output.message("Where broadcast is blocked on the way, give the address: --server HOST[:PORT]");
}

Result<void> discover(Run& run, const DiscoverChoice& choice) {
  client::SearchOptions options;
  options.project = run.settings.text(Key::project);
  options.discovery_port = run.settings.port(Key::discovery_port);
  options.ask_addresses = run.settings.list(Key::ask);
  options.wait = kWait;
  options.settle = kSettle;
  if (choice.wait_seconds) {
    options.wait = std::chrono::milliseconds(std::llround(*choice.wait_seconds * 1000.0));
    options.settle.reset();
  }
  // One that is of no use only proves nothing: whoever looks for a server is shown what there is.
  auto key = chosen_key(run);
  if (!key && run.settings.is_on_command_line(Key::key_file)) return key.error();
  if (!key) run.output.message(key.error().text + "; servers are looked for without it");
  if (key) options.key = std::move(*key);
  const bool has_key = options.key.has_value();
  bool is_first = true;
  const auto show = [&](const FoundServer& server) {
    show_server(run.output, server, has_key, std::exchange(is_first, false));
  };
  // With a key what is shown of one may change until the search is over: it was heard, then it proves itself.
  const auto report = client::search(options, has_key ? std::function<void(const FoundServer&)>() : show);
  if (has_key) std::ranges::for_each(report.servers, show);
  if (choice.diagnose) {
    if (!report.servers.empty()) run.output.line("");
    for (const auto& each : report.interfaces) show_interface(run.output, each);
    run.output.table(interface_rows(report));
    advise(run, report);
  }
  if (!report.servers.empty()) return {};
  const auto& project = options.project;
  const auto what =
      project.empty() ? std::string("no server") : "no server of project " + callboard::quoted(project);
  return Error{Outcome::not_found, what + (choice.diagnose ? " answers" : " answers; --diagnose says why")};
}

}  // namespace

void add_discover(Program& program) {
  auto choice = std::make_shared<DiscoverChoice>();
  program
      .add_verb({.name = "discover",
                 .summary = "list the servers in this network",
                 .example = "callboard discover --diagnose"})
      .takes({Key::project, Key::discovery_port, Key::ask, Key::key_file})
      .seconds(choice->wait_seconds, "--wait SECONDS",
               "how long to listen for answers (default: until 0.3 after the first, 1.5 when there is none)")
      .flag(choice->diagnose, "--diagnose",
            "explain an empty list: what each network interface sent and received")
      .runs([choice](Run& run) { return discover(run, *choice); });
}

}  // namespace callboard::cli
