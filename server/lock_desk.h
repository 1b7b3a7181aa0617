#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/timer.h"
#include "server/calls/call_registry.h"
#include "server/lock_index.h"
#include "server/lock_policy.h"
#include "server/record_desk.h"

namespace callboard::server {

class People;

// Who has which item to themselves. A lock is a record of class "lock" at /locks and the item's path, made and removed by the
// calls lock, unlock, lock.ask and lock.break alone; so it is seen in its zone, and lasts over a restart of the server.
// It goes when it is given back or broken, when its lease is over, and, if it has none, with its owner's session. Who waits for one
// gets it in the order of asking, also before who wants a part of it, or what it is a part of, later. Loop thread only.
class LockDesk {
 public:
  // `grace`: how long those of the server before this one may take to come back.
  LockDesk(net::Loop& loop, Floor& floor, RecordDesk& records, Duration grace, LockPolicy policy);

  // `people` has the audit.
  void add_calls(CallRegistry& registry, People& people);
  // The session is gone for good.
  void on_departed(SessionId session);
  // A record there was made, changed or removed.
  void on_applied(const std::string& path);
  // The disk takes writes again. What was to be freed is, and what could not be locked may turn out to be.
  void on_writable();

 private:
  // Who waits for one item; more are told that it is locked.
  static constexpr std::size_t kWaitingMax = 256;

  using RunPtr = std::shared_ptr<CallRun>;
  // Whoever wants a lock, and how.
  struct Wanted {
    std::string path;  // Of the record.
    RecordDesk::Author who;
    std::string note;
    std::optional<Duration> lease;
    bool waits = false;
    RunPtr run;
    std::uint64_t asked = 0;  // In which order; 0: before everybody.
  };

  // Whoever takes a lock away, why, and who writes that down.
  struct Breaking {
    Caller by;
    std::string note;
    RunPtr run;
    People& people;
    RecordStatePtr lock;  // As it was met; null: it was not looked for yet.
  };
  // Somebody's lock on its way to the disk.
  struct Making {
    std::string path;
    RecordDesk::Author who;
    bool is_owner_gone = false;
    bool is_freeing = false;  // One that has ended is freed first, for whoever asked first.
  };
  // What keeps somebody from a lock: the path of another one, and what is said of it.
  struct InTheWay {
    std::string path;
    Error why;
  };
  using StillFree = std::function<bool(const RecordState& lock)>;

  void lock(Wanted wanted);
  void take(Wanted wanted);
  void renew(const Wanted& wanted);
  std::shared_ptr<Making> begin_making(const Wanted& wanted);
  // Whether nobody would have it: it is freed then.
  bool is_ownerless(const Wanted& wanted, const std::shared_ptr<Making>& making);
  bool has_ended(const RecordState& lock) const;
  std::optional<InTheWay> in_the_way_of(const Wanted& wanted) const;
  std::optional<InTheWay> asked_before(const Wanted& wanted) const;
  // Until that lock is free; says why to who does not wait.
  void wait_for(InTheWay other, Wanted wanted);
  void wait(const std::string& path, Wanted wanted);
  // Somebody waits there no more: whoever waited for their sake alone tries again.
  void on_fewer_waiting(const std::string& path);
  void unlock(const RecordDesk::Author& who, const std::string& path, const std::string& to,
              const RunPtr& run);
  void hand_over(const std::string& path, const std::string& to, const RunPtr& run);
  // One who waits as well gets what they wait for; for one who does not it is locked here, and `run` is answered with that.
  // nullopt: they are not here, and do not wait.
  std::optional<Wanted> heir_of(const std::string& path, const std::string& to, const RunPtr& run) const;
  void put_first(const std::string& path, const std::string& to, const RunPtr& run);
  document::ValuePtr waiting_names(const std::string& path) const;
  void tell_waiting(const std::string& path);
  void ask(const RecordDesk::Author& who, const std::string& path, const RunPtr& run);
  CallValue list(const std::string& zone) const;
  void add_check_call(CallRegistry& registry);
  void add_list_call(CallRegistry& registry);
  void add_own_calls(CallRegistry& registry);
  void add_calls_to_others(CallRegistry& registry);
  void add_break_call(CallRegistry& registry, People& people);
  void break_lock(const std::string& path, Breaking breaking);
  void on_broken(const std::string& path, const Breaking& breaking);
  void note_broken(const std::string& item, const std::string& of, const Breaking& breaking);
  CallValue locks_in(const RecordDesk::Author& who, const CallArguments& arguments) const;
  // `then` with whether it is gone. `base` as in a wish.
  void release(const std::string& path, std::uint64_t base, std::function<void(const Result<void>&)> then);
  void grant_next(const std::string& path);
  void free(const std::string& path);
  void free_while(const std::string& path, const StillFree& is_still);
  void free_all(const std::vector<std::string>& paths, const StillFree& is_still);
  void free_ended();
  // Those without a lease whose session did not come back.
  void free_lost();
  void set_timer();
  std::string fields_of(const Wanted& wanted) const;

  Floor& floor_;
  RecordDesk& records_;
  const LockPolicy policy_;
  LockIndex index_;
  std::map<std::string, std::deque<Wanted>> waiting_;  // By the path of the lock that is waited for.
  std::uint64_t last_asked_ = 0;
  std::vector<std::shared_ptr<Making>> making_;
  std::map<std::string, std::vector<StillFree>>
      freeing_;  // By path: why, while that is on its way to the disk.
  net::Timer lease_timer_;
  net::Timer return_timer_;  // Of those who were here before the server was started.
};

}  // namespace callboard::server
