#include "server/key_calls.h"

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/document/build.h"
#include "base/limits.h"
#include "base/text.h"
#include "net/work_queue.h"
#include "server/keys.h"
#include "server/people.h"
#include "server/store/key_file.h"

namespace callboard::server {
namespace {

using document::make_bool;
using document::make_number;
using document::make_object;
using document::make_text;

// A server that stops waits for a change of the keys until that has waited for the file, and has a second to write it.
static_assert(kKeysLockLimit + std::chrono::seconds(1) <= kWrittenLimit);

// Also a service has none, and may all the rest.
Result<void> check_has_key(const Caller& caller) {
  if (!caller.identity.key.empty()) return {};
  return Error{Outcome::refused,
               "keys are changed by who is in with one: the first is made where the server's data are, by "
               "`callboard key add NAME --data DIR`; whoever has none is sent off then"};
}

// Who asks, and what is said of them, beside their role, whenever that is asked.
struct Asker {
  Caller caller;
  std::function<Measures()> measures;
};

// As it is at that moment, in the files and by what was said of people: who was revoked meanwhile, or may not any more, changes
// nothing, and of a file that is gone nobody makes one that would send everybody else off.
Result<Permissions> permissions_now(const Asker& asker, const KeyRing& ring, const Roles& roles) {
  const KeyEntry* own = ring.find(asker.caller.identity.key);
  if (own == nullptr || !own->is_good(system_clock().wall()))
    return Error{Outcome::refused, "the key you are here with is none of the server's any more"};
  const Permissions has = measured(roles.permissions_of(own->role), asker.measures());
  if (auto may = check(has, Permission::keys); !may) return may.error();
  return has;
}

// Whoever could replace the key of somebody who may more could be in with it. What a role that is not known now will permit
// when it is known again nobody can say.
Result<void> check_role(const Permissions& has, const Roles& roles, const std::string& role) {
  if (has.is_all()) return {};
  if (roles.find(role) == nullptr)
    return Error{Outcome::refused, fmt::format("the role {} is not known", callboard::quoted(role))};
  if (has.contains_all(roles.permissions_of(role))) return {};
  return Error{Outcome::refused,
               fmt::format("the role {} permits what you may not: nobody hands out, or takes, more than they "
                           "have themselves",
                           callboard::quoted(role))};
}

// The answer might not arrive: its session ends with the key.
Result<void> check_others(const Caller& caller, const KeyRing& ring, const std::string& name) {
  const KeyEntry* entry = ring.find_name(name);
  if (entry == nullptr || entry->key.identity != caller.identity.key) return {};
  return Error{
      Outcome::refused,
      "that is the key you are here with: have somebody else do it, or do it where the server's data "
      "are, with --data"};
}

KeyChanger changer(const Caller& caller) { return {caller.identity.name, caller.host()}; }

document::Object fields_of(const KeyEntry& entry) {
  document::Object fields = *make_object({{"name", make_text(entry.name)},
                                          {"role", make_text(entry.role)},
                                          {"identity", make_text(entry.key.identity)},
                                          {"created", make_number(entry.created.ms)},
                                          {"once", make_bool(entry.once)},
                                          {"used", make_bool(entry.used)}})
                                 ->object();
  if (entry.expires) fields.push_back({"expires", make_number(entry.expires->ms)});
  return fields;
}

document::ValuePtr value_of(const KeyEntry& entry) { return document::make_value(fields_of(entry)); }

// With what proves it.
document::ValuePtr shown(const KeyEntry& entry) {
  document::Object fields = fields_of(entry);
  fields.push_back({"key", make_text(to_line(entry.key))});
  return document::make_value(std::move(fields));
}

CallValue list(const KeysOf& of) {
  const auto ring = read_keys(of.data, of.project);
  if (!ring) return ring.error();
  document::Array keys;
  if (*ring) {
    for (const KeyEntry& each : (*ring)->entries()) keys.push_back(value_of(each));
  }
  return document::make_array(std::move(keys));
}

// `change` is told what the asker may.
using Change = std::function<Result<void>(KeyRing& ring, const Permissions& has, const Roles& roles)>;

Result<void> change_by(const KeysOf& of, const Asker& asker, const Change& change) {
  const auto checked_change = [&](KeyRing& ring) -> Result<void> {
    const auto roles = read_roles(of.data, of.project);
    if (!roles) return roles.error();
    const auto has = permissions_now(asker, ring, *roles);
    if (!has) return has.error();
    return change(ring, *has, *roles);
  };
  return KeyFile(of.data, of.project).update(checked_change, changer(asker.caller));
}

CallValue add(const KeysOf& of, const Asker& asker, const CallArguments& arguments) {
  NewKey wanted{.name = arguments.text("name"), .good_for = {}, .once = arguments.flag("once")};
  if (arguments.has("role")) wanted.role = arguments.text("role");
  if (arguments.has("expires_s")) wanted.good_for = std::chrono::seconds(arguments.integer("expires_s"));
  const auto entry = make_key(wanted);
  if (!entry) return entry.error();
  const auto add = [&](KeyRing& ring, const Permissions& has, const Roles& roles) -> Result<void> {
    if (roles.find(entry->role) == nullptr) {
      return Error{Outcome::usage,
                   fmt::format("role {}: expected {}", callboard::quoted(entry->role), roles.names())};
    }
    if (auto checked = check_role(has, roles, entry->role); !checked) return checked;
    return ring.add(*entry);
  };
  if (auto added = change_by(of, asker, add); !added) return added.error();
  return shown(*entry);
}

// Of somebody else, who may no more than the asker.
Result<void> change_of(const KeysOf& of, const Asker& asker, const std::string& name,
                       const std::function<Result<void>(KeyRing&)>& change) {
  return change_by(of, asker, [&](KeyRing& ring, const Permissions& has, const Roles& roles) -> Result<void> {
    if (auto checked = check_others(asker.caller, ring, name); !checked) return checked;
    const KeyEntry* entry = ring.find_name(name);
    if (entry != nullptr) {
      if (auto checked = check_role(has, roles, entry->role); !checked) return checked;
    }
    return change(ring);
  });
}

CallValue rotate(const KeysOf& of, const Asker& asker, const std::string& name) {
  std::optional<KeyEntry> entry;
  auto rotated = change_of(of, asker, name, [&](KeyRing& ring) -> Result<void> {
    if (auto done = ring.rotate(name, make_access_key(system_random())); !done) return done;
    entry = *ring.find_name(name);
    return {};
  });
  if (!rotated) return rotated.error();
  return shown(*entry);
}

CallValue revoke(const KeysOf& of, const Asker& asker, const std::string& name) {
  auto revoked = change_of(of, asker, name, [&](KeyRing& ring) { return ring.revoke(name); });
  if (!revoked) return revoked.error();
  return document::make_null();
}

CallArgument name_argument() { return {.name = "name", .summary = "who holds it"}; }

using Work = std::function<CallValue(const Asker& asker, const CallArguments& words)>;
enum class Does { read, change };

// What is done to the keys is answered as it ended, whoever gave up meanwhile: nobody else has the line of a new one.
LaterRun worked_on(const std::shared_ptr<net::WorkQueue>& worker, const People& people, Work work,
                   Does does) {
  return [worker, &people, work = std::move(work), does](const Caller& caller, const CallArguments& words,
                                                         const std::shared_ptr<CallRun>& run) {
    if (const auto has_key = check_has_key(caller); !has_key) return run->answer(has_key.error());
    if (does == Does::change) run->set_committing();
    worker->submit(
        [work, asker = Asker{caller, people.measures_at_any_time(caller.identity)},
         words](const std::stop_token& stop) {
          return stop.stop_requested() ? CallValue(Error{Outcome::interrupted, "the server stops"})
                                       : work(asker, words);
        },
        [run](CallValue answer) { run->answer(std::move(answer)); });
  };
}

}  // namespace

void add_key_calls(CallRegistry& registry, net::Loop& loop, const People& people, KeysOf given) {
  const auto of = std::make_shared<const KeysOf>(std::move(given));
  const auto worker = std::make_shared<net::WorkQueue>(loop, 1);
  const auto add_call = [&registry, &worker, &people](std::string name, std::string summary,
                                                      std::vector<CallArgument> arguments,
                                                      std::optional<ValueType> result, Does does, Work run) {
    registry.add_built_in({.description = {.name = std::move(name),
                                           .summary = std::move(summary),
                                           .category = "keys",
                                           .permission = "keys",
                                           .arguments = std::move(arguments),
                                           .result = result},
                           .run = worked_on(worker, people, std::move(run), does)});
  };
  add_call("key.list", "the keys of the server, without what proves them", {}, ValueType::list, Does::read,
           [of](const Asker&, const CallArguments&) { return list(*of); });
  add_call("key.add", "makes a key; what proves it is in the answer, and nowhere else",
           {name_argument(),
            {.name = "role", .summary = "what it permits (default: artist)", .is_optional = true},
            {.name = "expires_s",
             .type = ValueType::integer,
             .summary = "for how many seconds it is good",
             .is_optional = true},
            {.name = "once",
             .type = ValueType::boolean,
             .summary = "it lets in one session, which may come back",
             .is_optional = true}},
           ValueType::map, Does::change,
           [of](const Asker& asker, const CallArguments& words) { return add(*of, asker, words); });
  add_call("key.rotate", "makes another key for a name; the one before is worthless at once",
           {name_argument()}, ValueType::map, Does::change,
           [of](const Asker& asker, const CallArguments& words) {
             return rotate(*of, asker, words.text("name"));
           });
  add_call("key.revoke", "makes a key worthless; its sessions and transfers end at once", {name_argument()},
           std::nullopt, Does::change, [of](const Asker& asker, const CallArguments& words) {
             return revoke(*of, asker, words.text("name"));
           });
}

}  // namespace callboard::server
