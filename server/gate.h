#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/work_queue.h"
#include "server/event_log.h"
#include "server/session_host.h"
#include "server/store/key_file.h"

namespace callboard::server {

// Who may be in the server, and as whom: on an open one everybody as they say, on one with keys the holders of keys. A
// connection has proven its key by TLS before a word is said.
// The keys are as their file says, also when that changes while the server runs. From the first key on the server is keyed,
// and stays so whatever becomes of the file: what cannot be read changes nothing. Loop thread only.
class Gate {
 public:
  struct Source {
    KeyFile file;
    std::optional<KeyRing> ring;  // As read before the start; none: the server is open.
  };
  // How long a key that was revoked, or whose time is over, may still be in use.
  static constexpr Duration kPeriod = 500ms;

  // Without a source the server is open, whatever happens. `on_change`: somebody may be no longer welcome.
  Gate(net::Loop& loop, const Clock& clock, EventLog& events, std::optional<Source> source,
       std::function<void()> on_change);

  // Reads the file when it is another one; may call `on_change`. Before anybody is let in.
  void look();
  // Looks no more by itself.
  void stop() { timer_.cancel(); }

  bool is_keyed() const { return ring_.has_value(); }
  bool is_welcome(const Identity& identity) const { return !is_keyed() || find(identity.key) != nullptr; }
  // Of a key that is good.
  std::optional<Secret> find_secret(std::string_view identity) const;
  // What somebody with a key says to be called counts as little as what a stranger says: everybody is called as their key,
  // and shares a folder only when the key's role permits it.
  protocol::server_action::Admission permitted(const Identity& identity,
                                               protocol::server_action::Admission asked) const;
  bool may(std::string_view identity, Permission permission) const {
    return permissions_of(identity).contains(permission);
  }
  // Everything on an open server, nothing for a key that is not good.
  Permissions permissions_of(std::string_view identity) const;
  // Lets a session in, one that comes back or a new one. refused: its key is good no more, or was good once.
  Result<void> let_in(const Identity& identity, bool is_resumed);

 private:
  const KeyEntry* find(std::string_view identity) const;
  void set_used(const KeyEntry& entry);
  void on_tick();
  bool read();
  bool has_expired(Timestamp since, Timestamp now) const;

  net::Loop& loop_;
  const Clock& clock_;
  EventLog& events_;
  std::optional<KeyFile> file_;
  std::optional<KeyRing> ring_;
  std::function<void()> on_change_;
  KeyFile::Stamp stamp_{.inode = 0, .modified_ns = 0, .size_bytes = -2};  // None that a file can have.
  Timestamp looked_;
  std::set<std::string, std::less<>> used_;  // Of those that are good once, by this server.
  net::Timer timer_;
  std::optional<net::WorkQueue> writing_;  // From the first key on that is used up.
};

}  // namespace callboard::server
