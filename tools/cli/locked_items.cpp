#include "tools/cli/locked_items.h"

#include <fmt/format.h>

#include <utility>

#include "base/document/build.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/document/patch_places.h"
#include "base/limits.h"
#include "base/own_folders.h"
#include "base/text.h"
#include "sync/relative_path.h"
#include "tools/cli/objects.h"

namespace callboard::cli {
namespace {

std::string in_words(const std::string& item, const LockFacts& lock) {
  return fmt::format("{} is locked by {} {}", callboard::quoted(item), callboard::quoted(lock.user),
                     since_and_why(lock));
}

// Half of what the arguments of a call may be (base/limits.h): a path is 4 KiB at most, six times that as JSON.
constexpr std::size_t kAskedBytes = kInlineDocumentBytes / 2;
static_assert(kAskedBytes >= 6 * kPathMaxBytes + KiB);

// The item, or what encloses it most closely and has a name that one may lock: one that is UTF-8.
std::string lockable(const std::string& item) {
  auto path = sync::RelativePath::from_item(item).value();
  while (!is_utf8(path.to_item())) path = path.parent();
  return path.to_item();
}

bool is_within(const std::string& item, const std::string& folder) {
  return folder == "/" || is_at_or_below(item, folder);
}

}  // namespace

Result<std::map<std::string, Error>> LockCheck::find(const std::vector<std::string>& items) {
  std::vector<std::string> names;
  std::vector<std::string> nameless;
  for (const std::string& item : items) {
    if (item.empty()) continue;  // Nowhere.
    const auto path = sync::RelativePath::from_item(item);
    if (path) (is_utf8(item) ? names : nameless).push_back(path->to_item());
  }
  std::map<std::string, Error> locked;
  if (const auto looked = look_in_pieces(names, below_, locked); !looked) return looked.error();
  // What is not UTF-8 nobody can lock, nor anything below it, but what encloses it.
  if (const auto looked = look_in_pieces(nameless, Below::left_out, locked); !looked) return looked.error();
  return locked;
}

Result<void> LockCheck::look_in_pieces(const std::vector<std::string>& names, Below below, Locked& locked) {
  std::vector<std::string> piece;
  std::size_t piece_bytes = 0;
  for (const std::string& name : names) {
    const std::size_t size_bytes = document::print(*document::make_text(lockable(name))).size() + 1;
    if (piece_bytes + size_bytes > kAskedBytes) {
      if (auto looked = look_at(std::exchange(piece, {}), below, locked); !looked) return looked;
      piece_bytes = 0;
    }
    piece_bytes += size_bytes;
    piece.push_back(name);
  }
  return look_at(std::move(piece), below, locked);
}

// An answer has so many locks and no more: what is left is asked for again until nothing of it is locked.
Result<void> LockCheck::look_at(std::vector<std::string> names, Below below, Locked& locked) {
  while (!names.empty()) {
    const auto found = ask(names, below);
    if (!found) {
      // A warning that does not come stops nobody; what is to be done only when nothing is locked is not done.
      const bool is_cancelled = found.error().outcome == Outcome::cancelled;
      if (policy_ == IfLocked::refuse || is_cancelled) return found.error();
      tell_unknown(found.error());
      return {};
    }
    if (leave_out_locked(names, below, *found, locked)) continue;
    // Of something else than was asked for: that all may be meant is the safe guess.
    if (found->may_not && !found->locks.empty()) {
      const Lock& lock = found->locks.front();
      for (const std::string& name : names)
        locked.emplace(name, Error{Outcome::locked, in_words(lock.item, lock.facts)});
    }
    return {};
  }
  return {};
}

bool LockCheck::leave_out_locked(std::vector<std::string>& names, Below below, const Found& found,
                                 Locked& locked) {
  std::set<std::string> left_out;
  for (const Lock& lock : found.locks) {
    const std::string text = in_words(lock.item, lock.facts);
    if (!found.may_not && told_.insert(lock.item).second)
      warn_of_lock(run_.output, lock.item, lock.facts, text);
    for (const std::string& name : names) {
      if (!is_about(name, below, lock)) continue;
      left_out.insert(name);
      if (found.may_not) locked.emplace(name, Error{Outcome::locked, text});
    }
  }
  return std::erase_if(names, [&](const std::string& name) { return left_out.contains(name); }) > 0;
}

Result<LockCheck::Found> LockCheck::ask(const std::vector<std::string>& names, Below below) {
  document::Array items;
  for (const std::string& name : names) items.push_back(document::make_text(lockable(name)));
  const auto arguments = document::make_object({{"whole", document::make_bool(below == Below::counted)},
                                                {"item", document::make_array(std::move(items))}});
  const auto json = visit_.wait(visit_.access().call("lock.check", document::print(*arguments), {}));
  if (!json) return json.error();
  Found found;
  const auto answer = document::parse(*json);
  const auto locks = answer ? (*answer)->member("locks") : nullptr;
  if (locks == nullptr || locks->array() == nullptr) return found;
  found.may_not = policy_ == IfLocked::refuse || document::flag_in(**answer, "refused");
  for (const document::ValuePtr& each : *locks->array())
    found.locks.push_back(
        {document::text_in(*each, "item"), lock_facts(document::text_in(*each, "user"), *each)});
  return found;
}

bool LockCheck::is_about(const std::string& name, Below below, const Lock& lock) {
  return is_within(name, lock.item) || (below == Below::counted && is_within(lock.item, name));
}

void LockCheck::tell_unknown(const Error& why) {
  if (why.outcome == Outcome::not_found || std::exchange(is_unknown_told_, true)) return;
  run_.output.warning("what others have locked is not known: " + why.text);
}

Result<void> check_locks(Run& run, Visit& visit, const std::vector<std::string>& items, Below below,
                         IfLocked policy) {
  const auto locked = LockCheck(run, visit, below, policy).find(items);
  if (!locked) return locked.error();
  return locked->empty() ? Result<void>() : locked->begin()->second;
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
