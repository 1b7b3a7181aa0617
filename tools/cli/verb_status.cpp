#include <fmt/format.h>

#include "base/text.h"
#include "tools/cli/objects.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

std::string uptime(const client::ServerStatus& status) {
  const std::int64_t minutes = (status.clock.ms - status.started.ms) / 60'000;
  if (minutes < 60) return fmt::format("{} min", minutes);
  if (minutes < 48 * 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  return fmt::format("{} days", minutes / (24 * 60));
}

void print(Output& output, const client::ServerStatus& status) {
  output.line(fmt::format("project   {}", escaped(status.project)));
  output.line(fmt::format("server    {}, up {}, {}", escaped(status.software), uptime(status),
                          to_text(status.server)));
  output.line(fmt::format("sessions  {} users, {} visits, {} connections", status.sessions, status.visits,
                          status.connections));
  output.line(fmt::format("board     revision {}", status.revision));
  output.line(fmt::format("memory    {}", human_bytes(status.memory_bytes)));
  if (status.transfers.empty()) {
    output.line("transfers none");
    return;
  }
  std::vector<std::vector<std::string>> rows{{"TRANSFER", "ITEM", "FROM", "TO", "MOVED", "RATE", "SINCE"}};
  for (const client::TransferStatus& each : status.transfers) {
    rows.push_back({std::to_string(each.transfer), each.item, each.giver, each.taker, human_bytes(each.bytes),
                    human_bytes(each.bytes_per_second) + "/s", when(each.started)});
  }
  output.table(rows);
}

Result<void> show(Run& run) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto status = (*visit)->wait((*visit)->client().status());
  if (!status) return status.error();
  print(run.output, *status);
  JsonObject object{{"event", "status"},
                    {"project", status->project},
                    {"server", to_text(status->server)},
                    {"software", status->software},
                    {"started", to_iso(status->started)},
                    {"clock", to_iso(status->clock)},
                    {"users", status->sessions},
                    {"visits", status->visits},
                    {"connections", status->connections},
                    {"revision", status->revision},
                    {"memory_bytes", status->memory_bytes}};
  std::vector<JsonValue> transfers;
  for (const client::TransferStatus& each : status->transfers) transfers.push_back(transfer_object(each));
  object.add("transfers", std::move(transfers));
  run.output.object(object);
  return {};
}

}  // namespace

void add_status(Program& program) {
  program
      .add_verb({.name = "status",
                 .summary = "the server: users, transfers running, version, uptime",
                 .example = "callboard status --json"})
      .takes({Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask})
      .runs(show);
}

}  // namespace callboard::cli
