#include "client/zone_keeper.h"

#include <utility>

#include "base/document/schema.h"

namespace callboard::client {
ZoneKeeper::ZoneKeeper(net::Loop& loop, SessionKeeper& session, Listener& listener, std::string schema)
    : session_(session),
      listener_(listener),
      schema_(std::move(schema)),
      pause_(loop, [this] { ask_late(); }) {
  if (schema_.empty()) return;
  if (const auto own = document::Schema::from(schema_)) hash_ = own->hash();
}

void ZoneKeeper::on_asked(const protocol::ClientMessage& ask) {
  const auto* exit = std::get_if<protocol::ExitAsk>(&ask);
  const auto left = exit == nullptr ? zones_.end() : zones_.find(exit->zone);
  if (left != zones_.end()) ++left->second.exits;
  if (const auto* enter = std::get_if<protocol::EnterAsk>(&ask)) zones_[enter->zone];
}

// not_found of one that it was in: left with the session of before, or asked twice because the answer was lost.
Result<bool> ZoneKeeper::on_exited(const std::string& name, const Result<bool>& exited) {
  const bool is_out = exited || exited.error().outcome == Outcome::not_found;
  if (const auto zone = zones_.find(name); zone != zones_.end() && zone->second.exits > 0) {
    --zone->second.exits;
    // A join since then did not ask for it, and whether the server heard of it nobody says. After another exit it says so.
    const bool is_unknown = !is_out && zone->second.exits == 0 && zone->second.is_entered;
    if (is_unknown && session_.is_joined()) enter_again(name);
  }
  if (!is_out) return exited;
  const auto left = zones_.extract(name);
  return !left.empty() && left.mapped().is_entered ? Result<bool>(true) : exited;
}

void ZoneKeeper::on_entered(const std::string& name, RecordHandler handler) {
  Zone& zone = zones_[name];
  zone.handler = std::move(handler);
  zone.is_entered = true;
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
  pause_.cancel();
  late_.clear();
  is_schema_late_ = false;
  fits_ = std::move(fits);
  check_schema();
  for (const auto& [name, zone] : zones_) {
    if (!zone.is_entered || zone.exits > 0) continue;
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
    if (!session_.is_joined()) return;
    late_.insert(name);
    if (!pause_.is_set()) pause_.set_after(kPause);
  });
}

void ZoneKeeper::ask_late() {
  if (!session_.is_joined()) return;
  if (std::exchange(is_schema_late_, false)) check_schema();
  for (const std::string& name : std::exchange(late_, {})) {
    const auto zone = zones_.find(name);
    if (zone != zones_.end() && zone->second.is_entered && zone->second.exits == 0) enter_again(name);
  }
}

void ZoneKeeper::check_schema() {
  const auto fit = [this] {
    if (const auto fits = std::exchange(fits_, {})) fits();
  };
  if (schema_.empty() || (servers_schema_ && servers_schema_ == hash_)) return fit();
  protocol::SchemaAsk ask;
  ask.schema = std::make_shared<const std::string>(schema_);
  session_.ask(std::move(ask), [this, fit](const Result<protocol::ServerMessage>& reply) {
    if (reply) return fit();
    const Outcome outcome = reply.error().outcome;
    // Late; what is lost with the connection the next join asks again.
    if (outcome == Outcome::timed_out && session_.is_joined()) {
      is_schema_late_ = true;
      if (!pause_.is_set()) pause_.set_after(kPause);
      return;
    }
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
