// The lock desk's part that takes a lock from whoever has it.
#include <utility>

#include "base/document/build.h"
#include "base/text.h"
#include "server/lock_desk.h"
#include "server/own_records.h"
#include "server/people.h"

namespace callboard::server {
namespace {

Error nothing_to_break(const std::string& path) {
  return {Outcome::not_found, quoted(path.substr(kLocksFolder.size())) + " is not locked"};
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
                    {caller, arguments.text("note"), std::move(run), people});
       })});
}

// Whoever has it reads in it who breaks it and why before it goes.
void LockDesk::break_lock(const std::string& path, Breaking breaking) {
  const RecordStatePtr now = records_.find(path);
  if (now == nullptr) return breaking.run->answer(nothing_to_break(path));
  breaking.run->set_committing();
  RecordDesk::Wish wish;
  wish.op = make_operation_id(floor_.clock.wall(), system_random());
  wish.path = path;
  wish.fields = std::make_shared<const std::string>(
      document::print(*document::make_object({{"broken_by", document::make_text(breaking.by.identity.name)},
                                              {"broken_why", document::make_text(breaking.note)}})));
  records_.change(
      RecordDesk::server_itself(), std::move(wish),
      [this, path, owner = now->owner, breaking = std::move(breaking)](const Result<std::uint64_t>& marked) {
        const RecordStatePtr lock = records_.find(path);
        const bool is_same =
            lock != nullptr && lock->owner.session == owner.session && lock->owner.user == owner.user;
        if (!marked && marked.error().outcome != Outcome::not_found)
          return breaking.run->answer(marked.error());
        // Given back meanwhile, perhaps to somebody who waited for it.
        if (!is_same) return breaking.run->answer(nothing_to_break(path));
        release(path, 0, [this, path, of = owner.user, breaking](const Result<void>& gone) {
          if (gone) note_broken(path.substr(kLocksFolder.size()), of, breaking);
          breaking.run->answer(gone ? CallValue(document::ValuePtr()) : CallValue(gone.error()));
        });
      });
}

void LockDesk::note_broken(const std::string& item, const std::string& of, const Breaking& breaking) {
  const Caller& by = breaking.by;
  floor_.events.info("lock broken", {{"item", item}, {"of", of}, {"by", by.identity.name}});
  breaking.people.note({by.identity, by.from.substr(0, by.from.rfind(':'))}, "lock_break", of,
                       item + (breaking.note.empty() ? "" : ": " + breaking.note));
}

}  // namespace callboard::server
