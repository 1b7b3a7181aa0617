#pragma once

#include <map>
#include <string>

#include "client/client.h"
#include "client/known_records.h"
#include "client/session_keeper.h"

namespace callboard::client {

// The zones that this client is in: entered again on every server that it joins, and what is told of them passed on. Client's
// thread only.
class ZoneKeeper {
 public:
  ZoneKeeper(SessionKeeper& session, Listener& listener) : session_(session), listener_(listener) {}

  void on_entered(const std::string& zone) { zones_.try_emplace(zone); }
  void on_exited(const std::string& zone) { zones_.erase(zone); }
  // As the session of before, or another: a server that keeps the session may have lost its zones.
  void on_joined();
  void on_told(const protocol::Records& told);

 private:
  SessionKeeper& session_;
  Listener& listener_;
  std::map<std::string, KnownRecords> zones_;
};

}  // namespace callboard::client
