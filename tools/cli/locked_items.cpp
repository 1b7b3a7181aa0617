#include "tools/cli/locked_items.h"

#include <fmt/format.h>

#include <utility>

#include "base/document/build.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/document/patch_places.h"
#include "base/text.h"
#include "sync/relative_path.h"
#include "tools/cli/lock_words.h"
#include "tools/cli/objects.h"

namespace callboard::cli {
namespace {

std::string in_words(const std::string& item, const LockFacts& lock) {
  return fmt::format("{} is locked by {} {}", callboard::quoted(item), callboard::quoted(lock.user),
                     since_and_why(lock));
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

}  // namespace

Result<void> check_locks(Run& run, Visit& visit, const std::vector<std::string>& items, Below below,
                         IfLocked policy) {
  document::Array names = lockable(items);
  if (names.empty()) return {};
  const auto arguments = document::make_object({{"whole", document::make_bool(below == Below::counted)},
                                                {"item", document::make_array(std::move(names))}});
  const auto json = visit.wait(visit.access().call("lock.check", document::print(*arguments), {}));
  if (!json) {
    // A warning that does not come stops nobody; what is to be done only when nothing is locked is not done.
    const bool is_cancelled = json.error().outcome == Outcome::cancelled;
    return policy == IfLocked::refuse || is_cancelled ? json.error() : Result<void>();
  }
  const auto answer = document::parse(*json);
  const auto locks = answer ? (*answer)->member("locks") : nullptr;
  if (locks == nullptr || locks->array() == nullptr) return {};
  const bool may_not = policy == IfLocked::refuse || document::flag_in(**answer, "refused");
  for (const document::ValuePtr& each : *locks->array()) {
    const std::string item = document::text_in(*each, "item");
    const LockFacts lock = lock_facts(document::text_in(*each, "user"), *each);
    if (may_not) return Error{Outcome::locked, in_words(item, lock)};
    warn_of_lock(run.output, item, lock, in_words(item, lock));
  }
  return {};
}

Result<void> check_locks(Run& run, Visit& visit, const client::DocumentChange& change) {
  if (visit.is_through_agent()) {
    const auto here = visit.access().workstation().get();
    if (!here || !here->is_joined) return {};
  }
  const std::string item = "/" + std::string(name_of(change.document));
  std::vector<std::string> places{item + change.at.value_or("")};
  if (change.patch) {
    places.clear();
    for (const std::string& each : document::places_written(change.content)) places.push_back(item + each);
  }
  return check_locks(run, visit, places, Below::counted, IfLocked::warn);
}

}  // namespace callboard::cli
