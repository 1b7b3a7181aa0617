#include "client/zone_keeper.h"

#include <utility>

namespace callboard::client {

void ZoneKeeper::on_joined() {
  for (const auto& [zone, known] : zones_) {
    protocol::EnterAsk ask;
    ask.zone = zone;
    session_.ask(std::move(ask), [this, name = zone](const Result<protocol::ServerMessage>& reply) {
      if (reply || reply.error().outcome == Outcome::interrupted) return;
      listener_.on_warning("zone " + name + ": " + reply.error().text);
    });
  }
}

void ZoneKeeper::on_told(const protocol::Records& told) {
  const auto zone = zones_.find(told.zone);
  if (zone == zones_.end()) return;  // Left meanwhile.
  const auto news = zone->second.hear(told);
  if (!news) return listener_.on_warning(news.error().text);
  if (*news) listener_.on_records(**news);
}

}  // namespace callboard::client
