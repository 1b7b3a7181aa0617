#include "server/lock_check.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "base/document/members.h"
#include "base/document/patch_places.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/board/zone_name.h"
#include "server/own_records.h"

namespace callboard::server {
namespace {

// What a write is about.
struct LockPlace {
  std::string item;
  LockReach reach = LockReach::item;
};

std::string item_of(protocol::DocumentRecord document) { return "/" + std::string(to_text(document)); }

std::vector<LockPlace> places_of_write(const protocol::DocumentWrite& write) {
  const std::string item = item_of(write.record);
  if (write.at) return {{item + *write.at, LockReach::whole}};
  const bool is_read =
      write.patch && write.document != nullptr && write.document->size() <= kInlineDocumentBytes;
  if (!is_read) return {{item, LockReach::whole}};
  std::vector<LockPlace> places;
  for (const std::string& each : document::places_written(*write.document))
    places.push_back({item + each, LockReach::whole});
  return places;
}

Result<void> check_place(const RecordDesk& records, const RecordDesk::Author& who, const LockPlace& place,
                         Timestamp now) {
  const auto locks = locks_of_others(records, who, place.item, place.reach, now, 1);
  return locks.empty() ? Result<void>() : Result<void>(is_locked(*locks.front()));
}

// Those above the item first. One whose lease is over counts no more. `visit` says false when it has enough.
void for_each_lock(const RecordDesk& records, const std::string& item, LockReach reach, Timestamp now,
                   const std::function<bool(const RecordStatePtr&)>& visit) {
  const auto look = [&](const RecordStatePtr& lock) {
    const std::int64_t end = lock != nullptr ? end_of_lock(*lock) : 1;
    return end != 0 && end <= now.ms ? true : visit(lock);
  };
  const std::string path = std::string(kLocksFolder) + item;
  for (auto end = path.find('/', kLocksFolder.size() + 1); end != std::string::npos;
       end = path.find('/', end + 1))
    look(records.find(path.substr(0, end)));
  look(records.find(path));
  if (reach == LockReach::item) return;
  const auto below = zone_name(item == "/" ? std::string(kLocksFolder) : path);
  if (!below) return;
  records.for_each_in(*below, [&](const RecordStatePtr& lock) { return lock->path == path || look(lock); });
}

}  // namespace

bool overlap(std::string_view one, std::string_view other) {
  return is_at_or_below(one, other) || is_at_or_below(other, one);
}

std::int64_t time_in_lock(const RecordState& lock, std::string_view field) {
  return document::number_in<std::int64_t>(*lock.fields, field);
}

bool is_broken(const RecordState& lock) { return !document::text_in(*lock.fields, "broken_by").empty(); }

std::int64_t end_of_lock(const RecordState& lock) {
  return is_broken(lock) ? 1 : time_in_lock(lock, "until");
}

std::string item_of_lock(const RecordState& lock) { return lock.path.substr(kLocksFolder.size()); }

Error is_locked(const RecordState& lock) {
  Error why = is_locked_by(lock.path, lock.owner.user);
  const std::string note = document::text_in(*lock.fields, "note");
  if (!note.empty()) why.text += ": " + escaped(note, 200);
  return why;
}

Error is_locked_by(const std::string& path, const std::string& user) {
  return {Outcome::locked,
          fmt::format("{} is locked by {}", quoted(path.substr(kLocksFolder.size())), quoted(user))};
}

std::vector<RecordStatePtr> locks_of_others(const RecordDesk& records, const RecordDesk::Author& who,
                                            const std::string& item, LockReach reach, Timestamp now,
                                            std::size_t most) {
  std::vector<RecordStatePtr> found;
  for_each_lock(records, item, reach, now, [&](const RecordStatePtr& lock) {
    if (found.size() < most && !is_of(*lock, who.session, who.user)) found.push_back(lock);
    return found.size() < most;
  });
  return found;
}

bool has_lock(const RecordDesk& records, const RecordDesk::Author& who, const std::string& item,
              Timestamp now) {
  bool has = false;
  for_each_lock(records, item, LockReach::whole, now, [&](const RecordStatePtr& lock) {
    has = has || is_of(*lock, who.session, who.user);
    return !has;
  });
  return has;
}

Result<void> check_locks(const RecordDesk& records, const RecordDesk::Author& who,
                         const protocol::ClientMessage& ask, Timestamp now) {
  if (const auto* record = std::get_if<protocol::RecordAsk>(&ask))
    return check_place(records, who, {record->path}, now);
  if (const auto* at = std::get_if<protocol::AtAsk>(&ask))
    return at->item.empty() ? Result<void>() : check_place(records, who, {at->item}, now);
  const auto* write = std::get_if<protocol::DocumentWrite>(&ask);
  // Mostly nobody has locked anything of it, and no patch has to be read.
  if (write == nullptr || check_locks(records, who, write->record, now)) return {};
  for (const LockPlace& place : places_of_write(*write)) {
    if (auto free = check_place(records, who, place, now); !free) return free;
  }
  return {};
}

Result<void> check_locks(const RecordDesk& records, const RecordDesk::Author& who,
                         protocol::DocumentRecord document, Timestamp now) {
  return check_place(records, who, {item_of(document), LockReach::whole}, now);
}

}  // namespace callboard::server
