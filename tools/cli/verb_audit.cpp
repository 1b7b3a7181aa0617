#include <fmt/format.h>

#include "base/text.h"
#include "tools/cli/objects.h"
#include "tools/cli/page_place.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

std::string audit_line(const Output& output, const client::AuditEntry& entry) {
  const std::string user = entry.user.empty() ? "-" : escaped(entry.user);
  std::string line = fmt::format("{:>6}  {}  {}  {}", entry.number, when(entry.timestamp),
                                 output.styled(Style::bold, escaped(entry.what)), user);
  if (!entry.about.empty()) line += " -> " + escaped(entry.about);
  if (!entry.from.empty()) line += " from " + escaped(entry.from);
  if (!entry.key.empty()) line += " key " + escaped(entry.key);
  if (!entry.text.empty()) line += ": " + escaped(entry.text);
  return line;
}

Result<void> list_audit(Run& run, std::uint64_t since) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  PagePlace place("audit", PagePlace::Way::up, since);
  bool is_any = false;
  // The server tells some at a time.
  for (;;) {
    const auto entries = (*visit)->wait((*visit)->access().audit(place.at()));
    if (!entries) return entries.error();
    for (const client::AuditEntry& each : *entries) {
      run.output.line(audit_line(run.output, each));
      run.output.object(audit_object(each));
      is_any = true;
    }
    if (entries->empty()) break;
    if (const auto moved = place.move_to(entries->back().number); !moved) return moved;
  }
  if (!is_any) run.output.message("there is nothing");
  return {};
}

}  // namespace

void add_audit(Program& program) {
  auto since = std::make_shared<std::uint64_t>(0);
  program
      .add_verb(
          {.name = "audit",
           .summary = "who was let in, turned away, kicked or muted, and what else was done to the server",
           .example = "callboard audit --since 812"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .number(*since, "--since N", "only what came after number N")
      .runs([since](Run& run) { return list_audit(run, *since); });
}

}  // namespace callboard::cli
