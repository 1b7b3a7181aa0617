#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "base/core_dumps.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/backup.h"
#include "server/keys.h"
#include "server/roles.h"
#include "tools/cli/keys_at_server.h"
#include "tools/cli/program.h"
#include "tools/cli/server_place.h"
#include "tools/cli/verbs.h"

// The keys of a project's server: on the machine where its data are, also while it runs; or by the running server, for who is in
// with a key that may (keys_at_server.h).
namespace callboard::cli {
namespace {

using server::KeyEntry;
using server::KeyRing;

constexpr std::initializer_list<Key> kTaken{Key::project,        Key::data, Key::folder,  Key::server,
                                            Key::discovery_port, Key::ask,  Key::key_file};

// Before anything is read that is secret.
Result<ServerPlace> key_place(const Run& run) {
  forbid_core_dumps();
  return ServerPlace::of(run.settings);
}

// Keys that are not where the server's data are let nobody in.
void tell_no_server(Run& run, const ServerPlace& place, std::string_view what_keys) {
  run.output.message(fmt::format("no server of project {} has been here yet: {} for one that will be",
                                 callboard::quoted(place.project), what_keys));
}

Result<void> check_role(const ServerPlace& place, const std::string& name) {
  const auto roles = server::read_roles(place.data, place.project);
  if (!roles) return roles.error();
  if (roles->find(name) != nullptr) return {};
  return Error{Outcome::usage,
               fmt::format("--role {}: expected {}", callboard::quoted(name), roles->names())};
}

Result<void> add_named(Run& run, const KeyWords& words) {
  const auto place = key_place(run);
  if (!place) return place.error();
  if (auto known = check_role(*place, words.role); !known) return known;
  const auto good_for = good_for_of(words);
  if (!good_for) return good_for.error();
  const auto entry =
      server::make_key({.name = words.name, .role = words.role, .good_for = *good_for, .once = words.once});
  if (!entry) return entry.error();
  bool is_first = false;
  auto added = server::change_keys(place->data, place->project, [&](KeyRing& ring) {
    is_first = ring.entries().empty();
    return ring.add(*entry);
  });
  if (!added) return added;
  show_key_made(run, *entry);
  if (!server::has_board(place->folder)) {
    tell_no_server(run, *place, "the key is");
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
  show_key_made(run, *entry);
  return {};
}

void tell_none_left(const Run& run) {
  run.output.message("no key is left, and nobody is let in: the server does not become open by that");
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
  show_key_revoked(run, words.name);
  if (left == 0) tell_none_left(run);
  return {};
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
  for (const KeyEntry& each : (*ring)->entries()) show_key(run, each);
  if ((*ring)->entries().empty()) tell_none_left(run);
  if (!server::has_board(place->folder)) tell_no_server(run, *place, "the keys are");
  return {};
}

// Here, or by the running server.
Result<void> one_of(Run& run, const std::function<Result<void>()>& here,
                    const std::function<Result<void>()>& at_server) {
  const auto is_server = asks_server_for_keys(run);
  if (!is_server) return is_server.error();
  return *is_server ? at_server() : here();
}

}  // namespace

void add_key(Program& program) {
  auto words = std::make_shared<KeyWords>();
  Verb& key =
      program.add_verb({.name = "key",
                        .summary = "make, list and revoke the keys that let people into a server: with a key "
                                   "that may, or --server, of "
                                   "the running one; with --data, or without a key, where its data are",
                        .example = "callboard key add rigging --project \"Moria's Race\""});
  key.add_verb({.name = "add",
                .summary =
                    "make a key for NAME and print it, once; with the first one the server is no longer open",
                .example = "callboard key add rigging --expires 30d --project \"Moria's Race\""})
      .takes(kTaken)
      .text(words->name, "NAME", "who is to hold it; everybody sees its sessions under this name",
            Need::required)
      .text(words->expires, "--expires TIME",
            "how long it is good, like 12h, 30d or 8w (default: until it is revoked)")
      .text(words->role, "--role ROLE",
            "what it permits: viewer, artist (default), lead, admin (docs/security.md), or one of roles.json")
      .flag(words->once, "--once", "it lets in one session, which may come back, and no other")
      .runs([words](Run& run) {
        return one_of(
            run, [&] { return add_named(run, *words); }, [&] { return add_key_at_server(run, *words); });
      });
  key.add_verb({.name = "list",
                .summary = "list the keys, without what proves them",
                .example = "callboard key list --project \"Moria's Race\""})
      .takes(kTaken)
      .runs([](Run& run) {
        return one_of(
            run, [&] { return list_keys(run); }, [&] { return list_keys_at_server(run); });
      });
  key.add_verb({.name = "roles",
                .summary = "list the roles that a key may have, and what each permits",
                .example = "callboard key roles --project \"Moria's Race\""})
      .takes({Key::project, Key::data})
      .runs(list_roles);
  key.add_verb({.name = "revoke",
                .summary = "make the key of NAME worthless; its sessions and transfers end at once",
                .example = "callboard key revoke rigging --project \"Moria's Race\""})
      .takes(kTaken)
      .text(words->name, "NAME", "whose", Need::required)
      .runs([words](Run& run) {
        return one_of(
            run, [&] { return revoke_named(run, *words); },
            [&] { return revoke_key_at_server(run, *words); });
      });
  key.add_verb({.name = "rotate",
                .summary = "make another key for NAME and print it; the one before is worthless at once",
                .example = "callboard key rotate rigging --project \"Moria's Race\""})
      .takes(kTaken)
      .text(words->name, "NAME", "whose", Need::required)
      .runs([words](Run& run) {
        return one_of(
            run, [&] { return rotate_named(run, *words); },
            [&] { return rotate_key_at_server(run, *words); });
      });
}

}  // namespace callboard::cli
