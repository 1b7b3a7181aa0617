#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/access_key.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "protocol/frame.h"
#include "protocol/server_action.h"
#include "server/board/sha256.h"
#include "server/pacing.h"
#include "server/permissions.h"

namespace callboard::server {

class Session;

// What a session needs from the server. Called on the loop thread, never from within the session's constructor. The
// session may be retired (net::Loop::retire) in any of them, not deleted.
class SessionHost {
 public:
  virtual ~SessionHost() = default;

  // The secret of a key that is good; asked for while a connection proves that it has it.
  virtual std::optional<Secret> find_secret(std::string_view identity) = 0;
  // The connection turned out to be a transfer's and waits: refuse_ticket() or, some time, release().
  virtual void on_ticket(Session& session, UniqueId ticket) = 0;
  virtual void on_admission(Session& session, const protocol::server_action::Admission& admission) = 0;
  virtual void on_document_claimed(Session& session, protocol::DocumentClaim claim) = 0;
  virtual void on_assets_claimed(Session& session, const protocol::AssetsClaim& claim) = 0;
  virtual void on_joined(Session& session) = 0;
  virtual void on_clock(Session& session, const protocol::server_action::ClockTold& told) = 0;
  // It may be told something: it has the turn to listen, or has read what it was told.
  virtual void on_may_tell(Session& session) = 0;
  virtual void on_asked(Session& session, protocol::ClientMessage&& ask) = 0;
  // How far a call is that it was given.
  virtual void on_reported(Session& session, const protocol::CallProgressed& progress) = 0;
  // A long list came, within `bytes`; reading it here would hold up the loop. Answer with on_decoded().
  // Nothing is read meanwhile.
  virtual void on_large_frame(Session& session, protocol::FrameView frame, Bytes bytes) = 0;
  // How fast it may be.
  virtual Pacing& pacing() = 0;
  // Its deadline changed; see next_deadline().
  virtual void on_deadline(Session& session) = 0;
  // Over: what it was to say last was said. The connection goes on closing by itself for kFarewellLimit at most.
  virtual void on_over(Session& session, const Error& why) = 0;
  // The last call: nothing is left of the connection.
  virtual void on_closed(Session& session) = 0;
};

// What the server knows of a session once it is admitted.
struct Identity {
  SessionId id;
  std::string name;  // As shown.
  std::string host;
  bool visit = false;
  bool shares = false;
  std::optional<UniqueId> workstation;
  std::string asked_name;  // Without the number.
  bool patches = false;    // Understands documents told as JSON Patches.
  Permissions permissions = Permissions::all();
  std::string muted;  // Why it may not speak, for whom it tries; empty: it may.
  std::string key;    // The identity of the key that it came in with; empty on an open server.
  // Whose limits it counts in: the key's, or on an open server those of the network that its address is in. Empty: nobody's.
  std::string origin;
  // What proves that one who comes back is this session; none when nobody may.
  std::optional<Sha256> secret;
  std::chrono::milliseconds clock_offset{0};
  std::optional<std::chrono::microseconds> round_trip{};  // As measured last, there and back; none: not yet.
};

// Who calls.
struct Caller {
  Identity identity;  // With the session's id and its permissions, as they are now.
  std::string from;   // The address of the connection; empty: the server itself.

  // Without the port.
  std::string host() const { return from.substr(0, from.rfind(':')); }
};

}  // namespace callboard::server
