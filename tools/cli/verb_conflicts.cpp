#include <fmt/format.h>

#include <algorithm>
#include <optional>

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

// The newest that was done to the place of a conflict after the two, where something was.
Result<std::optional<client::Revision>> changed_since(Visit& visit, const client::Conflict& conflict) {
  const auto history = visit.wait(visit.access().history({.document = conflict.document, .at = conflict.at}));
  if (!history) return history.error();
  for (const client::Revision& each : history->revisions) {
    if (each.revision <= std::max(conflict.winner.revision, conflict.loser.revision)) break;
    if (each.stands) return std::optional(each);
  }
  return std::optional<client::Revision>();
}

// What is at the place now; empty: nothing.
Result<std::string> value_now(Visit& visit, const client::Conflict& conflict) {
  const auto now = visit.wait(visit.access().read({.document = conflict.document, .at = conflict.at}));
  if (!now && now.error().outcome == Outcome::not_found) return std::string();
  if (!now) return now.error();
  return *now->text;
}

void show_side(Run& run, std::string_view word, const client::ConflictSide& side) {
  run.output.line(
      fmt::format("   {}  {}, {}: {}", word, escaped(side.user), when(side.timestamp), value_of(side)));
}

Result<void> show(Run& run, Visit& visit, const client::Conflict& conflict) {
  const auto changed = changed_since(visit, conflict);
  if (!changed) return changed.error();
  run.output.line(fmt::format("{}  {} {}", run.output.styled(Style::bold, std::to_string(conflict.number)),
                              name_of(conflict.document), place_of(conflict.at)));
  auto object = conflict_object(conflict);
  if (*changed) {
    const client::Revision& by = **changed;
    const auto value = value_now(visit, conflict);
    if (!value) return value.error();
    run.output.line(fmt::format("   stands  {}, {}: {} (changed since, see {}@{})", escaped(by.user),
                                when(by.timestamp), value->empty() ? "nothing" : escaped(*value, 80),
                                name_of(conflict.document), by.revision));
    JsonObject now{{"revision", by.revision}, {"user", by.user}, {"time", to_iso(by.timestamp)}};
    if (!value->empty()) now.add("value", JsonText{*value});
    object.add("now", std::move(now));
  }
  show_side(run, *changed ? "won   " : "stands", conflict.winner);
  show_side(run, "lost  ", conflict.loser);
  run.output.object(object);
  return {};
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
    for (const client::Conflict& each : *conflicts) {
      if (auto shown = show(run, **visit, each); !shown) return shown;
    }
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
      .number(words->number, "NUMBER", "as `callboard conflicts` tells it", Need::required)
      .flag(words->take, "--take-lost", "make the value that lost the one that stands")
      .text(words->value, "--value JSON", "make this the value")
      .runs([words](Run& run) { return resolve(run, *words); });
}

}  // namespace callboard::cli
