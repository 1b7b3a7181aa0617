#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/types.h"
#include "tools/cli/lock_words.h"
#include "tools/cli/visit.h"

namespace callboard::cli {

enum class IfLocked { warn, refuse };
// What a command is about: the items alone, or all that is below them as well.
enum class Below { left_out, counted };

// Looks for what others have locked, as often as one command asks: a lock is told once, and so is that the server cannot say.
// One that knows of no locks has none. Thread: one at a time.
class LockCheck {
 public:
  LockCheck(Run& run, Visit& visit, Below below, IfLocked policy)
      : run_(run), visit_(visit), below_(below), policy_(policy) {}

  // Warns of what others have locked of these, as people write them, or above them. Answered with those that are not to be
  // touched for that, by the policy or the server's, as paths that begin with a slash: Outcome::locked and by whom. Fails when it
  // is cancelled, or when it cannot be known and `policy` is to refuse.
  Result<std::map<std::string, Error>> find(const std::vector<std::string>& items);

 private:
  struct Lock {
    std::string item;
    LockFacts facts;
  };
  struct Found {
    std::vector<Lock> locks;
    bool may_not = false;
  };

  using Locked = std::map<std::string, Error>;

  Result<void> look_in_pieces(const std::vector<std::string>& names, Below below, Locked& locked);
  Result<void> look_at(std::vector<std::string> names, Below below, Locked& locked);
  // False: nothing was found of any of them.
  bool leave_out_locked(std::vector<std::string>& names, Below below, const Found& found, Locked& locked);
  Result<Found> ask(const std::vector<std::string>& names, Below below);
  static bool is_about(const std::string& name, Below below, const Lock& lock);
  void tell_unknown(const Error& why);

  Run& run_;
  Visit& visit_;
  Below below_;
  IfLocked policy_;
  std::set<std::string> told_;  // Locks.
  bool is_unknown_told_ = false;
};

// The same for all of a command at once: Outcome::locked where one of the items is not to be touched.
Result<void> check_locks(Run& run, Visit& visit, const std::vector<std::string>& items, Below below,
                         IfLocked policy);
// Before a document is changed. Without a server the change is kept, and nobody is asked.
Result<void> check_locks(Run& run, Visit& visit, const client::DocumentChange& change);

}  // namespace callboard::cli
