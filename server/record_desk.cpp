#include "server/record_desk.h"

#include <fmt/format.h>

#include <utility>

#include "base/document/parse.h"
#include "base/ensure.h"
#include "base/text.h"
#include "server/own_records.h"
#include "server/record_misfits.h"

namespace callboard::server {
namespace {

bool has_fields(RecordAction action) {
  return action != RecordAction::give && action != RecordAction::remove;
}

// Whether the author may do what the rule is about; sets `is_owners` where that depends on whose the record is.
Result<void> check_rule(const std::string& rule, const RecordDesk::Author& author, bool& is_owners) {
  if (author.writer == document::Writer::server || rule == "any") return {};
  if (rule == "server") return Error{Outcome::refused, "the server alone writes it"};
  if (rule != "owner") return check(author.permissions, Permission(rule));
  is_owners = true;
  return {};
}

// Those of the class, or, where fields are changed that have rules of their own, theirs.
Result<void> check_rules(const document::RecordClass& of, const RecordDesk::Author& author,
                         const document::ValuePtr& changed, bool& is_owners) {
  bool needs_class = changed == nullptr || changed->object()->empty();
  for (std::size_t i = 0; changed != nullptr && i < changed->object()->size(); ++i) {
    const document::Field* field = of.find((*changed->object())[i].key);
    if (field == nullptr || field->write.empty()) {
      needs_class = true;
    } else if (auto may = check_rule(field->write, author, is_owners); !may) {
      return may.error().prefixed("field " + quoted(field->name));
    }
  }
  return needs_class ? check_rule(of.write, author, is_owners) : Result<void>();
}

// What a put makes other than it was: what it says, and, as null, what it leaves out.
document::ValuePtr difference(const document::ValuePtr& before, const document::ValuePtr& after) {
  document::Object changed;
  for (const document::Member& each : *after->object()) {
    const auto was = before->member(each.key);
    if (was == nullptr || !document::equal(was, each.value)) changed.push_back(each);
  }
  for (const document::Member& each : *before->object()) {
    if (after->member(each.key) == nullptr) changed.push_back({each.key, document::make_null()});
  }
  return document::make_value(std::move(changed));
}

// Who puts all fields anew keeps what the server has computed.
document::ValuePtr with_computed(const document::RecordClass& of, const document::ValuePtr& fields,
                                 const RecordStatePtr& now) {
  document::Object computed;
  for (const document::Field& field : of.fields) {
    const auto value = field.computed ? now->fields->member(field.name) : nullptr;
    if (value != nullptr && fields->member(field.name) == nullptr) computed.push_back({field.name, value});
  }
  if (computed.empty()) return fields;
  return document::merged_fields(fields, document::make_value(std::move(computed)));
}

// What is given, read. A text says the same in up to six times as many bytes.
Result<document::ValuePtr> read_fields(const RecordDesk::Wish& wish, std::uint64_t most) {
  if (wish.values != nullptr) return wish.values;
  if (wish.fields == nullptr) return Error{Outcome::usage, "fields: expected an object"};
  if (wish.fields->size() > 6 * most) {
    return Error{Outcome::refused, fmt::format("fields: expected at most {}, got {}", human_bytes(most),
                                               human_bytes(wish.fields->size()))};
  }
  auto given = document::parse(*wish.fields);
  if (!given) return Error{Outcome::usage, "fields: " + given.error().text};
  return given;
}

std::uint64_t said_bytes_of(const RecordDesk::Wish& wish) {
  if (wish.values != nullptr) return wish.values->size_bytes();
  return wish.fields == nullptr ? 0 : wish.fields->size();
}

// What null may set fields back to.
std::uint64_t defaults_bytes_of(const document::RecordClass* of) {
  if (of == nullptr) return 0;
  std::uint64_t bytes = 0;
  for (const document::Field& each : of->fields) {
    if (each.default_value != nullptr) bytes += each.default_value->size_bytes();
  }
  return bytes;
}

protocol::ErrorAnswer refusal_of(protocol::AskId re, const Error& why) { return {re, why.outcome, why.text}; }

}  // namespace

RecordDesk::RecordDesk(net::Loop& loop, Floor& floor, const document::Schema& schema, Outside outside)
    : loop_(loop),
      floor_(floor),
      schema_(schema),
      schema_hash_(schema.hash()),
      outside_(std::move(outside)),
      passing_timer_(loop, [this] { tell_pending(); }) {
  floor_.records.board().records().for_each([this](const RecordStatePtr& state) {
    zones_.set(state, told_of(state->record_class));
    if (schema_.find(state->record_class) == nullptr) had_unnamed_ = true;
  });
  warn_of_misfits(floor_.records.board().records(), schema_, floor_.events);
}

RecordStatePtr RecordDesk::find(std::string_view path) const {
  const Zones::Shown* shown = zones_.find(path);
  return shown == nullptr ? nullptr : shown->state;
}

bool RecordDesk::may_see(const Author& who, const RecordState& state) const {
  const document::RecordClass* of = schema_.find(state.record_class);
  if (of == nullptr) return who.permissions.is_all() || is_of(state, who.session, who.user);
  if (!of->enter.empty() && !who.permissions.contains(Permission(of->enter))) return false;
  return of->told != document::Told::owner || is_of(state, who.session, who.user);
}

document::Told RecordDesk::told_of(const std::string& record_class) const {
  const document::RecordClass* of = schema_.find(record_class);
  return of == nullptr ? document::Told::zone : of->told;
}

// --- What is asked for, checked -------------------------------------------------------------------------------------

// Null: of a class that the schema has no more, which can only be removed, by its owner or an admin.
Result<const document::RecordClass*> RecordDesk::class_for(const Wish& wish,
                                                           const RecordStatePtr& now) const {
  const std::string& name = now != nullptr ? now->record_class : wish.record_class;
  if (now != nullptr && !wish.record_class.empty() && wish.record_class != name) {
    if (wish.action == RecordAction::make)
      return record_refusal(Outcome::superseded, wish.action, wish.path, now);
    return Error{Outcome::usage, fmt::format("{} is of class {}, not {}", quoted(wish.path), quoted(name),
                                             quoted(wish.record_class))};
  }
  if (name.empty() && wish.action == RecordAction::make)
    return Error{Outcome::usage, "class: expected the name of one"};
  if (name.empty()) return record_refusal(Outcome::not_found, wish.action, wish.path, now);
  const document::RecordClass* of = schema_.find(name);
  if (of != nullptr || (now != nullptr && wish.action == RecordAction::remove)) return of;
  return Error{Outcome::usage,
               fmt::format("class {}: the server's schema has none of that name", quoted(name))};
}

Result<RecordDesk::Fields> RecordDesk::fields_for(const Author& author, const Wish& wish,
                                                  const document::RecordClass& of,
                                                  const RecordStatePtr& now) const {
  const std::uint64_t most = document::record_max(author.writer);
  const auto given = read_fields(wish, most);
  if (!given) return given.error();
  // Defaults are nobody's doing.
  Fields fields{*given, *given};
  document::ValuePtr all;
  if (wish.action == RecordAction::set) {
    if (auto good = document::check_fields(of, *given, author.writer); !good) return good.error();
    if ((*given)->object()->empty()) return Error{Outcome::usage, "fields: expected at least one to be set"};
    fields.written = document::with_defaults(of, *given);
    all = now == nullptr ? fields.written : document::merged_fields(now->fields, fields.written);
  } else {
    auto whole = document::whole_fields(of, *given, author.writer);
    if (!whole) return whole.error();
    const bool is_anew = wish.action == RecordAction::put && now != nullptr;
    fields.written = all = is_anew ? with_computed(of, *whole, now) : *whole;
    if (is_anew) fields.changed = difference(now->fields, fields.written);
  }
  if (all->size_bytes() > most) {
    return Error{Outcome::refused, fmt::format("fields: expected at most {} in all", human_bytes(most))};
  }
  return fields;
}

// Of what is made, or whom it is given to.
Result<RecordOwner> RecordDesk::owner_for(const Author& author, const Wish& wish) const {
  if (author.writer == document::Writer::server) return wish.owner.value_or(RecordOwner{});
  if (wish.action != RecordAction::give) return RecordOwner{author.session, author.user};
  const User* user = wish.to ? floor_.presence.user(*wish.to) : nullptr;
  if (user == nullptr) {
    return Error{Outcome::not_found,
                 fmt::format("to: there is no session {} here", wish.to ? to_text(*wish.to) : std::string())};
  }
  return RecordOwner{*wish.to, user->name};
}

Result<void> RecordDesk::check_room(const Author& author, const Wish& wish, document::Life life) const {
  if (zones_.bytes() + said_bytes_of(wish) > kRecordsBytesMax) {
    return Error{Outcome::refused,
                 fmt::format("the board's records take {} already", human_bytes(kRecordsBytesMax))};
  }
  if (find(wish.path) != nullptr) return {};
  if (zones_.size() >= kRecordsMax)
    return Error{Outcome::refused, fmt::format("there are {} records already", kRecordsMax)};
  // Whoever enters many zones keeps nobody from a lock.
  if (author.writer != document::Writer::server && !zones_.has_room()) {
    return Error{Outcome::refused, "the zones that people are in hold too many records already"};
  }
  if (life != document::Life::session) return {};
  const auto own = of_session_.find(author.session);
  if (own == of_session_.end() || own->second.size() < kSessionRecordsMax) return {};
  return Error{Outcome::refused, fmt::format("your session has {} records already", kSessionRecordsMax)};
}

// Whose it is, and what it became, is not for those who may not see it; nor may they change it.
Result<void> RecordDesk::check_hidden(const Author& author, const Wish& wish,
                                      const RecordStatePtr& now) const {
  const bool is_hidden = now != nullptr && author.writer != document::Writer::server &&
                         !author.permissions.is_all() && !may_see(author, *now);
  if (!is_hidden) return {};
  if (wish.action == RecordAction::make || wish.action == RecordAction::put)
    return record_refusal(Outcome::superseded, RecordAction::make, wish.path, nullptr);
  return record_refusal(Outcome::not_found, wish.action, wish.path, nullptr);
}

Result<RecordDesk::Checked> RecordDesk::checked(const Author& author, const Wish& wish) const {
  if (auto path = record_path(wish.path); !path) return path.error().prefixed("path");
  if (author.writer != document::Writer::server && is_in_own_folder(wish.path)) {
    return Error{Outcome::refused, fmt::format("what is below {} and {} is made by the server's calls alone",
                                               kLocksFolder, kServicesFolder)};
  }
  const RecordStatePtr now = find(wish.path);
  if (auto hidden = check_hidden(author, wish, now); !hidden) return hidden.error();
  const auto of = class_for(wish, now);
  if (!of) return of.error();
  Checked result;
  result.change.action = wish.action;
  result.change.record_class = wish.record_class;
  result.change.answer = wish.answer;
  if (*of == nullptr) {
    result.change.is_owners = author.writer != document::Writer::server && !author.permissions.is_all();
    return result;
  }
  result.life = (*of)->life;
  result.told = (*of)->told;
  document::ValuePtr changed;
  if (has_fields(wish.action)) {
    auto fields = fields_for(author, wish, **of, now);
    if (!fields) return fields.error();
    result.change.fields = fields->written;
    changed = fields->changed;
  } else if (result.life == document::Life::event) {
    return Error{Outcome::usage, quoted(wish.path) + ": an event is told and not kept"};
  }
  bool is_owners = false;
  if (auto may = check_rules(**of, author, changed, is_owners); !may) {
    if ((*of)->write != "server") return may.error();
    return may.error().prefixed(fmt::format("{}, of class {}", quoted(wish.path), quoted((*of)->name)));
  }
  result.change.is_owners = is_owners && wish.action != RecordAction::make;
  // One that lies in the log from before its class was of this kind is removed by whoever may write it.
  if (result.life == document::Life::session && !author.is_here && wish.action != RecordAction::remove) {
    return Error{Outcome::refused, "records of class " + quoted((*of)->name) +
                                       " last as long as their owner's session: join first"};
  }
  auto owner = owner_for(author, wish);
  if (!owner) return owner.error();
  result.change.owner = std::move(*owner);
  if (has_fields(wish.action)) {
    if (auto room = check_room(author, wish, result.life); !room) return room.error();
  }
  return result;
}

// --- Changes --------------------------------------------------------------------------------------------------------

// What is in the log stays there, whatever its class says by now.
bool RecordDesk::lasts(const Checked& checked, std::string_view path) const {
  if (here_.find(path) != nullptr) return false;
  return checked.life == document::Life::disk || floor_.records.board().records().find(path) != nullptr;
}

Result<std::uint64_t> RecordDesk::answer_for(Outcome outcome, std::uint64_t revision, RecordAction action,
                                             const std::string& path) const {
  if (outcome == Outcome::done) return revision;
  return record_refusal(outcome, action, path, find(path));
}

// What is on its way to the log is in no table yet, and what can only be judged by the record as it will be waits for it:
// who may make it anew, or say all of its fields, and whether it is too large then.
bool RecordDesk::has_to_wait(const UnderWay& under_way, const Wish& wish) const {
  if (under_way.count == 0) return false;
  const RecordStatePtr now = find(wish.path);
  if (now == nullptr || wish.action == RecordAction::put) return true;
  const std::uint64_t said = said_bytes_of(wish);
  const std::uint64_t more = said > 0 ? said + defaults_bytes_of(schema_.find(now->record_class)) : 0;
  return more > 0 && now->fields->size_bytes() + under_way.bytes + more > kRecordMax;
}

void RecordDesk::change(const Author& author, Wish wish, Done done) {
  const auto found = under_way_.find(wish.path);
  // Who waits is not overtaken.
  const bool waits =
      found != under_way_.end() && (!found->second.waiting.empty() || has_to_wait(found->second, wish));
  if (!waits) return try_change(author, std::move(wish), std::move(done));
  found->second.waiting.push_back({author, std::move(wish), std::move(done)});
}

void RecordDesk::try_change(const Author& author, Wish wish, Done done) {
  if (const auto known = floor_.records.board().find(wish.op); known && known->record == Record::record)
    return done(answer_for(known->outcome, known->number, wish.action, wish.path));
  if (const auto known = given_.find(wish.op))
    return done(answer_for(known->outcome, known->revision, wish.action, wish.path));
  if (!zones_.has_room() && has_fields(wish.action)) static_cast<void>(make_room());
  auto sound = checked(author, wish);
  if (!sound) return done(sound.error());
  if (sound->life == document::Life::event) {
    tell_event(author, wish, *sound);
    given_.keep(wish.op, {Outcome::done, 0});
    return done(std::uint64_t{0});
  }
  write(author, std::move(wish), std::move(*sound), std::move(done));
}

Operation RecordDesk::operation_for(const Author& author, const Wish& wish,
                                    const RecordChange& change) const {
  Operation operation;
  operation.id = wish.op;
  operation.session = author.session;
  operation.user = author.user;
  operation.timestamp = floor_.clock.wall();
  operation.record = Record::record;
  operation.base = wish.base;
  operation.path = wish.path;
  operation.change = std::make_shared<const RecordChange>(change);
  return operation;
}

void RecordDesk::write(const Author& author, Wish wish, Checked checked, Done done) {
  const bool is_lasting = lasts(checked, wish.path);
  const RecordTable& table = is_lasting ? floor_.records.board().records() : here_;
  const Outcome outcome = table.check(wish.path, wish.base, checked.change, author.session, author.user);
  // What is on its way to the log is not in the table yet.
  const auto before = under_way_.find(wish.path);
  const bool is_last = before == under_way_.end() || before->second.count == 0;
  if (outcome != Outcome::done && is_last)
    return done(record_refusal(outcome, wish.action, wish.path, table.find(wish.path), wish.base));
  Operation operation = operation_for(author, wish, checked.change);
  if (!is_lasting) return done(apply_here(operation, checked));
  operation.value = std::make_shared<const std::string>(print(checked.change));
  const std::uint64_t bytes = under_way_[wish.path].add(checked.change);
  floor_.records.write({.operation = std::move(operation)},
                       [this, path = wish.path, action = wish.action, bytes,
                        done = std::move(done)](const Result<Applied>& applied) {
                         if (applied) {
                           done(answer_for(applied->outcome, applied->number, action, path));
                         } else {
                           done(applied.error());
                         }
                         on_written(path, bytes);
                       });
}

void RecordDesk::on_written(const std::string& path, std::uint64_t bytes) {
  UnderWay& written = under_way_.at(path);
  --written.count;
  written.bytes -= bytes;
  // Answered within the call, as of a disk that takes nothing, the next one is begun by whoever began this one.
  if (std::exchange(written.is_beginning, true)) return;
  while (!written.waiting.empty() && !has_to_wait(written, written.waiting.front().wish)) {
    Waiting next = std::move(written.waiting.front());
    written.waiting.pop_front();
    if (next.begin) {
      next.begin();
    } else if (const auto author = author_now(next.author)) {
      try_change(*author, std::move(next.wish), std::move(next.done));
    } else {
      next.done(author.error());
    }
  }
  written.is_beginning = false;
  if (written.count == 0) under_way_.erase(path);
}

// Who has waited may have left meanwhile, or may less than when they asked.
Result<RecordDesk::Author> RecordDesk::author_now(const Author& then) const {
  if (!then.asker) return then;
  const auto who = outside_.identity(then.asker);
  if (!who) return Error{Outcome::cancelled, quoted(then.user) + " has left"};
  if (auto may = check(who->permissions, Permission::records_write); !may) return may.error();
  return author_of(*who);
}

Result<std::uint64_t> RecordDesk::apply_here(const Operation& operation, const Checked& checked) {
  const RecordStatePtr before = here_.find(operation.path);
  const std::uint64_t revision = ++last_here_;
  const Outcome outcome = here_.apply(revision, operation);
  given_.keep(operation.id, {outcome, revision});
  if (outcome != Outcome::done)
    return answer_for(outcome, revision, operation.change->action, operation.path);
  const RecordStatePtr after = here_.find(operation.path);
  if (checked.life == document::Life::session) {
    if (before != nullptr) of_session_[before->owner.session].erase(operation.path);
    if (after != nullptr) of_session_[after->owner.session].insert(operation.path);
  }
  if (after != nullptr) {
    zones_.set(after, checked.told);
  } else {
    zones_.remove(operation.path);
  }
  if (checked.life == document::Life::session) {
    tell_passing(operation.session);
  } else {
    tell_changes();
  }
  return revision;
}

void RecordDesk::on_applied(const Operation& operation, const Applied& applied) {
  if (applied.outcome != Outcome::done) return;
  if (const auto state = floor_.records.board().records().find(operation.path)) {
    zones_.set(state, told_of(state->record_class));
  } else {
    zones_.remove(operation.path);
  }
  tell_changes();
}

void RecordDesk::tell_event(const Author& author, const Wish& wish, const Checked& checked) {
  RecordState event;
  event.path = wish.path;
  event.record_class = wish.record_class;
  event.owner = checked.change.owner;
  event.by = author.user;
  event.timestamp = floor_.clock.wall();
  event.fields = checked.change.fields;
  if (checked.told != document::Told::none) zones_.tell(finished(std::move(event)));
  tell_passing(author.session);
}

void RecordDesk::tell_changes() {
  for (const SessionId session : zones_.take_due()) outside_.due(session);
}

// What does not outlast its session, like cameras: at once, and then, however often it changes, in its newest state each
// kCameraPeriod. Whoever listens anyway meanwhile hears it then.
void RecordDesk::tell_passing(SessionId author) {
  const Instant now = loop_.now();
  const auto [own, is_first] = passing_.try_emplace(author);
  if (is_first || now - own->second.told >= kCameraPeriod) {
    own->second = {now, false};
    return tell_changes();
  }
  own->second.is_pending = true;
  if (!passing_timer_.is_set()) passing_timer_.set_after(kCameraPeriod);
}

void RecordDesk::tell_pending() {
  for (auto& [author, own] : passing_) {
    if (own.is_pending) own = {loop_.now(), false};
  }
  tell_changes();
}

// --- Sessions -------------------------------------------------------------------------------------------------------

void RecordDesk::forget(SessionId session) {
  passing_.erase(session);
  const auto own = of_session_.extract(session);
  if (!own.empty()) {
    for (const std::string& path : own.mapped()) {
      here_.drop(path);
      zones_.remove(path, true);
    }
  }
  zones_.leave(session);
  tell_changes();
}

// --- Asks -----------------------------------------------------------------------------------------------------------

RecordDesk::Author RecordDesk::author_of(const Identity& who) const {
  Author author{.session = who.id, .user = who.name, .permissions = who.permissions, .asker = who.id};
  if (!who.visit) return author;
  const SessionId own = floor_.presence.find_own(who.name, who.host);
  author.is_here = static_cast<bool>(own);
  if (!own) return author;
  author.session = own;
  // Perhaps with a number: who is shown without one may be somebody else.
  if (const User* user = floor_.presence.user(own)) author.user = user->name;
  return author;
}

void RecordDesk::on_asked(Session& session, protocol::RecordAsk& ask) {
  Wish wish{.op = ask.op,
            .path = std::move(ask.path),
            .action = ask.action,
            .record_class = std::move(ask.record_class),
            .base = ask.base,
            .fields = std::move(ask.fields),
            .to = ask.to};
  change(author_of(session.identity), std::move(wish),
         [this, key = session.key(), id = ask.id](const Result<std::uint64_t>& revision) {
           Session* asker = outside_.by_key(key);
           if (asker == nullptr) return;
           if (!revision) return asker->answer(refusal_of(id, revision.error()));
           asker->answer(protocol::Ok{id, *revision});
         });
}

void RecordDesk::on_read(Session& session, const protocol::RecordsRead& ask) {
  const auto zone = asked_zone(ask.zone);
  if (!zone) return session.answer(refusal_of(ask.id, zone.error().prefixed("zone")));
  const Author author = author_of(session.identity);
  protocol::Records records =
      teller_.records(*zone, ask.after, [&](const RecordState& state) { return may_see(author, state); });
  records.re = ask.id;
  session.answer(std::move(records));
}

void RecordDesk::on_schema(Session& session, const protocol::SchemaAsk& ask) const {
  const auto theirs = document::Schema::from(*ask.schema);
  const auto fits = theirs ? document::check_fits(*theirs, schema_) : Result<void>(theirs.error());
  if (!fits) return session.answer(refusal_of(ask.id, fits.error()));
  session.answer(protocol::Ok{ask.id, std::nullopt});
}

}  // namespace callboard::server
