#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/document/schema.h"
#include "net/loop.h"
#include "net/timer.h"
#include "protocol/message.h"
#include "server/answers_given.h"
#include "server/floor.h"
#include "server/record_wish.h"
#include "server/session.h"
#include "server/zone_teller.h"

namespace callboard::server {

// Everything about records and zones: changes are checked against the schema, written (those that last in the log, the others
// here) by one and the same fold, and told to those who are in their zones. Loop thread only.
class RecordDesk {
 public:
  struct Outside {
    std::function<Session*(std::uint64_t key)> by_key;
    std::function<Session*(SessionId id)> by_id;
    // There is something to tell that session.
    std::function<void(SessionId id)> due;
    // Of one who is here or may come back, as they are permitted at this moment; nullopt: they have left.
    std::function<std::optional<Identity>(SessionId id)> identity;
    // What that session, here or away, is still to be told; null: it has left.
    std::function<std::vector<protocol::ServerMessage>*(SessionId id)> errands_of;
    ZoneLimits zone_limits{};
  };

  using Author = RecordAuthor;
  using Wish = RecordWish;
  using Done = RecordWishDone;
  // As the calls that it offers are.
  static Author server_itself() { return {.session = {}, .user = "", .writer = document::Writer::server}; }

  RecordDesk(net::Loop& loop, Floor& floor, const document::Schema& schema, Outside outside);

  // Answered once, perhaps within the call: of those that last, when it is on disk. The same wish again gets the answer it got.
  void change(const Author& author, Wish wish, Done done);
  // Several, each of a path of its own and of a class that lasts on disk: all or none, one after the other with nothing
  // between. One that is to be set and is not there is made. Answered with the revision of the last.
  void change_together(const Author& author, std::vector<Wish> wishes, Done done);
  RecordStatePtr find(std::string_view path) const;  // Null: there is none.
  // Whether such a record is shown to them: by its class, and by whose it is where its owner alone is told. One of a class
  // that the schema does not name is its owner's and the admins': nobody knows any more who else might see it.
  bool may_see(const Author& who, const RecordState& state) const;
  // Until `visit` returns false.
  template <class Visit>
  void for_each_in(const PathParts& zone, Visit visit) const {
    zones_.for_each_in(zone, "", [&](const Zones::Shown& shown) { return visit(shown.state); });
  }
  // A visit acts for its user, like one who says where they are; of a user who has not joined, for itself.
  Author author_of(const Identity& who) const;

  void on_asked(Session& session, protocol::RecordAsk& ask);
  void on_read(Session& session, const protocol::RecordsRead& ask);
  void on_enter(Session& session, const protocol::EnterAsk& ask);
  void on_exit(Session& session, const protocol::ExitAsk& ask);
  void on_schema(Session& session, const protocol::SchemaAsk& ask) const;
  UniqueId schema_hash() const { return schema_hash_; }

  // An operation on a record was applied to the board.
  void on_applied(const Operation& operation, const Applied& applied);
  // The session is gone for good, and what lasts as long as it.
  void forget(SessionId session);
  // It may something else than before, and perhaps see other classes: told of its zones anew, as they are to it now.
  void on_permitted(Session& session);
  // It is back, with the mailbox that it had: what happened meanwhile and is not kept is past.
  void on_resumed(SessionId session, Mailbox& mailbox) const;

  bool is_due(const Mailbox& mailbox) const { return teller_.is_due(mailbox); }
  void take_due(const Identity& who, Mailbox& mailbox, std::vector<protocol::EncodedFrame>& frames);

 private:
  // A wish that makes sense.
  struct Checked {
    document::Life life = document::Life::disk;
    document::Told told = document::Told::zone;
    RecordChange change;
  };
  struct Fields {
    document::ValuePtr written;
    document::ValuePtr changed;  // Those that the author says, or makes other than they are by a put.
  };
  using Waiting = WaitingWish;
  using UnderWay = WishesUnderWay;
  // Of the schema's classes those that they allow to see; with all of them also what the schema does not name.
  Zones::Seen seen_with(const Permissions& permissions) const;
  Result<void> check_hidden(const Author& author, const Wish& wish, const RecordStatePtr& now) const;
  Result<Checked> checked(const Author& author, const Wish& wish) const;
  Result<const document::RecordClass*> class_for(const Wish& wish, const RecordStatePtr& now) const;
  Result<Fields> fields_for(const Author& author, const Wish& wish, const document::RecordClass& of,
                            const RecordStatePtr& now) const;
  Result<RecordOwner> owner_for(const Author& author, const Wish& wish) const;
  // False: nobody has more than their share.
  bool make_room();
  Result<void> check_room(const Author& author, const Wish& wish, document::Life life) const;
  bool lasts(const Checked& checked, std::string_view path) const;
  void write(const Author& author, Wish wish, Checked checked, Done done);
  Operation operation_for(const Author& author, const Wish& wish, const RecordChange& change) const;
  Result<Operation> checked_operation(const Author& author, const Wish& wish) const;
  Result<std::uint64_t> apply_here(const Operation& operation, const Checked& checked);
  void on_written(const std::string& path, std::uint64_t bytes);
  void tell_event(const Author& author, const Wish& wish, const Checked& checked);
  document::Told told_of(const std::string& record_class) const;
  Result<std::uint64_t> answer_for(Outcome outcome, std::uint64_t revision, RecordAction action,
                                   const std::string& path) const;
  Result<Author> author_now(const Author& then) const;
  bool has_to_wait(const UnderWay& under_way, const Wish& wish) const;
  void try_change(const Author& author, Wish wish, Done done);
  void tell_changes();
  void tell_passing(SessionId author);
  void tell_pending();
  net::Loop& loop_;
  Floor& floor_;
  const document::Schema& schema_;
  const UniqueId schema_hash_;
  Outside outside_;
  // Records that the board began with are of classes that the schema does not name. None of those is made or set later.
  bool had_unnamed_ = false;
  Zones zones_{outside_.zone_limits};
  ZoneTeller teller_{zones_};
  RecordTable here_;  // Those that the log does not have.
  std::uint64_t last_here_ = 0;
  std::unordered_map<SessionId, std::set<std::string>> of_session_;  // Those that last as long as it.
  std::unordered_map<std::string, UnderWay> under_way_;              // By path.
  struct Passing {
    Instant told{};
    bool is_pending = false;
  };
  std::unordered_map<SessionId, Passing> passing_;  // What each does that does not last.
  net::Timer passing_timer_;
  AnswersGiven given_;
};

}  // namespace callboard::server
