#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/core_dumps.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/backup.h"
#include "server/keys.h"
#include "server/roles.h"
#include "tools/cli/data_folder.h"
#include "tools/cli/program.h"
#include "tools/cli/server_place.h"
#include "tools/cli/verbs.h"

// The keys of a project's server, on the machine where its data are; also while it runs.
namespace callboard::cli {
namespace {

using server::KeyEntry;
using server::KeyRing;

struct KeyWords {
  std::string name;
  std::string role = "artist";
  std::string expires;
  bool once = false;
};

// Whose keys.
struct KeyPlace {
  std::filesystem::path data;
  std::string project;
};

Result<KeyPlace> key_place(const Run& run) {
  forbid_core_dumps();
  auto project = run.settings.required(Key::project);
  if (!project) return project.error();
  auto data = data_folder(run.settings);
  if (!data) return data.error();
  return KeyPlace{std::move(*data), std::move(*project)};
}

// "30d", "12h", "90m", "2w": whole minutes, hours, days or weeks.
std::optional<std::chrono::minutes> span_from(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::int64_t kCountMax = 100'000;
  if (problem != std::errc{} || count < 1 || count > kCountMax) return std::nullopt;
  if (unit == "m") return std::chrono::minutes(count);
  if (unit == "h") return std::chrono::hours(count);
  if (unit == "d") return std::chrono::hours(24 * count);
  if (unit == "w") return std::chrono::hours(24 * 7 * count);
  return std::nullopt;
}

JsonObject key_object(std::string_view event, const KeyEntry& entry) {
  JsonObject object{{"event", event},
                    {"name", entry.name},
                    {"role", entry.role},
                    {"identity", entry.key.identity},
                    {"created", to_iso(entry.created)},
                    {"once", entry.once},
                    {"used", entry.used}};
  object.add("expires", entry.expires ? to_iso(*entry.expires) : std::string());
  return object;
}

// The one time that a secret is shown.
void show_line(Run& run, const KeyEntry& entry) {
  run.output.line(to_line(entry.key));
  JsonObject object = key_object("key", entry);
  object.add("key", to_line(entry.key));
  run.output.object(object);
}

Result<void> check_role(const KeyPlace& place, const std::string& name) {
  const auto roles = server::read_roles(place.data, place.project);
  if (!roles) return roles.error();
  if (roles->find(name) != nullptr) return {};
  return Error{Outcome::usage,
               fmt::format("--role {}: expected {}", callboard::quoted(name), roles->names())};
}

Result<KeyEntry> new_entry(const KeyWords& words) {
  if (auto checked = check_name("NAME", words.name, kUserNameMaxCodePoints); !checked) return checked.error();
  KeyEntry entry;
  entry.name = words.name;
  entry.role = words.role;
  entry.key = make_access_key(system_random());
  entry.created = system_clock().wall();
  entry.once = words.once;
  if (words.expires.empty()) return entry;
  const auto span = span_from(words.expires);
  if (!span) {
    return Error{Outcome::usage, fmt::format("--expires {}: expected a number and m, h, d or w, like 30d",
                                             callboard::quoted(words.expires))};
  }
  entry.expires = Timestamp{entry.created.ms + std::chrono::milliseconds(*span).count()};
  return entry;
}

Result<void> add_named(Run& run, const KeyWords& words) {
  const auto place = key_place(run);
  if (!place) return place.error();
  if (auto known = check_role(*place, words.role); !known) return known;
  const auto entry = new_entry(words);
  if (!entry) return entry.error();
  const auto server = ServerPlace::of(run.settings);
  const bool has_board = server && server::has_board(server->folder);
  bool is_first = false;
  auto added = server::change_keys(place->data, place->project, [&](KeyRing& ring) {
    is_first = ring.entries().empty();
    return ring.add(*entry);
  });
  if (!added) return added;
  show_line(run, *entry);
  if (!has_board) {
    run.output.message(
        fmt::format("no server of project {} has been here yet: the key is for one that will be",
                    callboard::quoted(place->project)));
  } else if (is_first) {
    run.output.message("the server has keys from now on: who has none is not let in any more");
  }
  return {};
}

Result<void> rotate_named(Run& run, const KeyWords& words) {
  const auto place = key_place(run);
  if (!place) return place.error();
  std::optional<KeyEntry> entry;
  auto rotated = server::change_keys(place->data, place->project, [&](KeyRing& ring) -> Result<void> {
    if (auto done = ring.rotate(words.name, make_access_key(system_random())); !done) return done;
    entry = *ring.find_name(words.name);
    return {};
  });
  if (!rotated) return rotated;
  show_line(run, *entry);
  return {};
}

Result<void> revoke_named(Run& run, const KeyWords& words) {
  const auto place = key_place(run);
  if (!place) return place.error();
  std::size_t left = 0;
  auto revoked = server::change_keys(place->data, place->project, [&](KeyRing& ring) -> Result<void> {
    if (auto done = ring.revoke(words.name); !done) return done;
    left = ring.entries().size();
    return {};
  });
  if (!revoked) return revoked;
  run.output.line(fmt::format("revoked the key of {}", callboard::quoted(words.name)));
  run.output.object({{"event", "revoked"}, {"name", words.name}});
  if (left == 0)
    run.output.message("no key is left, and nobody is let in: the server does not become open by that");
  return {};
}

std::string state_of(const KeyEntry& entry) {
  if (!entry.is_good(system_clock().wall())) return "expired";
  if (entry.used) return "used up";
  return entry.once ? "good once" : "good";
}

Result<void> list_roles(Run& run) {
  const auto place = key_place(run);
  if (!place) return place.error();
  const auto roles = server::read_roles(place->data, place->project);
  if (!roles) return roles.error();
  for (const server::Role& each : roles->all()) {
    std::string permits;
    std::vector<JsonValue> names;
    for (const std::string& name : each.permissions.names()) {
      permits += (permits.empty() ? "" : " ") + name;
      names.emplace_back(name);
    }
    if (permits.empty()) permits = "nothing";
    if (each.permissions.is_all()) permits = "everything";
    run.output.line(fmt::format("{}  {}", escaped(each.name), permits));
    run.output.object({{"event", "role"},
                       {"name", each.name},
                       {"everything", each.permissions.is_all()},
                       {"permissions", std::move(names)}});
  }
  return {};
}

Result<void> list_keys(Run& run) {
  const auto place = key_place(run);
  if (!place) return place.error();
  const auto ring = server::read_keys(place->data, place->project);
  if (!ring) return ring.error();
  if (!*ring) {
    run.output.message("the server is open: it has no keys");
    return {};
  }
  for (const KeyEntry& each : (*ring)->entries()) {
    const std::string expires = each.expires ? "until " + to_iso(*each.expires) : "for ever";
    run.output.line(fmt::format("{}  {}  {}, {}  identity {}", escaped(each.name), escaped(each.role),
                                state_of(each), expires, each.key.identity));
    run.output.object(key_object("key", each));
  }
  return {};
}

}  // namespace

void add_key(Program& program) {
  auto words = std::make_shared<KeyWords>();
  Verb& key = program.add_verb(
      {.name = "key",
       .summary = "make, list and revoke the keys that let people into a server, where its data are",
       .example = "callboard key add rigging --project \"Moria's Race\""});
  key.add_verb({.name = "add",
                .summary =
                    "make a key for NAME and print it, once; with the first one the server is no longer open",
                .example = "callboard key add rigging --expires 30d --project \"Moria's Race\""})
      .takes({Key::project, Key::data})
      .text(words->name, "NAME", "who is to hold it; everybody sees its sessions under this name",
            Need::required)
      .text(words->expires, "--expires TIME",
            "how long it is good, like 12h, 30d or 8w (default: until it is revoked)")
      .text(words->role, "--role ROLE",
            "what it permits: viewer, artist (default), lead, admin (docs/security.md), or one of roles.json")
      .flag(words->once, "--once", "it lets in one session, which may come back, and no other")
      .runs([words](Run& run) { return add_named(run, *words); });
  key.add_verb({.name = "list",
                .summary = "list the keys, without what proves them",
                .example = "callboard key list --project \"Moria's Race\""})
      .takes({Key::project, Key::data})
      .runs(list_keys);
  key.add_verb({.name = "roles",
                .summary = "list the roles that a key may have, and what each permits",
                .example = "callboard key roles --project \"Moria's Race\""})
      .takes({Key::project, Key::data})
      .runs(list_roles);
  key.add_verb({.name = "revoke",
                .summary = "make the key of NAME worthless; its sessions and transfers end at once",
                .example = "callboard key revoke rigging --project \"Moria's Race\""})
      .takes({Key::project, Key::data})
      .text(words->name, "NAME", "whose", Need::required)
      .runs([words](Run& run) { return revoke_named(run, *words); });
  key.add_verb({.name = "rotate",
                .summary = "make another key for NAME and print it; the one before is worthless at once",
                .example = "callboard key rotate rigging --project \"Moria's Race\""})
      .takes({Key::project, Key::data})
      .text(words->name, "NAME", "whose", Need::required)
      .runs([words](Run& run) { return rotate_named(run, *words); });
}

}  // namespace callboard::cli
