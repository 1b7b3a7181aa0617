#include <fmt/format.h>

#include <tuple>

#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/text.h"
#include "tools/cli/objects.h"
#include "tools/cli/progress.h"
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
  output.line(fmt::format("sessions  {}{}, {}, {}", count_text(status.sessions, "user"),
                          status.away == 0 ? "" : fmt::format(" and {} away", status.away),
                          count_text(status.visits, "visit"), count_text(status.connections, "connection")));
  output.line(fmt::format("board     revision {}", status.revision));
  if (!status.read_only.empty())
    output.line(output.styled(Style::bad, "changes   refused: " + escaped(status.read_only)));
  output.line(fmt::format("memory    {}", human_bytes(status.memory_bytes)));
  if (status.transfers.empty()) {
    output.line("transfers none");
    return;
  }
  std::vector<std::vector<std::string>> rows{{"TRANSFER", "ITEM", "FROM", "TO", "MOVED", "RATE", "SINCE"}};
  for (const client::TransferStatus& each : status.transfers) {
    const std::string item = each.channel ? "channel " + each.item.substr(1) : each.item;
    const std::string giver = each.giver.empty() ? "the server" : each.giver;
    // A channel is open both ways: whoever opened it has something to say to whoever offered it.
    const auto& [from, to] = each.channel ? std::tie(each.taker, giver) : std::tie(giver, each.taker);
    rows.push_back({std::to_string(each.transfer), item, from, to, human_bytes(each.bytes),
                    human_bytes(each.bytes_per_second) + "/s", when(each.started)});
  }
  output.table(rows);
}

// What the server runs beside itself: "tasks   counter.py ready, farm failing: it has ended (exit code 1)".
void print_programs(Output& output, std::string_view kind, const document::Value& info, JsonObject& object) {
  std::string line;
  std::vector<JsonValue> all;
  const document::ValuePtr programs = info.member(kind);
  for (std::size_t i = 0; programs && programs->array() && i < programs->array()->size(); ++i) {
    const document::Value& each = *(*programs->array())[i];
    const std::string why = document::text_in(each, "why");
    line += (line.empty() ? "" : ", ") + escaped(document::text_in(each, "name")) + " " +
            escaped(document::text_in(each, "state")) + (why.empty() ? "" : ": " + escaped(why));
    all.emplace_back(JsonObject{{"name", document::text_in(each, "name")},
                                {"state", document::text_in(each, "state")},
                                {"why", why}});
  }
  if (!line.empty()) output.line(fmt::format("{:<10}{}", kind, line));
  object.add(std::string(kind), std::move(all));
}

// An older server does not tell them.
void show_programs(Run& run, Visit& visit, JsonObject& object) {
  const auto told = visit.wait(visit.access().call("server.info", "{}", {}));
  const auto info = told ? document::parse(*told) : Result<document::ValuePtr>(told.error());
  if (!info) return;
  for (const char* kind : {"tasks", "plugins"}) print_programs(run.output, kind, **info, object);
}

std::string watch_text(const client::WorkstationStatus& here) {
  if (here.is_watching)
    return fmt::format("{}, {}, watched", files_text(here.files), human_bytes(here.bytes));
  if (here.watch_trouble.empty()) return "being looked at for the first time";
  return "not watched, looked at anew for each transfer: " + escaped(here.watch_trouble);
}

std::string_view to_text(client::WorkstationTransfer::Direction direction) {
  return direction == client::WorkstationTransfer::Direction::pulling ? "pulling" : "giving";
}

// "12 of 40", or how many so far where nobody here knows of how many.
std::string amount_of(const std::string& done, const std::string& wanted, bool is_known) {
  return is_known ? done + " of " + wanted : done;
}

std::string left_text(const client::PullProgress& progress) {
  if (!progress.paused.empty()) return "paused: " + progress.paused;
  const auto seconds = progress.seconds_left();
  return seconds && progress.listed ? time_text(*seconds) : "-";
}

void print(Output& output, const client::WorkstationStatus& here) {
  output.line(fmt::format("folder    {}", escaped(here.folder)));
  output.line(here.is_joined ? fmt::format("user      {}, joined at {}", escaped(here.user), here.server)
                             : fmt::format("user      {}, not joined: {}", escaped(here.user),
                                           here.why.empty() ? "looking for the server" : escaped(here.why)));
  output.line("files     " + watch_text(here));
  if (here.kept_writes > 0) {
    output.line(fmt::format("kept      {} {} for the server", count_text(here.kept_writes, "change"),
                            here.kept_writes == 1 ? "waits" : "wait"));
  }
  if (here.transfers.empty()) return;
  std::vector<std::vector<std::string>> rows{{"HERE", "ITEM", "WITH", "FILES", "BYTES", "RATE", "LEFT"}};
  for (const client::WorkstationTransfer& each : here.transfers) {
    const client::PullProgress& so_far = each.progress;
    const bool is_pull = each.direction == client::WorkstationTransfer::Direction::pulling;
    rows.push_back({std::string(to_text(each.direction)), each.item, each.peer.empty() ? "-" : each.peer,
                    is_pull ? amount_of(std::to_string(so_far.files_done + so_far.files_reused),
                                        std::to_string(so_far.files_total), so_far.listed)
                            : "-",
                    amount_of(human_bytes(so_far.bytes_done + so_far.bytes_reused),
                              human_bytes(so_far.bytes_total), so_far.listed),
                    so_far.bytes_per_second > 0 ? human_bytes(so_far.bytes_per_second) + "/s" : "-",
                    is_pull ? left_text(so_far) : "-"});
  }
  output.table(rows);
}

JsonObject workstation_object(const client::WorkstationStatus& here) {
  JsonObject object{{"event", "workstation"},   {"user", here.user},
                    {"joined", here.is_joined}, {"server", here.server},
                    {"why", here.why},          {"watching", here.is_watching},
                    {"files", here.files},      {"trouble", here.watch_trouble},
                    {"bytes", here.bytes},      {"kept", here.kept_writes}};
  object.add_bytes("folder", here.folder);
  std::vector<JsonValue> transfers;
  for (const client::WorkstationTransfer& each : here.transfers) {
    JsonObject one{{"direction", to_text(each.direction)}, {"peer", each.peer}};
    one.add_bytes("item", each.item);
    if (each.direction == client::WorkstationTransfer::Direction::pulling) {
      add_progress(one, each.progress);
    } else {
      one.add("bytes_done", each.progress.bytes_done);
    }
    transfers.emplace_back(one);
  }
  object.add("transfers", std::move(transfers));
  return object;
}

// What the agent says of itself, also while it has no server.
Result<void> show_workstation(Run& run, Visit& visit) {
  if (!visit.is_through_agent()) return {};
  const auto here = visit.wait(visit.access().workstation());
  if (!here) return here.error();
  print(run.output, *here);
  run.output.object(workstation_object(*here));
  return {};
}

Result<void> show_everything(Run& run) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto status = (*visit)->wait((*visit)->access().status());
  if (!status) {
    static_cast<void>(show_workstation(run, **visit));  // The server's absence is what counts.
    return status.error();
  }
  print(run.output, *status);
  JsonObject object{{"event", "status"},
                    {"project", status->project},
                    {"server", to_text(status->server)},
                    {"software", status->software},
                    {"started", to_iso(status->started)},
                    {"clock", to_iso(status->clock)},
                    {"users", status->sessions},
                    {"away", status->away},
                    {"visits", status->visits},
                    {"connections", status->connections},
                    {"revision", status->revision},
                    {"memory_bytes", status->memory_bytes}};
  if (!status->read_only.empty()) object.add("read_only", status->read_only);
  std::vector<JsonValue> transfers;
  for (const client::TransferStatus& each : status->transfers) transfers.push_back(transfer_object(each));
  object.add("transfers", std::move(transfers));
  show_programs(run, **visit, object);
  run.output.object(object);
  return show_workstation(run, **visit);
}

}  // namespace

void add_status(Program& program) {
  program
      .add_verb(
          {.name = "status",
           .summary =
               "the server: users, transfers running, version, uptime; and what the join in this folder does",
           .example = "callboard status --json"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .runs(show_everything);
}

}  // namespace callboard::cli
