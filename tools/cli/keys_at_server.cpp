#include "tools/cli/keys_at_server.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/core_dumps.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/text.h"
#include "tools/cli/json_object.h"
#include "tools/cli/key_choice.h"
#include "tools/cli/visit.h"

namespace callboard::cli {
namespace {

using server::KeyEntry;

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

std::string state_of(const KeyEntry& entry) {
  if (!entry.is_good(system_clock().wall())) return "expired";
  if (entry.used) return "used up";
  return entry.once ? "good once" : "good";
}

// As the calls say it: with all of the key, or its identity alone.
Result<KeyEntry> entry_from(const document::Value& value) {
  KeyEntry entry;
  entry.name = document::text_in(value, "name");
  entry.role = document::text_in(value, "role");
  entry.key.identity = document::text_in(value, "identity");
  entry.created = {document::number_in<std::int64_t>(value, "created")};
  if (value.member("expires") != nullptr)
    entry.expires = Timestamp{document::number_in<std::int64_t>(value, "expires")};
  entry.once = document::flag_in(value, "once");
  entry.used = document::flag_in(value, "used");
  if (value.member("key") == nullptr) return entry;
  auto key = access_key_from(document::text_in(value, "key"));
  if (!key) return key.error().prefixed("the server's answer");
  entry.key = std::move(*key);
  return entry;
}

Result<document::ValuePtr> ask(Run& run, const std::string& call, const JsonObject& arguments) {
  forbid_core_dumps();
  auto visit = Visit::open(run);
  if (!visit) {
    Error why = visit.error();
    if (why.outcome == Outcome::not_found)
      why.text += "; where the server's data are, --data DIR does it without a server";
    return why;
  }
  const auto answer = (*visit)->wait((*visit)->access().call(call, arguments.text(), {}));
  if (!answer) return answer.error();
  return document::parse(*answer);
}

Result<void> ask_for_key(Run& run, const std::string& call, const JsonObject& arguments) {
  const auto made = ask(run, call, arguments);
  if (!made) return made.error();
  const auto entry = entry_from(**made);
  if (!entry) return entry.error();
  show_key_made(run, *entry);
  return {};
}

}  // namespace

Result<bool> asks_server_for_keys(const Run& run) {
  const bool names_server =
      run.settings.is_on_command_line(Key::server) || run.settings.is_on_command_line(Key::key_file);
  if (run.settings.is_on_command_line(Key::data) && names_server)
    return Error{Outcome::usage,
                 "--data is where the server's data are, --server and --key-file are for a server that runs: "
                 "expected one of them"};
  if (names_server) return true;
  if (run.settings.is_given_for_run(Key::data)) return false;
  const auto key = chosen_key(run);
  if (!key) return key.error();
  return key->has_value();
}

Result<void> add_key_at_server(Run& run, const KeyWords& words) {
  JsonObject arguments{{"name", words.name}, {"role", words.role}, {"once", words.once}};
  const auto good_for = good_for_of(words);
  if (!good_for) return good_for.error();
  if (*good_for) arguments.add("expires_s", (*good_for)->count());
  return ask_for_key(run, "key.add", arguments);
}

Result<void> rotate_key_at_server(Run& run, const KeyWords& words) {
  return ask_for_key(run, "key.rotate", {{"name", words.name}});
}

Result<void> revoke_key_at_server(Run& run, const KeyWords& words) {
  if (const auto revoked = ask(run, "key.revoke", {{"name", words.name}}); !revoked) return revoked.error();
  show_key_revoked(run, words.name);
  return {};
}

Result<void> list_keys_at_server(Run& run) {
  const auto keys = ask(run, "key.list", {});
  if (!keys) return keys.error();
  if ((*keys)->array() == nullptr) return {};
  for (const document::ValuePtr& each : *(*keys)->array()) {
    const auto entry = entry_from(*each);
    if (!entry) return entry.error();
    show_key(run, *entry);
  }
  return {};
}

Result<std::optional<std::chrono::seconds>> good_for_of(const KeyWords& words) {
  if (words.expires.empty()) return std::optional<std::chrono::seconds>();
  const auto span = span_from(words.expires);
  if (span) return std::optional(std::chrono::duration_cast<std::chrono::seconds>(*span));
  return Error{Outcome::usage, fmt::format("--expires {}: expected a number and m, h, d or w, like 30d",
                                           callboard::quoted(words.expires))};
}

void show_key_made(Run& run, const KeyEntry& entry) {
  run.output.line(to_line(entry.key));
  JsonObject object = key_object("key", entry);
  object.add("key", to_line(entry.key));
  run.output.object(object);
}

void show_key(Run& run, const KeyEntry& entry) {
  const std::string expires = entry.expires ? "until " + to_iso(*entry.expires) : "for ever";
  run.output.line(fmt::format("{}  {}  {}, {}  identity {}", escaped(entry.name), escaped(entry.role),
                              state_of(entry), expires, entry.key.identity));
  run.output.object(key_object("key", entry));
}

void show_key_revoked(Run& run, const std::string& name) {
  run.output.line(fmt::format("revoked the key of {}", callboard::quoted(name)));
  run.output.object({{"event", "revoked"}, {"name", name}});
}

}  // namespace callboard::cli
