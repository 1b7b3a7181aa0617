#include "server/people.h"

#include <set>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/mask.h"
#include "base/text.h"
#include "net/endpoint.h"
#include "protocol/faults.h"

namespace callboard::server {
namespace {

// Code points of a reason that somebody gave for what they did.
constexpr std::size_t kReasonShown = 256;

std::string list_of_names(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& each : names) list += (list.empty() ? "" : " ") + each;
  return list;
}

Error nobody_named(const std::string& user) {
  return {Outcome::not_found, "nobody named " + callboard::quoted(masked(user)) + " is here"};
}

// Who is to be sent away is the caller alone.
Error only_yourself(const std::string& user, std::string_view what) {
  return {Outcome::refused, callboard::quoted(masked(user)) + " is yourself, whom " + std::string(what) +
                                " leaves alone; a join ends with Ctrl-C where it runs"};
}

}  // namespace

Permissions measured(Permissions of_role, const Measures& measures) {
  for (const std::string& each : measures.granted) of_role.add(Permission(each));
  for (const std::string& each : measures.revoked) of_role.remove(Permission(each));
  return of_role;
}

People::People(net::Loop& loop, const Clock& clock, RandomSource random, EventLog& events,
               std::optional<Gate::Source> keys, Outside outside)
    : outside_(std::move(outside)),
      gate_(loop, clock, events, std::move(keys),
            {.on_change = [this] { on_keys_changed(); },
             .on_seen = [this](AuditEntry entry) { audit_.note(std::move(entry)); },
             .on_key_change =
                 [this](KeyChange change) {
                   audit_.note_earlier(
                       std::move(change.entry), change.id,
                       [this, id = change.id](bool is_written) { gate_.on_noted(id, is_written); });
                 },
             .on_rotated = [this](const std::string& before,
                                  const std::string& now) { on_rotated(before, now); },
             .on_keyed = [this] { outside_.keyed(); }}),
      audit_(clock, std::move(random), events, [this](Operation operation, std::function<void(bool)> done) {
        outside_.append(std::move(operation), std::move(done));
      }) {}

void People::on_let_in(Session& session) {
  set_permissions(session);
  if (!gate_.is_keyed()) return;
  AuditEntry entry = entry_of(session);
  if (session.is_resumed) entry.text = "came back";
  audit_.note_let_in(std::move(entry), session.identity.visit);
}

// Who has no key, or one that is not good, on a server with keys. What else ends a connection is no attempt to get in.
void People::on_not_let_in(const Session& session, const Error& why) {
  if (!gate_.is_keyed() || why.outcome != Outcome::refused) return;
  AuditEntry entry = entry_of(session);
  if (entry.key.empty()) entry.key = session.tried_key();
  entry.user = gate_.name_of(entry.key);
  entry.text = escaped(why.text, 256);
  audit_.note_refused(std::move(entry));
}

// Whose key is good no more goes at once: said goodbye to, never kept for a return, its transfers over. What the others may
// is as their roles say now.
void People::on_keys_changed() {
  std::vector<Session*> unwelcome;
  outside_.for_each([&](Session& session) {
    const bool is_known = session.is_admitted() || !session.identity.key.empty();
    if (!is_known || session.is_over()) return;
    if (!gate_.is_welcome(session.identity)) {
      unwelcome.push_back(&session);
    } else {
      set_permissions(session);
    }
  });
  const Error why{Outcome::refused, "the key is no longer good"};
  // A connection that closes stays until the end of the turn.
  for (Session* session : unwelcome) {
    const bool has_key = !session->identity.key.empty();
    session->close(why.outcome,
                   has_key ? why.text : "the server has keys now: " + protocol::key_needed().text);
  }
  outside_.end_away([this](const Identity& each) { return !gate_.is_welcome(each); }, why);
}

Permissions People::permissions_of(const Identity& identity) const {
  return measured(gate_.permissions_of(identity.key), measures_of(identity));
}

const Measures& People::measures_of(const Identity& identity) const {
  return measures().of(person_of(identity));
}

std::function<Measures()> People::measures_at_any_time(const Identity& identity) const {
  return [measures = measures_, person = person_of(identity)] { return measures->of(person); };
}

void People::restore(const MeasuresBook& measures) {
  measures_->change([&](MeasuresBook& book) { book = measures; });
}

void People::set_permissions(Session& session) const {
  Identity& identity = session.identity;
  const Permissions before = std::exchange(identity.permissions, permissions_of(identity));
  const Measures& measures = measures_of(identity);
  identity.muted.clear();
  if (measures.is_muted()) {
    identity.muted = "you are muted by " + callboard::quoted(measures.muted_by);
    if (!measures.mute_reason.empty()) identity.muted += ": " + measures.mute_reason;
  }
  if (identity.permissions != before) outside_.permitted(session);
}

AuditEntry People::entry_of(const Session& session) {
  const Identity& identity = session.identity;
  return {.session = identity.id, .user = identity.name, .key = identity.key, .from = session.peer().host};
}

void People::note(const By& by, std::string what, std::string about, std::string text) {
  audit_.note({.session = by.identity.id,
               .user = by.identity.name,
               .what = std::move(what),
               .about = escaped(about, kReasonShown),
               .key = by.identity.key,
               .from = by.from,
               .text = escaped(text, kReasonShown)});
}

// --- What people do to others ---------------------------------------------------------------------------------------

void People::on_left(const Identity& identity) {
  const std::string person = person_of(identity);
  if (measures().of(person).granted.empty()) return;
  const auto is_same = [&](const Identity& each) {
    return each.id != identity.id && person_of(each) == person;
  };
  bool is_here = outside_.is_away(is_same);
  outside_.for_each([&](const Session& each) {
    is_here = is_here || (each.is_admitted() && !each.is_over() && is_same(each.identity));
  });
  if (is_here) return;
  measures_->change([&](MeasuresBook& book) { book.on_gone(person); });
  outside_.changed();
}

// Nobody gets out of what was said of them by having another key made.
void People::on_rotated(const std::string& before, const std::string& now) {
  if (measures().of(before).is_empty()) return;
  measures_->change([&](MeasuresBook& book) { book.on_rotated(before, now); });
  outside_.changed();
}

std::function<bool(const Identity&)> People::named(const std::string& user) const {
  std::set<std::string> keys;
  outside_.for_each([&](const Session& each) {
    const bool is_meant = each.is_admitted() && each.identity.name == user;
    if (is_meant && !each.identity.key.empty()) keys.insert(each.identity.key);
  });
  static_cast<void>(outside_.is_away([&](const Identity& each) {
    if (each.name == user && !each.key.empty()) keys.insert(each.key);
    return false;
  }));
  return [user, keys = std::move(keys)](const Identity& each) {
    return each.name == user || (!each.key.empty() && keys.contains(each.key));
  };
}

Result<std::size_t> People::redirect(const By& by, const std::string& user, const std::string& to,
                                     const std::string& reason) {
  const auto address = net::endpoint_from(to, kSessionPort);
  if (!address) return address.error().prefixed("redirect");
  const std::string where = net::to_text(*address);
  const auto is_named = named(user);
  std::vector<Session*> meant;
  outside_.for_each([&](Session& each) {
    const bool is_own = each.identity.id == by.identity.id;
    if (!each.is_joined() || each.is_over() || each.identity.visit || is_own) return;
    if (user.empty() || is_named(each.identity)) meant.push_back(&each);
  });
  if (meant.empty() && user == by.identity.name) return only_yourself(user, "redirect");
  if (meant.empty() && !user.empty()) return nobody_named(user);
  std::string why = callboard::quoted(by.identity.name) + " sent you to " + where;
  if (!reason.empty()) why += ": " + escaped(reason, kReasonShown);
  note(by, "redirect", user, "to " + where + (reason.empty() ? "" : ": " + reason));
  for (Session* session : meant) session->dismiss(Outcome::interrupted, why, where);
  return meant.size();
}

Result<std::size_t> People::kick(const By& by, const std::string& user_or_address,
                                 const std::string& reason) {
  const auto is_named = named(user_or_address);
  std::vector<Session*> meant;
  outside_.for_each([&](Session& each) {
    if (!each.is_admitted() || each.is_over() || each.identity.id == by.identity.id) return;
    if (is_named(each.identity) || each.peer().host == user_or_address) meant.push_back(&each);
  });
  std::size_t away = 0;
  static_cast<void>(outside_.is_away([&](const Identity& each) {
    if (is_named(each)) ++away;
    return false;
  }));
  if (meant.empty() && away == 0) {
    const bool is_caller = user_or_address == by.identity.name || user_or_address == by.from;
    return is_caller ? only_yourself(user_or_address, "kick") : nobody_named(user_or_address);
  }
  std::string why = callboard::quoted(by.identity.name) + " sent you off";
  if (!reason.empty()) why += ": " + escaped(reason, kReasonShown);
  note(by, "kick", user_or_address, reason);
  for (Session* session : meant) session->dismiss(Outcome::refused, why);
  outside_.end_away(is_named, {Outcome::refused, why});
  return meant.size() + away;
}

Result<void> People::mute(const By& by, const std::string& user, const std::string& reason) {
  const auto mute = [&](const std::string&, Measures& measures) -> Result<void> {
    measures.muted_by = by.identity.name;
    measures.mute_reason = escaped(reason, kReasonShown);
    return {};
  };
  if (auto changed = change_measures(user, mute); !changed) return changed;
  note(by, "mute", user, reason);
  return {};
}

Result<void> People::unmute(const By& by, const std::string& user) {
  const auto unmute = [&](const std::string&, Measures& measures) -> Result<void> {
    if (!measures.is_muted()) return Error{Outcome::not_found, callboard::quoted(user) + " is not muted"};
    measures.muted_by.clear();
    measures.mute_reason.clear();
    return {};
  };
  if (auto changed = change_measures(user, unmute); !changed) return changed;
  note(by, "unmute", user, "");
  return {};
}

Result<void> People::grant(const By& by, const std::string& user,
                           const std::vector<std::string>& permissions) {
  return change_permissions(by, user, permissions, Change::grant);
}

Result<void> People::revoke(const By& by, const std::string& user,
                            const std::vector<std::string>& permissions) {
  return change_permissions(by, user, permissions, Change::revoke);
}

Result<void> People::change_permissions(const By& by, const std::string& user,
                                        const std::vector<std::string>& permissions, Change change) {
  if (auto may = check_grant(by, permissions); !may) return may;
  const bool grants = change == Change::grant;
  const auto grant = [&](const std::string& person, Measures& measures) -> Result<void> {
    const Permissions of_role = gate_.permissions_of(person);
    auto& added = grants ? measures.granted : measures.revoked;
    auto& removed = grants ? measures.revoked : measures.granted;
    for (const std::string& each : permissions) {
      removed.erase(each);
      // What the role says needs no saying.
      if (of_role.contains(Permission(each)) != grants) added.insert(each);
    }
    return {};
  };
  if (auto changed = change_measures(user, grant); !changed) return changed;
  note(by, grants ? "grant" : "revoke", user, list_of_names(permissions));
  return {};
}

Result<void> People::check_grant(const By& by, const std::vector<std::string>& permissions) const {
  if (!gate_.is_keyed())
    return Error{Outcome::refused,
                 "the server is open, and everybody may everything: keys have roles (callboard key add)"};
  if (permissions.empty()) return Error{Outcome::usage, "expected at least one permission"};
  for (const std::string& each : permissions) {
    if (auto checked = check_permission_name(each); !checked) return checked;
    // Else one could make oneself, or a friend, whatever one likes.
    if (!by.identity.permissions.contains(Permission(each)))
      return Error{Outcome::refused, "you may not " + each + " yourself"};
  }
  return {};
}

std::string People::person_of(const Identity& identity) {
  return identity.key.empty() ? "name " + identity.name : identity.key;
}

// Who is here by the name as shown; who is not, by the name of their key, or as was said of them before.
Result<std::string> People::find_person(const std::string& user) const {
  std::optional<std::string> person;
  const auto is_named = [&](const Identity& each) {
    if (each.name == user) person = person_of(each);
    return each.name == user;
  };
  outside_.for_each([&](const Session& each) {
    if (each.is_admitted() && !each.is_over()) is_named(each.identity);
  });
  if (!person) static_cast<void>(outside_.is_away(is_named));
  if (!person && gate_.is_keyed()) person = gate_.identity_of(user);
  if (!person && !measures().of("name " + user).is_empty()) person = "name " + user;
  return person ? Result<std::string>(*person) : Result<std::string>(nobody_named(user));
}

Result<void> People::change_measures(
    const std::string& user,
    const std::function<Result<void>(const std::string& person, Measures& measures)>& change) {
  const auto person = find_person(user);
  if (!person) return person.error();
  Measures measures = this->measures().of(*person);
  if (auto changed = change(*person, measures); !changed) return changed;
  const auto set = [&](MeasuresBook& book) { return book.set(*person, std::move(measures)); };
  if (auto done = measures_->change(set); !done) return done;
  outside_.for_each([this](Session& each) {
    if (each.is_admitted()) set_permissions(each);
  });
  outside_.changed();
  return {};
}

}  // namespace callboard::server
