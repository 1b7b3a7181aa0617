#include "server/lock_check.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/document/parse.h"
#include "base/document_limits.h"
#include "base/text.h"
#include "server/board/zone_name.h"

namespace callboard::server {
namespace {

constexpr std::string_view kLockFolder = "/locks";

// What a write is about.
struct LockPlace {
  std::string item;
  LockReach reach = LockReach::item;
};

std::string item_of(protocol::DocumentRecord document) { return "/" + std::string(to_text(document)); }

// Every place that a JSON Patch writes to; all of the document where it is none.
std::vector<LockPlace> places_of_patch(const std::string& document, const std::string& patch) {
  const auto whole = [&] { return std::vector<LockPlace>{{document, LockReach::whole}}; };
  if (patch.size() > kInlineDocumentBytes) return whole();
  const auto operations = document::parse(patch);
  if (!operations || (*operations)->array() == nullptr) return whole();
  std::vector<LockPlace> places;
  for (const document::ValuePtr& each : *(*operations)->array()) {
    const auto op = each->member("op");
    if (op != nullptr && op->string() != nullptr && *op->string() == "test") continue;
    const bool is_move = op != nullptr && op->string() != nullptr && *op->string() == "move";
    for (const char* key : {"path", "from"}) {
      const auto pointer = each->member(key);
      if (pointer == nullptr || pointer->string() == nullptr) continue;
      if (std::string_view(key) == "path" || is_move)
        places.push_back({document + *pointer->string(), LockReach::whole});
    }
  }
  return places;
}

std::vector<LockPlace> places_of_write(const protocol::DocumentWrite& write) {
  const std::string document = item_of(write.record);
  if (write.at) return {{document + *write.at, LockReach::whole}};
  if (write.patch && write.document != nullptr) return places_of_patch(document, *write.document);
  return {{document, LockReach::whole}};
}

Result<void> check_place(const RecordDesk& records, const RecordDesk::Author& who, const LockPlace& place,
                         Timestamp now) {
  const auto locks = locks_of_others(records, who, place.item, place.reach, now);
  return locks.empty() ? Result<void>() : Result<void>(is_locked(*locks.front()));
}

}  // namespace

std::int64_t time_in_lock(const RecordState& lock, std::string_view field) {
  const auto value = lock.fields->member(field);
  const auto* number = value == nullptr ? nullptr : std::get_if<document::Number>(&value->content());
  std::int64_t ms = 0;
  if (number != nullptr) std::from_chars(number->text.data(), number->text.data() + number->text.size(), ms);
  return ms;
}

std::string text_in_lock(const RecordState& lock, std::string_view field) {
  const auto value = lock.fields->member(field);
  return value == nullptr || value->string() == nullptr ? std::string() : *value->string();
}

std::string item_of_lock(const RecordState& lock) { return lock.path.substr(kLockFolder.size()); }

Error is_locked(const RecordState& lock) {
  const std::string note = text_in_lock(lock, "note");
  return {Outcome::locked,
          fmt::format("{} is locked by {}{}", quoted(item_of_lock(lock)), quoted(lock.owner.user),
                      note.empty() ? "" : ": " + escaped(note, 200))};
}

std::vector<RecordStatePtr> locks_of_others(const RecordDesk& records, const RecordDesk::Author& who,
                                            const std::string& item, LockReach reach, Timestamp now) {
  std::vector<RecordStatePtr> found;
  const auto note = [&](const RecordStatePtr& lock) {
    if (lock == nullptr || is_of(*lock, who.session, who.user)) return;
    const std::int64_t until = time_in_lock(*lock, "until");
    if (until == 0 || until > now.ms) found.push_back(lock);
  };
  const std::string path = std::string(kLockFolder) + item;
  for (auto end = path.find('/', kLockFolder.size() + 1); end != std::string::npos;
       end = path.find('/', end + 1))
    note(records.find(path.substr(0, end)));
  note(records.find(path));
  if (reach == LockReach::item) return found;
  const auto below = zone_name(item == "/" ? std::string(kLockFolder) : path);
  if (!below) return found;
  records.for_each_in(*below, [&](const RecordState& lock) {
    if (lock.path != path) note(records.find(lock.path));
  });
  return found;
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
