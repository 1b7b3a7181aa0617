#include <fmt/format.h>

#include "base/text.h"
#include "tools/cli/locked_items.h"
#include "tools/cli/objects.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

// conflicts, resolve: where two people changed the same part of a document.
namespace callboard::cli {
namespace {

std::string value_of(const client::ConflictSide& side) {
  return side.value.empty() ? fmt::format("see revision {}", side.revision) : escaped(side.value, 80);
}

void show(Run& run, const client::Conflict& conflict) {
  run.output.line(fmt::format("{}  {} {}", run.output.styled(Style::bold, std::to_string(conflict.number)),
                              name_of(conflict.document), place_of(conflict.at)));
  const auto side = [&](std::string_view word, const client::ConflictSide& of) {
    run.output.line(
        fmt::format("   {}  {}, {}: {}", word, escaped(of.user), when(of.timestamp), value_of(of)));
  };
  side("stands", conflict.winner);
  side("lost  ", conflict.loser);
  run.output.object(conflict_object(conflict));
}

Result<void> list(Run& run) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  std::uint64_t since = 0;
  bool is_any = false;
  // The server tells some at a time.
  for (;;) {
    const auto conflicts = (*visit)->wait((*visit)->access().conflicts(since));
    if (!conflicts) return conflicts.error();
    if (conflicts->empty()) break;
    for (const client::Conflict& each : *conflicts) show(run, each);
    since = conflicts->back().number;
    is_any = true;
  }
  if (!is_any) run.output.message("there are none");
  return {};
}

Result<client::Conflict> find(Visit& visit, std::uint64_t number) {
  const auto conflicts = visit.wait(visit.access().conflicts(number - 1));
  if (!conflicts) return conflicts.error();
  if (conflicts->empty() || conflicts->front().number != number) {
    return Error{Outcome::not_found,
                 fmt::format("conflict {}: there is none of that number, or it is settled", number)};
  }
  return conflicts->front();
}

struct ResolveWords {
  std::uint64_t number = 0;
  bool take = false;
  std::string value;
};

Result<void> resolve(Run& run, const ResolveWords& words) {
  if (words.number == 0) return Error{Outcome::usage, "expected the number of a conflict, from 1 on"};
  if (words.take && !words.value.empty())
    return Error{Outcome::usage, "--take-lost and --value: expected one of them"};
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto conflict = find(**visit, words.number);
  if (!conflict) return conflict.error();
  client::DocumentChange change{
      .document = conflict->document, .content = words.value, .settles = words.number, .take = words.take};
  if (auto free = check_locks(run, **visit, change); !free) return free;
  const auto result = (*visit)->wait((*visit)->access().change(std::move(change)));
  if (!result) return result.error();
  if (result->kept) return report_kept(run, "the settling");
  run.output.line(fmt::format("conflict {} is settled, at revision {}", words.number, result->revision));
  run.output.object({{"event", "resolved"}, {"number", words.number}, {"revision", result->revision}});
  return {};
}

}  // namespace

void add_conflicts(Program& program) {
  program
      .add_verb(
          {.name = "conflicts",
           .summary = "where two people changed the same part of a document, and nobody has settled it yet",
           .example = "callboard conflicts"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .runs(list);
}

void add_resolve(Program& program) {
  auto words = std::make_shared<ResolveWords>();
  program
      .add_verb({.name = "resolve",
                 .summary = "settle a conflict: keep what stands, take what lost, or say what it is to be",
                 .example = "callboard resolve 3 --take-lost"})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .number(words->number, "NUMBER", "as `callboard conflicts` tells it")
      .flag(words->take, "--take-lost", "make the value that lost the one that stands")
      .text(words->value, "--value JSON", "make this the value")
      .runs([words](Run& run) { return resolve(run, *words); });
}

}  // namespace callboard::cli
