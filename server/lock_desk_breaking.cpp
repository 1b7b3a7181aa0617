// The lock desk's part that takes a lock from whoever has it.
#include <utility>

#include "base/document/build.h"
#include "base/text.h"
#include "server/lock_check.h"
#include "server/lock_desk.h"
#include "server/own_records.h"
#include "server/people.h"

namespace callboard::server {
namespace {

Error nothing_to_break(const std::string& path) {
  return {Outcome::not_found, quoted(path.substr(kLocksFolder.size())) + " is not locked"};
}

// Of one owner, whichever of their sessions renewed it, and since the same time: not locked anew meanwhile.
bool is_same_lock(const RecordState& a, const RecordState& b) {
  return a.owner.user == b.owner.user && time_in_lock(a, "since") == time_in_lock(b, "since");
}

}  // namespace

void LockDesk::add_break_call(CallRegistry& registry, People& people) {
  registry.add_built_in(
      {.description =
           {.name = "lock.break",
            .summary = "take an item from whoever has it",
            .category = "locks",
            .permission = "lock.break",
            .arguments =
                {{.name = "item", .type = ValueType::item, .summary = "a path in the project"},
                 {.name = "note", .summary = "why, for whoever has it, and the audit", .is_optional = true}}},
       .run = LaterRun([this, &people](const Caller& caller, const CallArguments& arguments, RunPtr run) {
         break_lock(std::string(kLocksFolder) + arguments.text("item"),
                    {caller, arguments.text("note"), std::move(run), people, nullptr});
       })});
}

// Whoever has it reads in it who breaks it and why before it goes. With that mark it has ended (lock_check.h): where the server
// ends before it is removed, or the disk takes no more, it is removed as one whose lease is over is.
void LockDesk::break_lock(const std::string& path, Breaking breaking) {
  const RecordStatePtr lock = records_.find(path);
  if (lock == nullptr || is_broken(*lock)) return breaking.run->answer(nothing_to_break(path));
  // Given back meanwhile, perhaps to somebody who waited for it, or to the same one again.
  if (breaking.lock != nullptr && !is_same_lock(*lock, *breaking.lock))
    return breaking.run->answer(nothing_to_break(path));
  breaking.lock = lock;
  breaking.run->set_committing();
  RecordDesk::Wish wish;
  wish.op = make_operation_id(floor_.clock.wall(), system_random());
  wish.path = path;
  wish.base = lock->revision;
  wish.fields = std::make_shared<const std::string>(
      document::print(*document::make_object({{"broken_by", document::make_text(breaking.by.identity.name)},
                                              {"broken_why", document::make_text(breaking.note)}})));
  records_.change(RecordDesk::server_itself(), std::move(wish),
                  [this, path, breaking = std::move(breaking)](const Result<std::uint64_t>& marked) {
                    if (marked) return on_broken(path, breaking);
                    const Outcome outcome = marked.error().outcome;
                    // Renewed, asked for or given back: looked at again, as long as the answer is waited for.
                    const bool is_another = outcome == Outcome::superseded || outcome == Outcome::not_found;
                    if (is_another && breaking.run->time_left() > 0s) return break_lock(path, breaking);
                    breaking.run->answer(marked.error());
                  });
}

void LockDesk::on_broken(const std::string& path, const Breaking& breaking) {
  note_broken(path.substr(kLocksFolder.size()), breaking.lock->owner.user, breaking);
  release(path, 0, [run = breaking.run](const Result<void>&) { run->answer(document::ValuePtr()); });
}

void LockDesk::note_broken(const std::string& item, const std::string& of, const Breaking& breaking) {
  const Caller& by = breaking.by;
  floor_.events.info("lock broken", {{"item", item}, {"of", of}, {"by", by.identity.name}});
  breaking.people.note({by.identity, by.host()}, "lock_break", of,
                       item + (breaking.note.empty() ? "" : ": " + breaking.note));
}

}  // namespace callboard::server
