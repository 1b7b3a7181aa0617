#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/own_folders.h"
#include "base/text.h"
#include "tools/cli/item_from.h"
#include "tools/cli/lock_words.h"
#include "tools/cli/objects.h"
#include "tools/cli/verbs.h"
#include "tools/cli/visit.h"

// lock, unlock, locks: who has which item to themselves.
namespace callboard::cli {
namespace {

constexpr std::initializer_list<Key> kLockKeys = {Key::project,        Key::name, Key::folder,  Key::server,
                                                  Key::discovery_port, Key::ask,  Key::key_file};
// As long as a call may take: nobody sits in front of a prompt for longer.
constexpr Duration kLockPatience = std::chrono::hours(24);

struct LockWords {
  std::string item;
  std::string note;
  std::optional<double> lease;
  bool wait = false;
  bool ask = false;
};

std::string arguments_of(std::initializer_list<std::pair<std::string_view, document::ValuePtr>> given) {
  document::Object object;
  for (const auto& [name, value] : given) {
    if (value != nullptr) object.push_back({std::string(name), value});
  }
  return document::print(*document::make_value(std::move(object)));
}

document::ValuePtr text_or_none(const std::string& text) {
  return text.empty() ? nullptr : document::make_value(std::string(text));
}

document::ValuePtr number_or_none(const std::optional<double>& seconds) {
  if (!seconds) return nullptr;
  return document::make_value(document::Number{std::to_string(static_cast<std::int64_t>(*seconds))});
}

Result<void> ask_owner(Run& run, Visit& visit, const std::string& item) {
  const auto owner =
      visit.wait(visit.access().call("lock.ask", arguments_of({{"item", text_or_none(item)}}), {}));
  if (!owner) return owner.error();
  const auto user = document::parse(*owner);
  const std::string name = user && (*user)->string() != nullptr ? *(*user)->string() : "";
  run.output.line(fmt::format("{} is asked to hand {} over", escaped(name), escaped(item)));
  run.output.object({{"event", "asked"}, {"item", item}, {"user", name}});
  return {};
}

Result<void> lock(Run& run, LockWords words) {
  auto item = item_from(words.item);
  if (!item) return item.error();
  words.item = *std::move(item);
  if (words.lease && *words.lease != std::floor(*words.lease))
    return Error{Outcome::usage, fmt::format("--lease {}: expected whole seconds", *words.lease)};
  if (words.item == "/")
    return Error{Outcome::usage, "ITEM \"/\": expected an item of the project, not all of it"};
  const auto stay = words.wait ? Visit::Stay::on : Visit::Stay::once;
  auto visit = Visit::open(run, Visit::Folder::unused, stay);
  if (!visit) return visit.error();
  if (words.ask) return ask_owner(run, **visit, words.item);
  client::CallOptions options;
  if (words.wait) options.deadline = kLockPatience;
  options.on_progress = [&run, item = words.item](std::string_view) {
    run.output.message(escaped(item) + " is locked: waiting until it is free");
  };
  const std::string arguments = arguments_of({{"item", text_or_none(words.item)},
                                              {"note", text_or_none(words.note)},
                                              {"wait", words.wait ? document::make_value(true) : nullptr},
                                              {"lease_s", number_or_none(words.lease)}});
  auto locked = (*visit)->wait((*visit)->access().call("lock", arguments, options));
  // A server that was started anew has forgotten who waits, and knows who has it.
  while (!locked && words.wait) {
    if (auto there = Visit::go_on(run, *visit, locked.error()); !there) return there;
    locked = (*visit)->wait((*visit)->access().call("lock", arguments, options));
  }
  if (!locked) return locked.error();
  run.output.line(escaped(words.item) + " is yours");
  run.output.object({{"event", "locked"}, {"lock", JsonText{*locked}}});
  return {};
}

struct UnlockWords {
  std::string item;
  std::optional<std::string> to;
  std::optional<std::string> note;
  bool is_breaking = false;
};

Result<void> unlock(Run& run, UnlockWords words) {
  auto item = item_from(words.item);
  if (!item) return item.error();
  words.item = *std::move(item);
  if (words.to && words.to->empty()) return Error{Outcome::usage, "--to: expected the name of a user"};
  if (words.is_breaking && words.to)
    return Error{Outcome::usage, "--to: what somebody else has can be freed, but not handed on"};
  if (!words.is_breaking && words.note)
    return Error{Outcome::usage, "--note: only with --break, for whoever has it"};
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const auto arguments = arguments_of({{"item", text_or_none(words.item)},
                                       {"to", text_or_none(words.to.value_or(""))},
                                       {"note", text_or_none(words.note.value_or(""))}});
  const auto done =
      (*visit)->wait((*visit)->access().call(words.is_breaking ? "lock.break" : "unlock", arguments, {}));
  if (!done) return done.error();
  JsonObject object{{"event", "unlocked"}, {"item", words.item}};
  if (words.to) {
    run.output.line(escaped(words.item) + " is " + escaped(*words.to) + "'s now");
    object.add("to", *words.to);
  } else {
    run.output.line(escaped(words.item) + " is free");
  }
  run.output.object(object);
  return {};
}

std::string names_of(const document::ValuePtr& names) {
  std::string line;
  for (std::size_t i = 0; names != nullptr && names->array() != nullptr && i < names->array()->size(); ++i) {
    const std::string* name = (*names->array())[i]->string();
    if (name != nullptr) line += (line.empty() ? "" : ", ") + escaped(*name);
  }
  return line;
}

void show_lock(Run& run, const client::Record& record) {
  const auto fields = document::parse(record.fields);
  const std::string item = record.path.substr(kLocksFolder.size());
  if (!fields || (*fields)->object() == nullptr) return;
  const LockFacts lock = lock_facts(record.owner_name, **fields);
  const auto until = document::number_in<std::int64_t>(**fields, "until");
  const std::string wanted = names_of((*fields)->member("wanted"));
  const std::string waiting = names_of((*fields)->member("waiting"));
  run.output.line(fmt::format(
      "{}  {}  since {}{}{}{}{}", run.output.styled(Style::bold, escaped(item)), escaped(lock.user),
      when(lock.since), until == 0 ? "" : "  until " + when(Timestamp{until}),
      lock.note.empty() ? "" : "  " + escaped(lock.note), wanted.empty() ? "" : "  asked for by " + wanted,
      waiting.empty() ? "" : "  waited for by " + waiting));
  run.output.object(
      {{"event", "lock"}, {"item", item}, {"user", record.owner_name}, {"fields", JsonText{record.fields}}});
}

Result<void> list_locks(Run& run, const std::string& typed) {
  const std::string zone = typed.starts_with('/') ? typed : "/" + typed;
  auto visit = Visit::open(run);
  if (!visit) return visit.error();
  const std::string where = std::string(kLocksFolder) + (zone == "/" ? "" : zone);
  const auto locks = (*visit)->wait((*visit)->access().records(where));
  if (!locks) return locks.error();
  for (const client::Record& each : *locks) show_lock(run, each);
  if (locks->empty()) run.output.message("nothing is locked");
  return {};
}

}  // namespace

void add_locks(Program& program) {
  auto words = std::make_shared<LockWords>();
  program
      .add_verb({.name = "lock",
                 .summary = "have an item to yourself, until you unlock it or leave",
                 .example = "callboard lock /dev/chr/Moria --note \"new rig\" --wait"})
      .takes(kLockKeys)
      .text(words->item, "ITEM", "a path in the project", Need::required)
      .text(words->note, "--note TEXT", "why, for the others")
      .flag(words->wait, "--wait", "wait until it is free; those who asked before you come first")
      .seconds(words->lease, "--lease SECONDS",
               "for so long, at most a year, whether or not you are here (default, without a join: 8 hours)",
               {.min = 1, .max = 365 * 86'400})
      .flag(words->ask, "--request", "ask whoever has it to hand it over")
      .runs([words](Run& run) { return lock(run, *words); });
  auto unlocked = std::make_shared<UnlockWords>();
  program
      .add_verb({.name = "unlock",
                 .summary = "give an item back, or hand it on",
                 .example = "callboard unlock /dev/chr/Moria --to lighting"})
      .takes(kLockKeys)
      .text(unlocked->item, "ITEM", "a path in the project", Need::required)
      .text(unlocked->to, "--to USER", "hand it to that user, who then has it before all who wait")
      .flag(unlocked->is_breaking, "--break", "though somebody else has it; takes the permission lock.break")
      .text(unlocked->note, "--note TEXT", "with --break: why, for whoever has it, and the audit")
      .runs([unlocked](Run& run) { return unlock(run, *unlocked); });
  auto zone = std::make_shared<std::string>("/");
  program
      .add_verb({.name = "locks",
                 .summary = "what is locked, by whom, and who asked for it",
                 .example = "callboard locks /dev/chr"})
      .takes(kLockKeys)
      .text(*zone, "ZONE", "only what is there and below; * is any one component (default: /)")
      .runs([zone](Run& run) { return list_locks(run, *zone); });
}

}  // namespace callboard::cli
