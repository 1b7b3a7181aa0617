// Who is in which zones, and what they are told there.
#include <string_view>
#include <utility>

#include "server/record_desk.h"

namespace callboard::server {
namespace {

protocol::ErrorAnswer zone_refusal(protocol::AskId re, const Error& why) {
  return {re, why.outcome, why.text};
}

// What it was told of the zone is there no more, for all that it may know.
void tell_no_more(std::vector<protocol::ServerMessage>& errands, std::string zone, std::string why) {
  protocol::Records nothing;
  nothing.zone = std::move(zone);
  nothing.full = true;
  nothing.records = std::make_shared<const std::string>("[]");
  nothing.why = std::move(why);
  // There is room for as many as it can be in: it would take a zone that is silent for one that is quiet.
  if (errands.size() < kErrandsMax + kZonesPerSession) errands.push_back(std::move(nothing));
}

// It is in it again: that it was put out is past.
void forget_no_more(std::vector<protocol::ServerMessage>& errands, const std::string& zone) {
  std::erase_if(errands, [&](const protocol::ServerMessage& each) {
    const auto* told = std::get_if<protocol::Records>(&each);
    return told != nullptr && told->zone == zone && !told->why.empty();
  });
}

}  // namespace

void RecordDesk::take_due(const Identity& who, Mailbox& mailbox,
                          std::vector<protocol::EncodedFrame>& frames) {
  if (!teller_.is_due(mailbox)) return;
  const Author author = author_of(who);
  teller_.take_due({author.session, author.user}, mailbox, frames);
}

void RecordDesk::on_resumed(SessionId session, Mailbox& mailbox) const {
  std::erase_if(mailbox.zones, [&](const ZoneCursor& cursor) {
    const Zones::Zone* zone = zones_.zone(cursor.zone);
    return zone == nullptr || !zone->listeners.contains(session);
  });
  for (ZoneCursor& cursor : mailbox.zones) cursor.events = zones_.zone(cursor.zone)->last_event;
}

// Whoever fills all zones, because records came to be in theirs, keeps nobody else from making some.
bool RecordDesk::make_room() {
  constexpr std::string_view kWhy = "the zones that you are in hold too many records; enter smaller ones";
  const auto put_out = zones_.make_room();
  for (const Zones::PutOut& out : put_out) {
    // Of one that is away this is done when it is back.
    if (Session* session = outside_.by_id(out.session))
      std::erase_if(session->mailbox.zones, [&](const ZoneCursor& each) { return each.zone == out.zone; });
    if (auto* errands = outside_.errands_of(out.session)) tell_no_more(*errands, out.name, std::string(kWhy));
    outside_.due(out.session);
  }
  if (put_out.empty()) return false;
  floor_.events.warn("sessions are in zones no more, which hold too many records",
                     {{"count", put_out.size()}, {"first", to_text(put_out.front().session)}});
  return true;
}

void RecordDesk::on_permitted(Session& session) {
  if (session.is_over()) return;
  const Zones::Seen seen = seen_with(session.identity.permissions);
  std::vector<PathParts> others;
  for (const ZoneCursor& cursor : session.mailbox.zones) {
    const Zones::Zone* zone = zones_.zone(cursor.zone);
    if (zone != nullptr && zone->seen != seen) others.push_back(zone->parts);
  }
  for (const PathParts& zone : others) {
    const SessionId id = session.identity.id;
    static_cast<void>(zones_.exit(id, zone, session.mailbox.zones));  // It is in it.
    const Zones::Listener listener{id, session.identity.origin};
    if (auto entered = zones_.enter(listener, zone, seen, session.mailbox.zones); !entered) {
      floor_.events.warn("a session is in a zone no more",
                         {{"id", to_text(id)}, {"zone", to_path(zone)}, {"cause", entered.error().text}});
      tell_no_more(session.errands, to_path(zone), entered.error().text);
    }
  }
  if (!others.empty()) outside_.due(session.identity.id);
}

// Sorted, as the schema's classes are; nullopt wherever that shows the same, so that they share a zone.
Zones::Seen RecordDesk::seen_with(const Permissions& permissions) const {
  if (permissions.is_all()) return std::nullopt;
  std::vector<std::string> seen;
  for (const auto& [name, each] : schema_.classes()) {
    if (each.enter.empty() || permissions.contains(Permission(each.enter))) seen.push_back(name);
  }
  if (!had_unnamed_ && seen.size() == schema_.classes().size()) return std::nullopt;
  return seen;
}

void RecordDesk::on_enter(Session& session, const protocol::EnterAsk& ask) {
  const auto zone = asked_zone(ask.zone);
  if (!zone) return session.answer(zone_refusal(ask.id, zone.error().prefixed("zone")));
  const auto enter = [&] {
    return zones_.enter({session.identity.id, session.identity.origin}, *zone,
                        seen_with(session.identity.permissions), session.mailbox.zones);
  };
  auto entered = enter();
  if (!entered && !zones_.has_room(kRecordsMax) && make_room()) entered = enter();
  if (!entered) return session.answer(zone_refusal(ask.id, entered.error()));
  forget_no_more(session.errands, to_path(*zone));
  session.answer(protocol::Ok{ask.id, std::nullopt});
  outside_.due(session.identity.id);
}

void RecordDesk::on_exit(Session& session, const protocol::ExitAsk& ask) {
  const auto zone = asked_zone(ask.zone);
  if (!zone) return session.answer(zone_refusal(ask.id, zone.error().prefixed("zone")));
  const auto left = zones_.exit(session.identity.id, *zone, session.mailbox.zones);
  if (!left) return session.answer(zone_refusal(ask.id, left.error()));
  session.answer(protocol::Ok{ask.id, std::nullopt});
}

}  // namespace callboard::server
