#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/id.h"
#include "server/board/assets.h"
#include "server/board/presence.h"
#include "server/event_log.h"
#include "server/records.h"
#include "server/teller.h"
#include "server/transfer_desk.h"

namespace callboard::server {

struct ServerIdentity {
  std::string project;
  UniqueId id;  // Of this run.
  std::string software;
  Timestamp started;
  std::uint16_t data_port = 0;  // Where tickets are to be shown; 0: where the sessions are.
};

// How many are here at this moment.
struct Counts {
  std::uint64_t sessions = 0;
  std::uint64_t visits = 0;
  std::uint64_t connections = 0;
  std::uint64_t away = 0;  // Sessions without a connection.
};

// What everybody in the server works on: one of each, on the loop thread.
struct Floor {
  const ServerIdentity& identity;
  const Clock& clock;
  EventLog& events;
  Records& records;
  Presence& presence;
  Assets& assets;
  Teller& teller;
  TransferDesk& transfers;
};

// A client's timestamp in the server's time, and not in its future. An offset that may be an error of measuring counts as none.
Timestamp corrected(Timestamp client, std::chrono::milliseconds offset, Timestamp now);

// The same of a copy of an item, which is then on the board. False: there is no room for it; see Assets::set().
bool set_copy(Floor& floor, const Identity& who, const std::string& item, Timestamp timestamp);

// The offset of a client's clock, when it has told what its clock says: measured where the way there and back was timed, and
// otherwise only followed when it jumped, since nobody knows how long the words were on their way.
std::chrono::milliseconds followed(std::chrono::milliseconds offset,
                                   const protocol::server_action::ClockTold& told, Timestamp now);

// The operation of a write of `who`; messages carry the server's time.
Operation make_operation(const Identity& who, Record record, UniqueId id, Document value);

}  // namespace callboard::server
