#include "tools/cli/locked_items.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "base/document/build.h"
#include "base/document/parse.h"
#include "base/text.h"
#include "sync/relative_path.h"
#include "tools/cli/objects.h"

namespace callboard::cli {
namespace {

struct Lock {
  std::string item;
  std::string user;
  std::string note;
  Timestamp since;
};

std::string lock_text(const document::Value& lock, std::string_view key) {
  const auto value = lock.member(key);
  return value == nullptr || value->string() == nullptr ? std::string() : *value->string();
}

Lock lock_of(const document::Value& value) {
  Lock lock{lock_text(value, "item"), lock_text(value, "user"), lock_text(value, "note"), {}};
  const auto since = value.member("since");
  const auto* number = since == nullptr ? nullptr : std::get_if<document::Number>(&since->content());
  if (number != nullptr) lock.since.ms = std::strtoll(number->text.c_str(), nullptr, 10);
  return lock;
}

std::string in_words(const Lock& lock) {
  return fmt::format("{} is locked by {} since {}{}", callboard::quoted(lock.item),
                     callboard::quoted(lock.user), when(lock.since),
                     lock.note.empty() ? "" : ": " + escaped(lock.note, 200));
}

void warn_of(Output& output, const Lock& lock) {
  const std::string text = in_words(lock);
  output.warning(text);
  output.object({{"event", "warning"},
                 {"about", "lock"},
                 {"item", lock.item},
                 {"user", lock.user},
                 {"since", to_iso(lock.since)},
                 {"note", lock.note},
                 {"text", text}});
}

// What one may lock: a path that is UTF-8, spelt with its "/".
document::Array lockable(const std::vector<std::string>& items) {
  document::Array names;
  for (const std::string& item : items) {
    if (item.empty()) continue;  // Nowhere.
    const auto path = sync::RelativePath::from_item(item);
    if (path && is_utf8(item)) names.push_back(document::make_text(path->to_item()));
  }
  return names;
}

// Pointers of a JSON Patch; what is none, or not to be read, is about everything.
std::vector<std::string> places_of(const std::string& document, const std::string& patch) {
  const auto operations = document::parse(patch);
  if (!operations || (*operations)->array() == nullptr) return {document};
  std::vector<std::string> places;
  for (const document::ValuePtr& each : *(*operations)->array()) {
    if (lock_text(*each, "op") == "test") continue;
    places.push_back(document + lock_text(*each, "path"));
    if (lock_text(*each, "op") == "move") places.push_back(document + lock_text(*each, "from"));
  }
  return places;
}

}  // namespace

Result<void> check_locks(Run& run, Visit& visit, const std::vector<std::string>& items, Below below,
                         IfLocked policy) {
  document::Array names = lockable(items);
  if (names.empty()) return {};
  const auto arguments = document::make_object({{"whole", document::make_bool(below == Below::counted)},
                                                {"item", document::make_array(std::move(names))}});
  const auto json = visit.wait(visit.access().call("lock.check", document::print(*arguments), {}));
  if (!json) return json.error().outcome == Outcome::cancelled ? json.error() : Result<void>();
  const auto answer = document::parse(*json);
  const auto locks = answer ? (*answer)->member("locks") : nullptr;
  if (locks == nullptr || locks->array() == nullptr) return {};
  const auto refused = (*answer)->member("refused");
  const bool* is_refused = refused == nullptr ? nullptr : std::get_if<bool>(&refused->content());
  const bool may_not = policy == IfLocked::refuse || (is_refused != nullptr && *is_refused);
  for (const document::ValuePtr& each : *locks->array()) {
    const Lock lock = lock_of(*each);
    if (may_not) return Error{Outcome::locked, in_words(lock)};
    warn_of(run.output, lock);
  }
  return {};
}

Result<void> check_locks(Run& run, Visit& visit, const client::DocumentChange& change) {
  if (visit.is_through_agent()) {
    const auto here = visit.access().workstation().get();
    if (!here || !here->is_joined) return {};
  }
  const std::string document = "/" + std::string(name_of(change.document));
  std::vector<std::string> places{document};
  if (change.at) places = {document + *change.at};
  if (change.patch) places = places_of(document, change.content);
  return check_locks(run, visit, places, Below::counted, IfLocked::warn);
}

}  // namespace callboard::cli
