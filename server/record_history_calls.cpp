#include "server/record_history_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/document/build.h"
#include "base/document/parse.h"
#include "base/text.h"
#include "server/board/record_history.h"
#include "server/lock_check.h"

namespace callboard::server {
namespace {

using document::make_number;
using document::make_text;
using RunPtr = std::shared_ptr<CallRun>;

constexpr std::int64_t kRevisionsMax = 200;
// Of one answer: half of what a result may be, so that the last one that is listed still fits.
constexpr std::uint64_t kListingBytes = 512 * KiB;

document::ValuePtr value_of(const RecordRevision& revision) {
  const RecordChange& change = *revision.change;
  document::Object object{
      {"revision", make_number(revision.number)},        {"user", make_text(revision.user)},
      {"session", make_text(to_text(revision.session))}, {"timestamp", make_number(revision.timestamp.ms)},
      {"do", make_text(to_text(change.action))},         {"stands", document::make_bool(revision.stands)}};
  if (revision.base != 0) object.push_back({"base", make_number(revision.base)});
  if (!change.record_class.empty()) object.push_back({"class", make_text(change.record_class)});
  if (change.action == RecordAction::give) object.push_back({"to", make_text(change.owner.user)});
  if (change.fields != nullptr) object.push_back({"fields", change.fields});
  return document::make_value(std::move(object));
}

document::ValuePtr value_of(const RecordListing& listing) {
  document::Array revisions;
  std::uint64_t size_bytes = 0;
  bool is_more = listing.is_more;
  for (const RecordRevision& each : listing.revisions) {
    is_more = is_more || size_bytes > kListingBytes;
    if (size_bytes > kListingBytes) break;
    revisions.push_back(value_of(each));
    size_bytes += revisions.back()->size_bytes();
  }
  return document::make_object(
      {{"revisions", document::make_array(std::move(revisions))}, {"more", document::make_bool(is_more)}});
}

Error not_seen(const std::string& path) {
  return {Outcome::not_found, "nothing is known of a record " + quoted(path)};
}

// Of one who may see the record as it was, and as it is.
bool may_see_version(const RecordDesk& desk, const RecordDesk::Author& who, const RecordState& was) {
  const RecordStatePtr now = desk.find(was.path);
  return desk.may_see(who, was) && (now == nullptr || desk.may_see(who, *now));
}

void list(Floor& floor, const RecordDesk& desk, const RecordDesk::Author& who, RecordQuery query,
          const RunPtr& run) {
  const std::string path = query.path;
  floor.records.read_history(
      [query = std::move(query)](History& history) { return record_history(history, query); },
      [&desk, who, path, run](const Result<RecordListing>& listing) {
        if (!listing) return run->answer(listing.error());
        const RecordStatePtr now = desk.find(path);
        const RecordStatePtr& known = now != nullptr ? now : listing->last;
        if (known == nullptr || !desk.may_see(who, *known)) return run->answer(not_seen(path));
        run->answer(value_of(*listing));
      });
}

void show(Floor& floor, const RecordDesk& desk, const RecordDesk::Author& who, const std::string& path,
          std::uint64_t number, const RunPtr& run) {
  floor.records.read_history(
      [path, number](History& history) { return record_version(history, path, number); },
      [&desk, who, path, run](const Result<RecordStatePtr>& state) {
        if (!state) return run->answer(state.error());
        if (!may_see_version(desk, who, **state)) return run->answer(not_seen(path));
        run->answer_json((*state)->told);
      });
}

// Those that somebody says: what was computed by then is the server's.
document::ValuePtr without_computed(const document::RecordClass* of, const document::ValuePtr& fields) {
  document::Object said = *fields->object();
  std::erase_if(said, [of](const document::Member& each) {
    const document::Field* field = of == nullptr ? nullptr : of->find(each.key);
    return field != nullptr && field->computed;
  });
  return document::make_value(std::move(said));
}

// By the door of every change, which sees to it that nobody writes what they may not.
void restore(const RestoreOutside& outside, const RecordDesk::Author& who, const RecordState& was,
             const RunPtr& run) {
  RecordDesk::Wish wish;
  wish.op = run->op().value_or(make_operation_id(outside.floor.clock.wall(), system_random()));
  wish.path = was.path;
  wish.action = RecordAction::put;
  wish.record_class = was.record_class;
  wish.values = without_computed(outside.schema.find(was.record_class), was.fields);
  outside.records.change(who, std::move(wish), [run](const Result<std::uint64_t>& revision) {
    run->answer(revision ? CallValue(make_number(*revision)) : CallValue(revision.error()));
  });
}

Result<void> check_restore(const RestoreOutside& outside, const Caller& caller, const std::string& path) {
  // What it was is read on the way.
  if (auto may = check(caller.identity.permissions, Permission::pull); !may) return may;
  if (outside.locks != LockPolicy::refuse) return {};
  protocol::RecordAsk ask;
  ask.path = path;
  return check_locks(outside.records, outside.records.author_of(caller.identity),
                     protocol::ClientMessage(std::move(ask)), outside.floor.clock.wall());
}

CallArgument path_argument() { return {.name = "path", .type = ValueType::item, .summary = "of the record"}; }

}  // namespace

void add_record_history_calls(CallRegistry& registry, Floor& floor, const RecordDesk& records) {
  registry.add_built_in(
      {{.name = "record.history",
        .summary = "who did what to a record that lasts, newest first",
        .category = "records",
        .permission = "pull",
        .arguments =
            {path_argument(),
             {.name = "count",
              .type = ValueType::integer,
              .summary = "at most so many, 1-200",
              .fallback = make_number(20)},
             {.name = "before",
              .type = ValueType::integer,
              .summary = "only revisions below that",
              .is_optional = true},
             {.name = "since", .type = ValueType::time, .summary = "only from then on", .is_optional = true}},
        .result = ValueType::map},
       LaterRun([&](const Caller& caller, const CallArguments& arguments, RunPtr run) {
         RecordQuery query{.path = arguments.text("path"), .since = Timestamp{arguments.integer("since")}};
         query.before = static_cast<std::uint64_t>(std::max<std::int64_t>(0, arguments.integer("before")));
         query.count =
             static_cast<std::size_t>(std::clamp<std::int64_t>(arguments.integer("count"), 1, kRevisionsMax));
         list(floor, records, records.author_of(caller.identity), std::move(query), std::move(run));
       })});
  registry.add_built_in(
      {{.name = "record.version",
        .summary = "a record as it was by one of its revisions",
        .category = "records",
        .permission = "pull",
        .arguments = {path_argument(), {.name = "revision", .type = ValueType::integer}},
        .result = ValueType::map},
       LaterRun([&](const Caller& caller, const CallArguments& arguments, const RunPtr& run) {
         const std::int64_t number = std::max<std::int64_t>(0, arguments.integer("revision"));
         show(floor, records, records.author_of(caller.identity), arguments.text("path"),
              static_cast<std::uint64_t>(number), run);
       })});
}

void add_record_restore_call(CallRegistry& registry, RestoreOutside outside) {
  registry.add_built_in(
      {{.name = "record.restore",
        .summary = "a record again as it was by one of its revisions, in a new one",
        .category = "records",
        .permission = "records.write",
        .arguments = {path_argument(), {.name = "revision", .type = ValueType::integer}},
        .result = ValueType::integer},
       LaterRun([outside](const Caller& caller, const CallArguments& arguments, const RunPtr& run) {
         const std::string path = arguments.text("path");
         if (auto may = check_restore(outside, caller, path); !may) return run->answer(may.error());
         const auto number =
             static_cast<std::uint64_t>(std::max<std::int64_t>(0, arguments.integer("revision")));
         outside.floor.records.read_history(
             [path, number](History& history) { return record_version(history, path, number); },
             [outside, path, run,
              who = outside.records.author_of(caller.identity)](const Result<RecordStatePtr>& was) {
               if (!was) return run->answer(was.error());
               if (!may_see_version(outside.records, who, **was)) return run->answer(not_seen(path));
               if (run->is_over()) return;
               run->set_committing();
               restore(outside, who, **was, run);
             });
       })});
}

}  // namespace callboard::server
