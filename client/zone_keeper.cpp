#include "client/zone_keeper.h"

#include <utility>

#include "base/document/schema.h"

namespace callboard::client {
ZoneKeeper::ZoneKeeper(SessionKeeper& session, Listener& listener, std::string schema)
    : session_(session), listener_(listener), schema_(std::move(schema)) {
  if (schema_.empty()) return;
  if (const auto own = document::Schema::from(schema_)) hash_ = own->hash();
}

void ZoneKeeper::on_asked(const protocol::ClientMessage& ask) {
  const auto* exit = std::get_if<protocol::ExitAsk>(&ask);
  const auto left = exit == nullptr ? zones_.end() : zones_.find(exit->zone);
  if (left != zones_.end()) left->second.is_left = true;
  if (const auto* enter = std::get_if<protocol::EnterAsk>(&ask)) zones_[enter->zone];
}

// not_found of one that it was in: left with the session of before, or asked twice because the answer was lost.
Result<bool> ZoneKeeper::on_exited(const std::string& name, const Result<bool>& exited) {
  const bool is_out = exited || exited.error().outcome == Outcome::not_found;
  if (!is_out) {
    const auto still = zones_.find(name);
    if (still == zones_.end() || !std::exchange(still->second.is_left, false)) return exited;
    // A join since then did not ask for it, and whether the server heard of it nobody says.
    if (still->second.is_entered && session_.is_joined()) enter_again(name);
    return exited;
  }
  const auto left = zones_.extract(name);
  return !left.empty() && left.mapped().is_entered ? Result<bool>(true) : exited;
}

void ZoneKeeper::on_entered(const std::string& name, RecordHandler handler) {
  Zone& zone = zones_[name];
  zone.handler = std::move(handler);
  zone.is_entered = true;
  zone.is_left = false;
  if (const auto known = zone.known.all(name)) tell(zone, *known);
}

void ZoneKeeper::tell(const Zone& zone, const RecordNews& news) {
  if (zone.handler) {
    zone.handler(news);
  } else {
    listener_.on_records(news);
  }
}

void ZoneKeeper::on_joined(std::function<void()> fits) {
  check_schema(fits);
  for (const auto& [name, zone] : zones_) {
    if (!zone.is_entered || zone.is_left) continue;
    enter_again(name);
  }
}

void ZoneKeeper::enter_again(const std::string& name) {
  protocol::EnterAsk ask;
  ask.zone = name;
  session_.ask(std::move(ask), [this, name](const Result<protocol::ServerMessage>& reply) {
    if (reply || reply.error().outcome == Outcome::interrupted) return;
    if (reply.error().outcome != Outcome::timed_out)
      return listener_.on_warning("zone " + name + ": " + reply.error().text);
    // Late, or lost with a connection of which nobody knows yet that it is: the next join asks, too.
    const auto zone = zones_.find(name);
    const bool is_wanted = zone != zones_.end() && zone->second.is_entered && !zone->second.is_left;
    if (is_wanted && session_.is_joined()) enter_again(name);
  });
}

void ZoneKeeper::check_schema(const std::function<void()>& fits) {
  if (schema_.empty() || (servers_schema_ && servers_schema_ == hash_)) return fits();
  protocol::SchemaAsk ask;
  ask.schema = std::make_shared<const std::string>(schema_);
  session_.ask(std::move(ask), [this, fits](const Result<protocol::ServerMessage>& reply) {
    if (reply) return fits();
    const Outcome outcome = reply.error().outcome;
    // Late; what is lost with the connection the next join asks again.
    if (outcome == Outcome::timed_out && session_.is_joined()) return check_schema(fits);
    // Anything else says nothing of the schema.
    if (outcome != Outcome::refused && outcome != Outcome::usage) return;
    session_.give_up(reply.error().prefixed("the server's schema"));
  });
}

void ZoneKeeper::on_told(const protocol::Records& told) {
  const auto zone = zones_.find(told.zone);
  if (zone == zones_.end()) return;  // Left meanwhile.
  const auto news = zone->second.known.hear(told);
  if (!told.why.empty()) listener_.on_warning("zone " + told.zone + ": " + told.why);
  if (!news) return listener_.on_warning(news.error().text);
  if (*news && zone->second.is_entered) tell(zone->second, **news);
  // Put out of it: entered again when somebody asks for that.
  if (!told.why.empty()) zone->second.is_entered = false;
}

}  // namespace callboard::client
