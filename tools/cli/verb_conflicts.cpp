#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "tools/cli/locked_items.h"
#include "tools/cli/objects.h"
#include "tools/cli/page_place.h"
#include "tools/cli/place_news.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

// conflicts, resolve: where two people changed the same part of a document.
namespace callboard::cli {
namespace {

// nullopt: the history has it no more.
Result<std::optional<client::Revision>> find_revision(Visit& visit, client::DocumentName document,
                                                      std::uint64_t revision) {
  const auto kept = visit.wait(visit.access().history({.document = document, .before = revision + 1}));
  if (!kept) return kept.error();
  std::optional<client::Revision> found;
  const bool is_kept = !kept->revisions.empty() && kept->revisions.front().revision == revision;
  if (is_kept) found = kept->revisions.front();
  return found;
}

// Without its value it is long, or it was taken away: that says the revision, where it is kept still.
Result<std::string> value_of(Visit& visit, const client::Conflict& conflict,
                             const client::ConflictSide& side) {
  if (!side.value.empty()) return escaped(side.value, 80);
  const std::string look = fmt::format("see {}@{}", name_of(conflict.document), side.revision);
  if (conflict.places > 1) return look;
  const auto there = visit.wait(
      visit.access().read({.document = conflict.document, .at = conflict.at, .revision = side.revision}));
  if (there) return look;
  if (there.error().outcome != Outcome::not_found) return there.error();
  const auto kept = find_revision(visit, conflict.document, side.revision);
  if (!kept) return kept.error();
  return *kept ? "(removed)" : look;
}

// What a place of a document is now, for all conflicts about it.
struct Place {
  PlaceNews news;
  // JSON; empty: nothing is there. nullopt: not asked for yet.
  std::optional<std::string> value{};
  bool is_long = false;  // Longer than what is told of the two sides of a conflict, and not kept here.
};

class Places {
 public:
  explicit Places(Visit& visit) : visit_(visit) {}

  Place& of(const client::Conflict& conflict);
  Result<void> read_value(const client::Conflict& conflict, Place& place);

 private:
  Visit& visit_;
  std::map<std::pair<client::DocumentName, std::string>, Place> places_;
};

Place& Places::of(const client::Conflict& conflict) {
  const auto ask = [this](const client::HistoryQuery& query) {
    return visit_.wait(visit_.access().history(query));
  };
  return places_.try_emplace({conflict.document, conflict.at}, Place{{ask, conflict.document, conflict.at}})
      .first->second;
}

Result<void> Places::read_value(const client::Conflict& conflict, Place& place) {
  if (place.value) return {};
  const auto now = visit_.wait(visit_.access().read({.document = conflict.document, .at = conflict.at}));
  const bool is_gone = !now && now.error().outcome == Outcome::not_found;
  if (!now && !is_gone) return now.error();
  place.is_long = !is_gone && now->text->size() > kConflictValueMax;
  place.value = is_gone || place.is_long ? std::string() : *now->text;
  return {};
}

// What was done to the place of a conflict after what won, where that is not there any more. What lost may have come later
// than what stands now.
Result<std::optional<client::Revision>> changed_since(Places& places, const client::Conflict& conflict) {
  Place& place = places.of(conflict);
  // The value is there at once; for the history the server goes through what everybody wrote.
  if (!conflict.winner.value.empty()) {
    if (auto read = places.read_value(conflict, place); !read) return read.error();
    if (*place.value == conflict.winner.value) return std::optional<client::Revision>();
    // What stands may have come before what won over the loser: it is the newer by its time.
    const auto standing = place.news.after(0);
    const bool is_winners = standing && *standing && (*standing)->revision == conflict.winner.revision;
    return is_winners ? std::optional<client::Revision>() : standing;
  }
  return place.news.after(conflict.winner.revision);
}

Result<void> show_side(Run& run, Visit& visit, std::string_view word, const client::Conflict& conflict,
                       const client::ConflictSide& side) {
  if (run.output.is_json()) return {};
  const auto value = value_of(visit, conflict, side);
  if (!value) return value.error();
  run.output.line(fmt::format("   {}  {}, {}: {}", word, escaped(side.user), when(side.timestamp), *value));
  return {};
}

// What became of the place since: as a line, and as the conflict's `now`.
JsonObject show_now(Run& run, const client::Conflict& conflict, const client::Revision& by,
                    const Place& place) {
  const std::string version = fmt::format("{}@{}", name_of(conflict.document), by.revision);
  const std::string value = place.value->empty() ? "nothing" : escaped(*place.value, 80);
  const std::string what = place.is_long ? fmt::format("see {} (changed since)", version)
                                         : fmt::format("{} (changed since, see {})", value, version);
  run.output.line(fmt::format("   stands  {}, {}: {}", escaped(by.user), when(by.timestamp), what));
  JsonObject now{{"revision", by.revision}, {"user", by.user}, {"time", to_iso(by.timestamp)}};
  if (place.is_long) now.add("is_long", true);
  if (!place.value->empty()) now.add("value", JsonText{*place.value});
  return now;
}

Result<void> show(Run& run, Visit& visit, Places& places, const client::Conflict& conflict) {
  const auto changed = changed_since(places, conflict);
  if (!changed) return changed.error();
  Place& place = places.of(conflict);
  if (*changed) {
    if (auto read = places.read_value(conflict, place); !read) return read;
  }
  run.output.line(fmt::format("{}  {} {}", run.output.styled(Style::bold, std::to_string(conflict.number)),
                              name_of(conflict.document), place_of(conflict)));
  auto object = conflict_object(conflict);
  if (*changed) object.add("now", show_now(run, conflict, **changed, place));
  const auto word = *changed ? "won   " : "stands";
  if (auto shown = show_side(run, visit, word, conflict, conflict.winner); !shown) return shown;
  if (auto shown = show_side(run, visit, "lost  ", conflict, conflict.loser); !shown) return shown;
  run.output.object(object);
  return {};
}

Result<void> list(Run& run) {
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  Places places(**visit);
  PagePlace place("conflicts", PagePlace::Way::up);
  bool is_any = false;
  // The server tells some at a time.
  for (;;) {
    const auto conflicts = (*visit)->wait((*visit)->access().conflicts(place.at()));
    if (!conflicts) return conflicts.error();
    if (conflicts->empty()) break;
    for (const client::Conflict& each : *conflicts) {
      if (auto shown = show(run, **visit, places, each); !shown) return shown;
    }
    is_any = true;
    if (const auto moved = place.move_to(conflicts->back().number); !moved) return moved;
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

std::string version_of_lost(const client::Conflict& conflict) {
  return fmt::format("{}@{}", name_of(conflict.document), conflict.loser.revision);
}

// Where it has nowhere to go: what else there is to do.
Error with_advice(const Error& why, const client::Conflict& conflict) {
  if (why.outcome != Outcome::superseded) return why;
  return {why.outcome,
          fmt::format("{}: `callboard show {} --written` has it, `callboard resolve {}` keeps what stands",
                      why.text, version_of_lost(conflict), conflict.number)};
}

// At how many of its places what was lost stands again, by what that revision changed; nullopt: it cannot be known. The conflict
// is settled, whatever becomes of this.
std::optional<std::uint64_t> places_back(Visit& visit, const client::Conflict& conflict,
                                         std::uint64_t revision) {
  const auto made = find_revision(visit, conflict.document, revision);
  if (!made || !*made) return std::nullopt;
  return (*made)->places;
}

void tell_resolved(Run& run, Visit& visit, const client::Conflict& conflict, bool take,
                   std::uint64_t revision) {
  JsonObject object{{"event", "resolved"}, {"number", conflict.number}, {"revision", revision}};
  std::string line = fmt::format("conflict {} is settled, at revision {}", conflict.number, revision);
  if (take && conflict.places > 1) {
    object.add("places", conflict.places);
    if (const auto back = places_back(visit, conflict, revision)) {
      line += fmt::format(": {} of {} places came back", *back, conflict.places);
      if (*back < conflict.places)
        line +=
            fmt::format(", what held the others is gone for good (`callboard show {} --written` has them)",
                        version_of_lost(conflict));
      object.add("came_back", *back);
    }
  }
  run.output.line(line);
  run.output.object(object);
}

// Since it was asked for somebody changed what it was to change, or took away what held it.
Error lost_again(std::uint64_t number) {
  return {
      Outcome::superseded,
      fmt::format("conflict {}: somebody else changed the same meanwhile; `callboard conflicts` says what "
                  "stands, and what is left to settle",
                  number)};
}

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
  if (!result) return with_advice(result.error(), *conflict);
  if (result->kept) return report_kept(run, "the settling");
  if (!result->won) return lost_again(words.number);
  // Where it met what its loser has written there once more, it is about that, and open.
  if (result->conflicts > 0) {
    const auto still = find(**visit, words.number);
    if (still) return lost_again(words.number);
    if (still.error().outcome != Outcome::not_found) return still.error();
  }
  tell_resolved(run, **visit, *conflict, words.take, result->revision);
  if (result->conflicts > 0)
    run.output.message(
        "meanwhile somebody else changed the same, which is lost to it: see `callboard conflicts`");
  return {};
}

}  // namespace

void add_conflicts(Program& program) {
  program
      .add_verb(
          {.name = "conflicts",
           .summary = "where two people changed the same part of a document, and nobody has settled it yet",
           .example = "callboard conflicts",
           .note = "Only changes that tell what they were made from (--base, or the library) can be in a "
                   "conflict. Of others the newest stands."})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .runs(list);
}

void add_resolve(Program& program) {
  auto words = std::make_shared<ResolveWords>();
  program
      .add_verb({.name = "resolve",
                 .summary = "settle a conflict: keep what stands (without an option), take what lost, or say "
                            "what it is to be",
                 .example = "callboard resolve 3 --take-lost",
                 .note =
                     "Of a conflict about many places --take-lost brings back what was lost at each of them; "
                     "--value is for a conflict about one place only."})
      .takes(
          {Key::project, Key::name, Key::folder, Key::server, Key::discovery_port, Key::ask, Key::key_file})
      .number(words->number, "NUMBER", "as `callboard conflicts` tells it", Need::required)
      .flag(words->take, "--take-lost", "make the value that lost the one that stands")
      .text(words->value, "--value JSON", "make this the value")
      .runs([words](Run& run) { return resolve(run, *words); });
}

}  // namespace callboard::cli
