#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/work_queue.h"
#include "server/board/audit_entry.h"
#include "server/board/key_changes.h"
#include "server/event_log.h"
#include "server/roles.h"
#include "server/session_host.h"
#include "server/signers.h"
#include "server/store/key_file.h"
#include "server/store/roles_file.h"

namespace callboard::server {

// Who may be in the server, as whom, and what each may do: on an open one everybody as they say, on one with
// keys the holders of keys, by their roles. A connection has proven its key by TLS before a word is said.
// Keys and roles are as their files say, also when those change while the server runs. From the first key on
// the server is keyed, and stays so whatever becomes of the file: what cannot be read changes nothing.
// Loop thread only.
class Gate {
 public:
  struct Source {
    KeyFile file;
    std::optional<KeyRing> ring;  // As read before the start; none: the server is open.
    RolesFile roles_file;
    Roles roles{};
  };
  struct Handlers {
    std::function<void()> on_change;  // Somebody may be no longer welcome, or may do more or less.
    // What a role permits was changed, or a key that nobody wrote down.
    std::function<void(AuditEntry)> on_seen;
    // A key was made, revoked or made anew, now or before the server was started; on_noted() when it is in
    // the log, or cannot be.
    std::function<void(KeyChange)> on_key_change;
    // Somebody has another key than before, of the same name; by a change that was told.
    std::function<void(const std::string& before, const std::string& now)> on_rotated;
    // It is keyed, from the beginning or from now on.
    std::function<void()> on_keyed;
  };
  // How long a key that was revoked, or whose time is over, may still be in use.
  static constexpr Duration kPeriod = 500ms;
  // For one who holds the lock of the file as long as that is waited for.
  static constexpr Duration kUsedKeyLimit = kKeysLockLimit + 1s;

  // Without a source the server is open, whatever happens.
  Gate(net::Loop& loop, const Clock& clock, EventLog& events, std::optional<Source> source,
       Handlers handlers);

  void on_noted(UniqueId key_change, bool is_written);
  // The disk takes writes again: what could not be noted is noted now.
  void on_writable();
  // Reads the files when they are others; may call `on_change`. Before anybody is let in.
  void look();
  // Looks no more by itself. Calls `done` when it is in the file which keys were used, or cannot be for kUsedKeyLimit; before
  // this returns when it is.
  void stop(std::function<void()> done);

  bool is_keyed() const { return ring_.has_value(); }
  bool is_welcome(const Identity& identity) const { return !is_keyed() || find(identity.key) != nullptr; }
  // Of a key that is good.
  std::optional<Secret> find_secret(std::string_view identity) const;
  // Who marks the announcements of this moment: at most `count`, and others the next time where there are more.
  std::vector<protocol::DatagramKey> next_signers(std::size_t count) {
    return signers_.next(count, clock_.wall());
  }
  // Whose it is, also when it is good no more; empty: nobody's.
  std::string name_of(std::string_view identity) const;
  // The identity of the key of that name; nullopt: it has none.
  std::optional<std::string> identity_of(std::string_view name) const;
  // What somebody with a key says to be called counts as little as what a stranger says: everybody is called as their key,
  // and shares a folder only when the key's role permits it.
  protocol::server_action::Admission permitted(const Identity& identity,
                                               protocol::server_action::Admission asked) const;
  bool may(std::string_view identity, Permission permission) const {
    return permissions_of(identity).contains(permission);
  }
  // Whether a role names this permission.
  bool has_role_with(const std::string& permission) const;
  // Everything on an open server, nothing for a key that is not good.
  Permissions permissions_of(std::string_view identity) const;
  // Lets a session in, one that comes back or a new one. refused: its key is good no more, or was good once.
  Result<void> let_in(const Identity& identity, bool is_resumed);

 private:
  const KeyEntry* find(std::string_view identity) const;
  void write_used();
  void on_used_written(const std::vector<std::string>& identities, const Result<void>& written);
  void on_tick();
  void on_stop_tick();
  bool read_keys();
  bool read_roles();
  void tell_changes(const KeyRing& before, const KeyRing& now);
  void tell_kept_changes();
  void drop_shown(const KeyRing& now);
  void tell_rotated(const std::vector<KeyChange>& shown, const KeyRing& now);
  bool is_told(std::string_view name, const KeyRing& now) const;
  void forget_noted();
  bool has_expired(Timestamp since, Timestamp now) const;

  net::Loop& loop_;
  const Clock& clock_;
  EventLog& events_;
  std::optional<KeyFile> file_;
  std::optional<KeyRing> ring_;
  Signers signers_;
  std::optional<RolesFile> roles_file_;
  Roles roles_;
  Handlers handlers_;
  FileStamp stamp_ = kNoStamp;
  FileStamp roles_stamp_ = kNoStamp;
  Timestamp looked_;
  std::set<std::string, std::less<>> used_;  // Of those that are good once, by this server.
  std::vector<std::string> unwritten_;       // Of those, what the file does not say yet.
  bool is_writing_used_ = false;
  bool is_said_unwritten_ = false;  // Since they could be written last.
  std::function<void()> stopped_;   // Once it is to stop, until it has.
  Instant stop_by_;
  std::set<UniqueId> noting_;      // Changes of keys that are to be in the log,
  std::vector<UniqueId> noted_;    // those that are, and are still in the file,
  bool is_forgetting_ = false;     // and those that go from there.
  bool is_to_note_again_ = false;  // Some could not be written to the log.
  // Changes that were told and the keys do not show yet, oldest first: they are written down before.
  std::vector<KeyChange> told_;
  // Of those, what is out of the file of changes: the keys show it by now, or never will.
  std::set<UniqueId> settled_;
  net::Timer timer_;
  std::optional<net::WorkQueue> writing_;  // From the first key on that is used up.
};

}  // namespace callboard::server
