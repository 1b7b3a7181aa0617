#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/id.h"
#include "client/types.h"
#include "tools/cli/lock_words.h"
#include "tools/cli/output.h"

namespace callboard::cli {

// What somebody who has joined is told of locks, which are in the zone kLocksFolder: that one is theirs, who
// asks for it or waits for it, with the command that hands it over; and that something was changed in their
// folder that somebody else has locked. Thread: one at a time.
class LockWatch {
 public:
  using Say = std::function<void(const std::string& line)>;
  LockWatch(Output& output, Say say) : output_(output), say_(std::move(say)) {}

  void on_joined(const client::User& self) { self_ = self; }
  void on_records(const client::RecordNews& news);
  void on_assets(const client::AssetChanges& changes);

 private:
  struct Lock {
    bool is_mine = false;
    LockFacts facts;
    std::vector<std::string> wanted;   // By those who asked for it …
    std::vector<std::string> waiting;  // … and those who wait.
    std::string broken_by;             // Who takes it away, and why; it goes at once.
    std::string broken_why;
    bool is_warned = false;  // That a copy here was changed.
  };

  Lock lock_of(const client::Record& record) const;
  void tell_lost(const std::string& item, const Lock& lock, const std::string& is, JsonObject object);
  void on_lock(const std::string& item, Lock now, const client::Record& record);
  void on_free(const std::string& item);
  void tell_askers(const std::string& item, const Lock& now, const Lock* before);
  // Of a copy: what it is, or that it became another one just now.
  enum class Heard { first, changed };
  void look_at_copy(const std::string& item, Heard heard);

  Output& output_;
  Say say_;
  client::User self_;
  std::map<std::string, Lock> locks_;        // By item.
  std::map<std::string, Timestamp> others_;  // Newest copies of others, by item …
  std::map<std::string, Timestamp> own_;     // … and ours that are newer than all of those.
};

}  // namespace callboard::cli
