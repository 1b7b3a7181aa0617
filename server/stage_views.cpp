#include "server/stage_views.h"

#include <memory>
#include <utility>
#include <vector>

namespace callboard::server {
namespace {

// A session that began or ended, and whom somebody muted, is worth keeping at once.
constexpr Duration kBookAtOnce = 0ms;

std::vector<Session*> called(const std::unordered_map<std::uint64_t, std::unique_ptr<Session>>& sessions,
                             const std::string& name) {
  std::vector<Session*> found;
  for (const auto& [key, session] : sessions) {
    if (session->is_admitted() && !session->is_over() && session->identity.name == name)
      found.push_back(session.get());
  }
  return found;
}

}  // namespace

People::Outside Stage::Views::of_people(Stage& stage) {
  return {.for_each =
              [&stage](const std::function<void(Session&)>& visit) {
                for (const auto& [key, session] : stage.sessions_) visit(*session);
              },
          .end_away = [&stage](const std::function<bool(const Identity&)>& is_meant,
                               const Error& why) { stage.end_away(is_meant, why); },
          .is_away =
              [&stage](const std::function<bool(const Identity&)>& is_meant) {
                return stage.away_.contains_if(is_meant);
              },
          .append =
              [&stage](Operation operation, std::function<void(bool is_written)> done) {
                stage.records_.write({.operation = std::move(operation)},
                                     [&stage, done = std::move(done)](const Result<Applied>& applied) {
                                       if (!applied) {
                                         stage.events_.warn("an entry of the audit is not written down",
                                                            {{"cause", applied.error().text}});
                                       }
                                       done(applied.has_value());
                                     });
              },
          .changed = [&stage] { stage.book_.on_change(kBookAtOnce); },
          .keyed =
              [&stage] {
                if (stage.options_.on_keyed) stage.options_.on_keyed();
              },
          .permitted = [&stage](Session& session) { stage.record_desk_.on_permitted(session); }};
}

PingDesk::Outside Stage::Views::of_pings(Stage& stage) {
  return {.keys =
              [&stage] {
                std::vector<std::uint64_t> keys;
                for (const auto& [id, key] : stage.keys_) {
                  if (const Session* each = stage.by_key(key); each->is_joined() && !each->identity.visit)
                    keys.push_back(key);
                }
                return keys;
              },
          .ping =
              [&stage](std::uint64_t key) {
                Session* session = stage.by_key(key);
                if (session == nullptr || !session->may_tell()) return false;
                session->ping();
                return true;
              }};
}

Records::Handlers Stage::Views::of_records(Stage& stage) {
  return {.on_change = [&stage] { stage.on_records_changed(); },
          .on_record =
              [&stage](const Operation& operation, const Applied& applied) {
                stage.record_desk_.on_applied(operation, applied);
                stage.locks_.on_applied(operation.path);
              },
          .on_conflict = [&stage](const Conflict& conflict) { stage.documents_.on_conflict(conflict); },
          .on_writable = [&stage](const Error* why) { stage.on_writable(why); }};
}

TransferDesk::Outside Stage::Views::of_transfers(Stage& stage) {
  return {.connection = [&stage](std::uint64_t key) { return stage.by_key(key); },
          .released = [&stage](Session& connection) { stage.on_closed(connection); },
          .tell = [&stage](SessionId id,
                           const protocol::TransferOver& over) { stage.on_transfer_over(id, over); }};
}

DocumentDesk::Outside Stage::Views::of_documents(Stage& stage) {
  return {.by_key = [&stage](std::uint64_t key) { return stage.by_key(key); },
          .by_id = [&stage](SessionId id) { return stage.by_id(id); },
          .errands_of = [&stage](SessionId id) { return stage.errands_of(id); },
          .due = [&stage](std::uint64_t key) { stage.schedule_tell(key); }};
}

RecordDesk::Outside Stage::Views::of_record_desk(Stage& stage) {
  return {.by_key = [&stage](std::uint64_t key) { return stage.by_key(key); },
          .by_id = [&stage](SessionId id) { return stage.by_id(id); },
          .due =
              [&stage](SessionId id) {
                if (const Session* listener = stage.by_id(id)) stage.schedule_tell(listener->key());
              },
          .identity = [&stage](SessionId id) { return stage.identity_of(id); },
          .errands_of = [&stage](SessionId id) { return stage.errands_of(id); },
          .zone_limits = stage.options_.zones};
}

AskDesk::Outside Stage::Views::of_asks(Stage& stage) {
  return {.by_key = [&stage](std::uint64_t key) { return stage.by_key(key); },
          .by_id = [&stage](SessionId id) { return stage.by_id(id); },
          .named = [&stage](const std::string& name) { return called(stage.sessions_, name); },
          .changed = [&stage] { stage.schedule_tells(); },
          .kept = [&stage](std::function<void()> then) { stage.book_.on_written_now(std::move(then)); },
          .counts = [&stage] { return stage.counts(); },
          .due = [&stage](std::uint64_t key) { stage.schedule_tell(key); },
          .audited =
              [&stage](std::function<void()> then) { stage.people_.audit().when_written(std::move(then)); },
          .locks = stage.options_.locks};
}

}  // namespace callboard::server
