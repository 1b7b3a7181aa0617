#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/id.h"
#include "base/result.h"
#include "client/client.h"
#include "client/known_records.h"
#include "client/session_keeper.h"
#include "net/timer.h"

namespace callboard::client {

// The zones that this client is in: entered again on every server that it joins, and what is told of them passed on. And whether
// the server's records are what this program was written for. What is not answered in time is asked again after kPause. Client's
// thread only.
class ZoneKeeper {
 public:
  // A server that says so at once is not asked all the time.
  static constexpr Duration kPause = 500ms;

  // `schema` as in Options.
  ZoneKeeper(net::Loop& loop, SessionKeeper& session, Listener& listener, std::string schema);

  // Whatever is asked, before it is. A zone that is to be exited is not entered again meanwhile; what is told of one that is
  // to be entered is kept until it is: the first answer may be lost, and what was told after it not told again.
  void on_asked(const protocol::ClientMessage& ask);
  // Null handler: the listener hears of it. Whoever hears from now on is told at once what is known already.
  void on_entered(const std::string& name, RecordHandler handler);
  // With what became of the exit; gives what its caller is answered.
  Result<bool> on_exited(const std::string& name, const Result<bool>& exited);

  void on_admitted(const protocol::Welcome& welcome) { servers_schema_ = welcome.schema; }
  // As the session of before, or another: a server that keeps the session may have lost its zones. `fits` is called once it is
  // known that the schema does; where it does not, the session is given up.
  void on_joined(std::function<void()> fits);
  void on_told(const protocol::Records& told);

 private:
  struct Zone {
    KnownRecords known;
    RecordHandler handler;
    bool is_entered = false;  // False: its enter is asked for, or was in vain; nobody hears of it.
    int exits = 0;            // That are asked for.
  };

  void tell(const Zone& zone, const RecordNews& news);
  void enter_again(const std::string& name);
  void check_schema();
  void ask_late();

  SessionKeeper& session_;
  Listener& listener_;
  std::string schema_;  // Empty: none is asked for.
  std::optional<UniqueId> hash_;
  std::optional<UniqueId> servers_schema_;
  std::map<std::string, Zone> zones_;
  std::function<void()> fits_;   // Since the last join; null: it was called.
  std::set<std::string> late_;   // Zones that are to be entered again after the pause.
  bool is_schema_late_ = false;  // The schema is to be asked for then.
  net::Timer pause_;
};

}  // namespace callboard::client
