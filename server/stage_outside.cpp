#include <utility>

#include "server/stage.h"

// What those who work for the stage need of it.
namespace callboard::server {
namespace {

// A session that began or ended, and whom somebody muted, is worth keeping at once.
constexpr Duration kBookAtOnce = 0ms;

}  // namespace

People::Outside Stage::outside_of_people() {
  return {
      .for_each =
          [this](const std::function<void(Session&)>& visit) {
            for (const auto& [key, session] : sessions_) visit(*session);
          },
      .end_away = [this](const std::function<bool(const Identity&)>& is_meant,
                         const Error& why) { end_away(is_meant, why); },
      .is_away =
          [this](const std::function<bool(const Identity&)>& is_meant) {
            return away_.contains_if(is_meant);
          },
      .append =
          [this](Operation operation, std::function<void()> done) {
            records_.write({.operation = std::move(operation)}, [this, done = std::move(done)](
                                                                    const Result<Applied>& applied) {
              if (!applied) {
                events_.warn("an entry of the audit is not written down", {{"cause", applied.error().text}});
              }
              done();
            });
          },
      .changed = [this] { book_.on_change(kBookAtOnce); },
      .keyed =
          [this] {
            if (options_.on_keyed) options_.on_keyed();
          }};
}

PingDesk::Outside Stage::outside_of_pings() {
  return {.keys =
              [this] {
                std::vector<std::uint64_t> keys;
                for (const auto& [id, key] : keys_) {
                  if (const Session* each = by_key(key); each->is_joined() && !each->identity.visit)
                    keys.push_back(key);
                }
                return keys;
              },
          .ping =
              [this](std::uint64_t key) {
                Session* session = by_key(key);
                if (session == nullptr || !session->may_tell()) return false;
                session->ping();
                return true;
              }};
}

}  // namespace callboard::server
