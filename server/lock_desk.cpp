#include "server/lock_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/document/build.h"
#include "base/text.h"
#include "server/lock_check.h"
#include "server/own_records.h"

namespace callboard::server {
namespace {

using document::make_number;
using document::make_object;
using document::make_text;

// Of somebody who has not joined, or of a service: there is no session to end it.
constexpr Duration kVisitLease = std::chrono::hours(8);
constexpr Duration kLeaseMax = std::chrono::hours(24 * 365);
// By one lock.check: as many as a person may want to read. A lock's text is about as long as its note and 32 names are.
constexpr std::size_t kLocksTold = 100;
// Leases are looked at no more often than this …
constexpr Duration kSweepMin = 1s;
// … and as often, while there are any: the clock may be set.
constexpr Duration kSweepMax = 30s;

std::string item_of(const std::string& path) { return path.substr(kLocksFolder.size()); }
std::string path_of(const std::string& item) { return std::string(kLocksFolder) + item; }

Error is_not_locked(const std::string& path) {
  return {Outcome::not_found, quoted(item_of(path)) + " is not locked"};
}

document::ValuePtr value_of(const RecordState& lock) {
  document::Object object = *lock.fields->object();
  object.insert(object.begin(), {"user", make_text(lock.owner.user)});
  object.insert(object.begin(), {"item", make_text(item_of(lock.path))});
  return document::make_value(std::move(object));
}

Error has_left(const std::string& user) {
  return {Outcome::cancelled, quoted(user) + " has left before it was locked"};
}

// Without a lease: for as long as that session.
bool is_lent_to(const RecordState& lock, SessionId session) {
  return lock.owner.session == session && end_of_lock(lock) == 0;
}

bool are_the_same(const RecordDesk::Author& one, const RecordDesk::Author& other) {
  return (one.session && one.session == other.session) || (!one.user.empty() && one.user == other.user);
}

CallArgument item_argument() {
  return {.name = "item", .type = ValueType::item, .summary = "a path in the project"};
}

}  // namespace

LockDesk::LockDesk(net::Loop& loop, Floor& floor, RecordDesk& records, Duration grace, LockPolicy policy)
    : floor_(floor),
      records_(records),
      policy_(policy),
      lease_timer_(loop, [this] { free_ended(); }),
      return_timer_(loop, [this] { free_lost(); }) {
  return_timer_.set_after(grace);
  records_.for_each_in({std::string(kLocksFolder.substr(1))}, [this](const RecordStatePtr& lock) {
    index_.set(lock->path, lock->owner.session, end_of_lock(*lock));
    return true;
  });
  set_timer();
}

// --- Locking --------------------------------------------------------------------------------------------------------

void LockDesk::lock(Wanted wanted) {
  // Whoever gave up while something was freed would be taken out of no queue.
  if (wanted.run->is_over()) return;
  const RecordStatePtr now = records_.find(wanted.path);
  // One that is broken is nobody's to renew.
  const bool is_own = now != nullptr && !is_broken(*now) && is_of(*now, wanted.who.session, wanted.who.user);
  if (is_own && !has_ended(*now)) return renew(wanted);
  if (now == nullptr || is_own) {
    auto other = in_the_way_of(wanted);
    if (!other && !is_own) other = asked_before(wanted);
    if (other) return wait_for(*std::move(other), std::move(wanted));
    return is_own ? renew(wanted) : take(std::move(wanted));
  }
  if (has_ended(*now) && !waiting_.contains(wanted.path)) {
    const std::string path = wanted.path;
    const auto making = begin_making(wanted);
    making->is_freeing = true;
    return release(path, now->revision, [this, making, wanted = std::move(wanted)](const Result<void>& gone) {
      if (is_ownerless(wanted, making)) return wanted.run->answer(has_left(wanted.who.user));
      // Superseded: it was renewed meanwhile, perhaps.
      if (!gone && gone.error().outcome != Outcome::superseded) return wanted.run->answer(gone.error());
      lock(wanted);
    });
  }
  wait_for({now->path, is_locked(*now)}, std::move(wanted));
}

bool LockDesk::has_ended(const RecordState& lock) const {
  const std::int64_t end = end_of_lock(lock);
  return end != 0 && end <= floor_.clock.wall().ms;
}

// Somebody else's lock, there or on its way to the disk, on what the item is a part of, or on a part of it.
std::optional<LockDesk::InTheWay> LockDesk::in_the_way_of(const Wanted& wanted) const {
  const auto others =
      locks_of_others(records_, wanted.who, item_of(wanted.path), LockReach::whole, floor_.clock.wall(), 1);
  if (!others.empty()) return InTheWay{others.front()->path, is_locked(*others.front())};
  for (const auto& making : making_) {
    if (are_the_same(making->who, wanted.who) || making->is_freeing) continue;
    if (overlap(making->path, wanted.path))
      return InTheWay{making->path, is_locked_by(making->path, making->who.user)};
  }
  return std::nullopt;
}

// Somebody who waits for what the item is a part of, or for a part of it. Whoever has what they wait for is not held up by
// them: each would wait for the other.
std::optional<LockDesk::InTheWay> LockDesk::asked_before(const Wanted& wanted) const {
  // By path: there may be many locks, and many who wait for the same.
  std::map<std::string_view, bool> has_part;
  for (const auto& [path, queue] : waiting_) {
    for (const Wanted& each : queue) {
      if (are_the_same(each.who, wanted.who) || each.asked >= wanted.asked) continue;
      if (!overlap(each.path, wanted.path)) continue;
      const auto [known, is_new] = has_part.try_emplace(each.path);
      if (is_new) known->second = has_lock(records_, wanted.who, item_of(each.path), floor_.clock.wall());
      if (known->second) continue;
      return InTheWay{
          path, Error{Outcome::locked, fmt::format("{} waits for {}, and asked before", quoted(each.who.user),
                                                   quoted(item_of(each.path)))}};
    }
  }
  return std::nullopt;
}

void LockDesk::take(Wanted wanted) {
  RecordDesk::Wish wish;
  wish.op = make_operation_id(floor_.clock.wall(), system_random());
  wish.path = wanted.path;
  wish.action = RecordAction::make;
  wish.record_class = "lock";
  wish.owner = RecordOwner{wanted.who.session, wanted.who.user};
  wish.fields = std::make_shared<const std::string>(fields_of(wanted));
  records_.change(
      RecordDesk::server_itself(), std::move(wish),
      [this, making = begin_making(wanted), wanted = std::move(wanted)](const Result<std::uint64_t>& made) {
        const bool is_nobodys = is_ownerless(wanted, making);
        // Somebody was quicker.
        if (!made && made.error().outcome == Outcome::superseded && !is_nobodys) return lock(wanted);
        if (!made) {
          wanted.run->answer(made.error());
          return grant_next(wanted.path);
        }
        // Whoever nobody waits for any more does not know that they have it.
        if (wanted.run->is_over() || is_nobodys) {
          wanted.run->answer(has_left(wanted.who.user));
          return free(wanted.path);
        }
        // Of those who came while it was on its way.
        if (waiting_.contains(wanted.path)) tell_waiting(wanted.path);
        wanted.run->answer(value_of(*records_.find(wanted.path)));
      });
}

std::shared_ptr<LockDesk::Making> LockDesk::begin_making(const Wanted& wanted) {
  return making_.emplace_back(std::make_shared<Making>(Making{wanted.path, wanted.who}));
}

bool LockDesk::is_ownerless(const Wanted& wanted, const std::shared_ptr<Making>& making) {
  std::erase(making_, making);
  return making->is_owner_gone && !wanted.lease;
}

// By the same user, perhaps in another session: it is that one's from now on.
void LockDesk::renew(const Wanted& wanted) {
  const RecordStatePtr now = records_.find(wanted.path);
  const bool is_others = now != nullptr && now->owner.session != wanted.who.session;
  RecordDesk::Wish wish;
  wish.op = make_operation_id(floor_.clock.wall(), system_random());
  wish.path = wanted.path;
  wish.action = is_others ? RecordAction::give : RecordAction::set;
  if (is_others) wish.owner = RecordOwner{wanted.who.session, wanted.who.user};
  if (!is_others) wish.fields = std::make_shared<const std::string>(fields_of(wanted));
  records_.change(
      RecordDesk::server_itself(), std::move(wish),
      [this, wanted, is_others, making = begin_making(wanted)](const Result<std::uint64_t>& done) {
        const bool is_nobodys = is_ownerless(wanted, making);
        if (!done) {
          wanted.run->answer(done.error());
          return grant_next(wanted.path);
        }
        if (is_nobodys) {
          wanted.run->answer(has_left(wanted.who.user));
          return free(wanted.path);
        }
        if (is_others) return renew(wanted);
        const RecordStatePtr renewed = records_.find(wanted.path);
        wanted.run->answer(renewed == nullptr ? CallValue(is_not_locked(wanted.path)) : value_of(*renewed));
      });
}

std::string LockDesk::fields_of(const Wanted& wanted) const {
  const std::int64_t now = floor_.clock.wall().ms;
  document::Object fields;
  const bool is_there = records_.find(wanted.path) != nullptr;
  if (!is_there) fields.push_back({"since", make_number(now)});
  if (!wanted.note.empty()) fields.push_back({"note", make_text(wanted.note)});
  if (wanted.lease) {
    const auto lease = std::chrono::duration_cast<std::chrono::milliseconds>(*wanted.lease);
    fields.push_back({"until", make_number(now + lease.count())});
  } else if (is_there) {
    fields.push_back({"until", document::make_null()});
  }
  if (const auto names = waiting_names(wanted.path)) fields.push_back({"waiting", names});
  return document::print(*document::make_value(std::move(fields)));
}

// --- Giving back ----------------------------------------------------------------------------------------------------

void LockDesk::release(const std::string& path, std::uint64_t base,
                       std::function<void(const Result<void>&)> then) {
  RecordDesk::Wish wish;
  wish.op = make_operation_id(floor_.clock.wall(), system_random());
  wish.path = path;
  wish.action = RecordAction::remove;
  wish.base = base;
  records_.change(RecordDesk::server_itself(), std::move(wish),
                  [this, path, then = std::move(then)](const Result<std::uint64_t>& removed) {
                    const bool is_gone = removed || removed.error().outcome == Outcome::not_found;
                    then(is_gone ? Result<void>() : Result<void>(removed.error()));
                    if (is_gone) grant_next(path);
                  });
}

// In the order of asking; whoever something is in the way of by then waits behind that.
void LockDesk::grant_next(const std::string& path) {
  if (records_.find(path) != nullptr) return;
  auto queue = waiting_.extract(path);
  if (queue.empty()) return;
  for (Wanted& next : queue.mapped()) lock(std::move(next));
}

void LockDesk::unlock(const RecordDesk::Author& who, const std::string& path, const std::string& to,
                      const RunPtr& run) {
  const RecordStatePtr now = records_.find(path);
  if (now == nullptr) {
    const auto others =
        locks_of_others(records_, who, item_of(path), LockReach::whole, floor_.clock.wall(), 1);
    return run->answer(others.empty() ? is_not_locked(path) : is_locked(*others.front()));
  }
  if (!is_of(*now, who.session, who.user)) return run->answer(is_locked(*now));
  if (!to.empty()) return hand_over(path, to, run);
  run->set_committing();
  release(path, 0, [run](const Result<void>& gone) {
    run->answer(gone ? CallValue(document::ValuePtr()) : CallValue(gone.error()));
  });
}

// Whoever it is handed to comes before those who wait.
void LockDesk::hand_over(const std::string& path, const std::string& to, const RunPtr& run) {
  const auto heir = heir_of(path, to, run);
  if (!heir)
    return run->answer(Error{Outcome::not_found, fmt::format("nobody named {} is here", quoted(to))});
  // What would be in their way once this one is free.
  for (const auto& other :
       locks_of_others(records_, heir->who, item_of(path), LockReach::whole, floor_.clock.wall(), 2)) {
    if (other->path != path) return run->answer(is_locked(*other));
  }
  release(path, 0, [this, path, to, run](const Result<void>& gone) {
    if (!gone) return run->answer(gone.error());
    put_first(path, to, run);
  });
}

std::optional<LockDesk::Wanted> LockDesk::heir_of(const std::string& path, const std::string& to,
                                                  const RunPtr& run) const {
  const SessionId here = floor_.presence.find(to);
  // Perhaps by a command, which has joined no more than its user has.
  if (const auto queue = waiting_.find(path); queue != waiting_.end()) {
    const auto waits = std::ranges::find_if(queue->second, [&](const Wanted& each) {
      return each.path == path && (each.who.user == to || (here && each.who.session == here));
    });
    if (waits != queue->second.end()) return *waits;
  }
  if (!here) return std::nullopt;
  return Wanted{path, {.session = here, .user = to}, "", {}, false, run};
}

void LockDesk::put_first(const std::string& path, const std::string& to, const RunPtr& run) {
  auto heir = heir_of(path, to, run);
  if (!heir) return run->answer(has_left(to));
  const bool waits = heir->run != run;
  std::deque<Wanted>& queue = waiting_[path];
  std::erase_if(queue, [&](const Wanted& each) { return each.run == heir->run; });
  heir->asked = 0;
  queue.push_front(std::move(*heir));
  if (waits) run->answer(document::ValuePtr());
}

void LockDesk::on_departed(SessionId session) {
  std::vector<std::string> shorter;
  // A command's is still there to be answered, though its user has left.
  std::vector<Wanted> gone;
  for (auto queue = waiting_.begin(); queue != waiting_.end();) {
    std::deque<Wanted> left;
    for (Wanted& each : queue->second) {
      if (each.who.session != session) {
        left.push_back(std::move(each));
      } else {
        gone.push_back(std::move(each));
      }
    }
    if (left.size() < queue->second.size()) shorter.push_back(queue->first);
    queue->second = std::move(left);
    queue = queue->second.empty() ? waiting_.erase(queue) : std::next(queue);
  }
  for (const Wanted& each : gone) each.run->answer(has_left(each.who.user));
  for (const std::string& path : shorter) on_fewer_waiting(path);
  for (const auto& making : making_) {
    if (making->who.session == session) making->is_owner_gone = true;
  }
  free_all(index_.of(session), [session](const RecordState& lock) { return is_lent_to(lock, session); });
}

void LockDesk::on_applied(const std::string& path) {
  if (!is_at_or_below(path, kLocksFolder)) return;
  if (const RecordStatePtr lock = records_.find(path)) {
    index_.set(path, lock->owner.session, end_of_lock(*lock));
  } else {
    index_.remove(path);
  }
  set_timer();
}

void LockDesk::free(const std::string& path) {
  release(path, 0, [](const Result<void>&) {});
}

// Something else may be written meanwhile, a renewal perhaps: then it is looked at again, by all who would free it.
void LockDesk::free_while(const std::string& path, const StillFree& is_still) {
  const RecordStatePtr lock = records_.find(path);
  if (lock == nullptr || !is_still(*lock)) return;
  const auto [under_way, is_first] = freeing_.try_emplace(path);
  under_way->second.push_back(is_still);
  if (!is_first) return;
  release(path, lock->revision, [this, path](const Result<void>& gone) {
    const auto those = freeing_.extract(path);
    if (gone || gone.error().outcome != Outcome::superseded) return;
    for (const StillFree& each : those.mapped()) free_while(path, each);
  });
}

void LockDesk::free_all(const std::vector<std::string>& paths, const StillFree& is_still) {
  for (const std::string& path : paths) free_while(path, is_still);
}

void LockDesk::free_ended() {
  free_all(index_.ended(floor_.clock.wall().ms), [this](const RecordState& lock) { return has_ended(lock); });
  set_timer();
}

void LockDesk::free_lost() {
  for (const SessionId owner : index_.owners()) {
    if (floor_.presence.user(owner) != nullptr) continue;
    free_all(index_.of(owner), [owner](const RecordState& lock) { return is_lent_to(lock, owner); });
  }
}

void LockDesk::on_writable() {
  free_ended();
  if (!return_timer_.is_set()) free_lost();
}

void LockDesk::set_timer() {
  const auto first = index_.first_end_ms();
  if (!first) return lease_timer_.cancel();
  const auto left = std::chrono::milliseconds(*first - floor_.clock.wall().ms);
  lease_timer_.set_after(std::clamp<Duration>(left, kSweepMin, kSweepMax));
}

// --- Asking for it --------------------------------------------------------------------------------------------------

void LockDesk::ask(const RecordDesk::Author& who, const std::string& path, const RunPtr& run) {
  const RecordStatePtr now = records_.find(path);
  if (now == nullptr) return run->answer(is_not_locked(path));
  document::Array names;
  if (const auto wanted = now->fields->member("wanted"); wanted != nullptr && wanted->array() != nullptr)
    names = *wanted->array();
  std::erase_if(names, [&](const document::ValuePtr& each) {
    return each->string() != nullptr && *each->string() == who.user;
  });
  if (names.size() >= kWaitingMax) names.erase(names.begin());
  names.push_back(make_text(who.user));
  RecordDesk::Wish wish;
  wish.op = make_operation_id(floor_.clock.wall(), system_random());
  wish.path = path;
  wish.base = now->revision;
  wish.fields = std::make_shared<const std::string>(
      document::print(*make_object({{"wanted", document::make_array(std::move(names))}})));
  records_.change(RecordDesk::server_itself(), std::move(wish),
                  [this, who, path, run, user = now->owner.user](const Result<std::uint64_t>& written) {
                    // Somebody else has asked, or begun to wait, at the same moment.
                    if (!written && written.error().outcome == Outcome::superseded && !run->is_over())
                      return ask(who, path, run);
                    run->answer(written ? CallValue(make_text(user)) : CallValue(written.error()));
                  });
}

CallValue LockDesk::list(const std::string& zone) const {
  if (const auto asked = asked_zone(zone); !asked) return asked.error().prefixed("zone");
  const auto parts = zone_name(path_of(zone == "/" ? "" : zone));
  if (!parts) return parts.error();
  document::Array locks;
  std::uint64_t size_bytes = 0;
  records_.for_each_in(*parts, [&](const RecordStatePtr& lock) {
    locks.push_back(value_of(*lock));
    size_bytes += locks.back()->size_bytes();
    return size_bytes <= kRecordsPerTellBytes / 2;
  });
  return document::make_array(std::move(locks));
}

// --- The calls ------------------------------------------------------------------------------------------------------

// Takes no more than a pull does: who reads an item only may be told that it is not to be.
void LockDesk::add_check_call(CallRegistry& registry) {
  registry.add_built_in(
      {.description = {.name = "lock.check",
                       .summary =
                           "what others have locked of some items, and whether writing there is refused",
                       .category = "locks",
                       .permission = "pull",
                       .arguments = {{.name = "whole",
                                      .type = ValueType::boolean,
                                      .summary = "with all that is below them"},
                                     {.name = "item",
                                      .type = ValueType::item,
                                      .summary = "a path in the project",
                                      .is_repeated = true}},
                       .result = ValueType::map},
       .run = InlineRun([this](const Caller& caller, const CallArguments& arguments) -> CallValue {
         return locks_in(records_.author_of(caller.identity), arguments);
       })});
}

// Each part of the project is looked through once, however often it is named.
CallValue LockDesk::locks_in(const RecordDesk::Author& who, const CallArguments& arguments) const {
  const auto reach = arguments.flag("whole") ? LockReach::whole : LockReach::item;
  std::set<std::string> items;
  for (const document::ValuePtr& each : arguments.list("item")) items.insert(*each->string());
  document::Array locks;
  // One may be in the way of many of them.
  std::set<std::string_view> told;
  const std::string* whole = nullptr;
  for (const std::string& item : items) {
    if (reach == LockReach::whole && whole != nullptr && (*whole == "/" || is_at_or_below(item, *whole)))
      continue;
    whole = &item;
    for (const auto& lock : locks_of_others(records_, who, item, reach, floor_.clock.wall(), kLocksTold)) {
      if (locks.size() < kLocksTold && told.insert(lock->path).second) locks.push_back(value_of(*lock));
    }
    if (locks.size() >= kLocksTold) break;
  }
  return make_object({{"refused", document::make_bool(policy_ == LockPolicy::refuse)},
                      {"locks", document::make_array(std::move(locks))}});
}

void LockDesk::add_list_call(CallRegistry& registry) {
  registry.add_built_in(
      {.description = {.name = "locks",
                       .summary = "what is locked, by whom, and who asked for it",
                       .category = "locks",
                       .arguments = {{.name = "zone",
                                      .type = ValueType::item,
                                      .summary = "only what is there and below, * is any one component",
                                      .is_optional = true}},
                       .result = ValueType::list},
       .run = InlineRun([this](const Caller&, const CallArguments& arguments) {
         return list(arguments.has("zone") ? arguments.text("zone") : "/");
       })});
}

void LockDesk::add_calls(CallRegistry& registry, People& people) {
  add_check_call(registry);
  add_list_call(registry);
  add_own_calls(registry);
  add_calls_to_others(registry);
  add_break_call(registry, people);
}

void LockDesk::add_own_calls(CallRegistry& registry) {
  registry.add_built_in(
      {.description = {.name = "lock",
                       .summary = "have an item to oneself, until it is unlocked or one leaves",
                       .category = "locks",
                       .permission = "records.write",
                       .arguments = {item_argument(),
                                     {.name = "note", .summary = "why, for the others", .is_optional = true},
                                     {.name = "wait",
                                      .type = ValueType::boolean,
                                      .summary = "until it is free, in the order of asking",
                                      .is_optional = true},
                                     {.name = "lease_s",
                                      .type = ValueType::integer,
                                      .summary = "for so many seconds, whether or not one is here",
                                      .is_optional = true}},
                       .result = ValueType::map},
       .run = LaterRun([this](const Caller& caller, const CallArguments& arguments, RunPtr run) {
         Wanted wanted{path_of(arguments.text("item")), records_.author_of(caller.identity),
                       arguments.text("note"),          {},
                       arguments.flag("wait"),          std::move(run)};
         wanted.asked = ++last_asked_;
         // A service is in no session either.
         if (!wanted.who.is_here || !wanted.who.session) wanted.lease = kVisitLease;
         if (arguments.has("lease_s")) {
           const std::int64_t seconds = arguments.integer("lease_s");
           if (seconds <= 0 ||
               seconds > std::chrono::duration_cast<std::chrono::seconds>(kLeaseMax).count()) {
             return wanted.run->answer(Error{
                 Outcome::usage, "lock: lease_s: expected 1 to 31536000, got " + std::to_string(seconds)});
           }
           wanted.lease = std::chrono::seconds(seconds);
         }
         lock(std::move(wanted));
       })});
  registry.add_built_in(
      {.description = {.name = "unlock",
                       .summary = "give an item back",
                       .category = "locks",
                       .permission = "records.write",
                       .arguments = {item_argument(),
                                     {.name = "to",
                                      .type = ValueType::user,
                                      .summary = "who has it from now on, before those who wait",
                                      .is_optional = true}}},
       .run = LaterRun([this](const Caller& caller, const CallArguments& arguments, const RunPtr& run) {
         unlock(records_.author_of(caller.identity), path_of(arguments.text("item")), arguments.text("to"),
                run);
       })});
}

void LockDesk::add_calls_to_others(CallRegistry& registry) {
  registry.add_built_in(
      {.description = {.name = "lock.ask",
                       .summary = "ask whoever has an item to hand it over",
                       .category = "locks",
                       .permission = "records.write",
                       .arguments = {item_argument()},
                       .result = ValueType::user},
       .run = LaterRun([this](const Caller& caller, const CallArguments& arguments, const RunPtr& run) {
         ask(records_.author_of(caller.identity), path_of(arguments.text("item")), run);
       })});
}

}  // namespace callboard::server
