#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "server/audit.h"
#include "server/board/measures.h"
#include "server/gate.h"
#include "server/session.h"
#include "server/shared_measures.h"

namespace callboard::server {

// What somebody may of whom that was said, by what their role permits.
Permissions measured(Permissions of_role, const Measures& measures);

// Who is in the server, as whom and with which permissions, and what is written down about that. A
// connection proves its key by TLS before a word is said (Session); what it is called and may do is decided
// here. Loop thread only.
class People {
 public:
  struct Outside {
    // All connections that there are; none is added or taken away meanwhile.
    std::function<void(const std::function<void(Session&)>& visit)> for_each;
    // Those who are away and are meant have left, for that reason.
    std::function<void(const std::function<bool(const Identity&)>& is_meant, const Error& why)> end_away;
    // Whether somebody is away who is meant.
    std::function<bool(const std::function<bool(const Identity&)>& is_meant)> is_away;
    Audit::Append append;                     // To the project's log.
    std::function<void()> changed;            // measures() are others.
    std::function<void()> keyed;              // There are keys.
    std::function<void(Session&)> permitted;  // It may something else than before.
  };

  // `keys`: none: the server is open, whatever happens.
  People(net::Loop& loop, const Clock& clock, RandomSource random, EventLog& events,
         std::optional<Gate::Source> keys, Outside outside);

  Gate& gate() { return gate_; }
  Audit& audit() { return audit_; }

  // Somebody is in, or back: says what they may, and notes it.
  void on_let_in(Session& session);
  // A connection was over before anybody was in.
  void on_not_let_in(const Session& session, const Error& why);
  // What somebody may at this moment.
  Permissions permissions_of(const Identity& identity) const;
  // What was said of somebody, beside their role.
  const Measures& measures_of(const Identity& identity) const;
  // The same, as of whenever it is called: on any thread, and whatever has become of this.
  std::function<Measures()> measures_at_any_time(const Identity& identity) const;
  // Somebody has left, and is neither here nor away.
  void on_left(const Identity& identity);

  // --- What people may do to others; whether they may is checked before. Each is noted in the audit. ---
  // Who does it, and from where.
  struct By {
    Identity identity;  // Its own: the session may be over before what it asked for is.
    std::string from;
  };
  // Sends off everybody of that name as shown, with all sessions of the same key, or everybody at that
  // address; they are told the reason, and do not come back by themselves. How many sessions that were;
  // not_found: none, refused: one's own alone, which goes on.
  Result<std::size_t> kick(const By& by, const std::string& user_or_address, const std::string& reason);
  // Sends everybody of that name as shown, with all sessions of the same key, or everybody (""), to join at
  // another address; their commands under way, and one's own session, go on. How many sessions that were;
  // not_found: none, refused: one's own alone.
  Result<std::size_t> redirect(const By& by, const std::string& user, const std::string& to,
                               const std::string& reason);
  // Whoever is named so may not speak from now on, also under another session; until unmute().
  Result<void> mute(const By& by, const std::string& user, const std::string& reason);
  Result<void> unmute(const By& by, const std::string& user);
  // May that, whatever their role says: until they leave; or may not: until it is granted again. Refused on
  // an open server, and for what one may not oneself.
  Result<void> grant(const By& by, const std::string& user, const std::vector<std::string>& permissions);
  Result<void> revoke(const By& by, const std::string& user, const std::vector<std::string>& permissions);

  // What was said of people, from the server before this one, and for the next.
  void restore(const MeasuresBook& measures);
  const MeasuresBook& measures() const { return measures_->book(); }

  // In the audit.
  void note(const By& by, std::string what, std::string about, std::string text);

 private:
  void on_keys_changed();
  void on_rotated(const std::string& before, const std::string& now);
  void set_permissions(Session& session) const;
  // Of who did it.
  static AuditEntry entry_of(const Session& session);
  static std::string person_of(const Identity& identity);
  Result<std::string> find_person(const std::string& user) const;
  // Of who is named so, unless `change` fails; what they may is said anew.
  Result<void> change_measures(
      const std::string& user,
      const std::function<Result<void>(const std::string& person, Measures& measures)>& change);
  // Whether somebody is meant by that name as shown: is called so, or has a key of one, here or away, who is.
  std::function<bool(const Identity&)> named(const std::string& user) const;
  enum class Change { grant, revoke };
  Result<void> change_permissions(const By& by, const std::string& user,
                                  const std::vector<std::string>& permissions, Change change);
  Result<void> check_grant(const By& by, const std::vector<std::string>& permissions) const;

  Outside outside_;
  Gate gate_;
  Audit audit_;
  std::shared_ptr<SharedMeasures> measures_ = std::make_shared<SharedMeasures>();
};

}  // namespace callboard::server
