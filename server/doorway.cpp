#include "server/doorway.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::server {

Doorway::Doorway(Limits limits, EventLog& events, Memory memory)
    : limits_(limits), events_(events), memory_(std::move(memory)) {}

Result<Doorway::Place> Doorway::come(const net::Endpoint& peer, Instant now) {
  const std::string network = net::network_of(peer.host);
  const auto known = addresses_.find(network);
  if (const auto why = why_not(known == addresses_.end() ? Counts{} : known->second, peer, now)) {
    note_turned_away(*why, peer, now);
    // Not "refused", after which a workstation would not come again by itself.
    return Error{Outcome::failed, "the server lets nobody in now: " + *why};
  }
  auto& address = known == addresses_.end() ? *addresses_.emplace(network, Counts{}).first : *known;
  for (Counts* counts : {&all_, &address.second}) {
    ++counts->connections;
    ++counts->unadmitted;
  }
  return Place{&address, false};
}

std::optional<std::string> Doorway::why_not(const Counts& address, const net::Endpoint& peer, Instant now) {
  if (!shut_.empty()) return shut_;
  if (all_.connections >= limits_.connections)
    return fmt::format("it has {} connections, which is its limit", limits_.connections);
  if (address.connections >= limits_.per_address)
    return fmt::format("{} has {} connections, the limit for one address", peer.host, limits_.per_address);
  if (all_.unadmitted >= limits_.unadmitted)
    return fmt::format("{} connections wait to be let in, which is its limit", limits_.unadmitted);
  if (address.unadmitted >= limits_.unadmitted_per_address)
    return fmt::format("{} has {} connections that wait to be let in, the limit for one address", peer.host,
                       limits_.unadmitted_per_address);
  if (is_memory_short(now))
    return fmt::format("it takes more than {} of memory, which is its limit",
                       human_bytes(limits_.memory_bytes));
  return std::nullopt;
}

bool Doorway::is_memory_short(Instant now) {
  if (limits_.memory_bytes == 0) return false;
  if (!looked_ || now - *looked_ >= kMemoryLookPeriod) look_at_memory(now);
  return is_memory_short_;
}

// Most of it may be free, kept by the allocator between what is in use: nothing else would give that back, and nobody would be
// let in again.
void Doorway::look_at_memory(Instant now) {
  looked_ = now;
  const std::uint64_t resident = memory_.resident_bytes();
  const bool was_short = std::exchange(is_memory_short_, resident > limits_.memory_bytes);
  if (was_short && !is_memory_short_) note_memory_again(resident, now);
  if (is_memory_short_) return give_memory_back(now);
  give_back_pause_ = kMemoryGivenBackPeriod;
  give_back_from_ = std::min(give_back_from_, now + give_back_pause_);
}

void Doorway::give_memory_back(Instant now) {
  if (now < give_back_from_) return;
  give_back_from_ = now + give_back_pause_;
  // Until it helps.
  give_back_pause_ = std::min<Duration>(2 * give_back_pause_, kMemoryGivenBackPeriodMax);
  memory_.give_back();
}

void Doorway::note_memory_again(std::uint64_t resident_bytes, Instant now) {
  if (logged_again_ && now - *logged_again_ < kTurnedAwayLogPeriod) return;
  logged_again_ = now;
  events_.info("there is memory again, people are let in", {{"bytes", resident_bytes}});
}

void Doorway::note_turned_away(const std::string& why, const net::Endpoint& peer, Instant now) {
  ++turned_away_;
  if (logged_ && now - *logged_ < kTurnedAwayLogPeriod) return;
  logged_ = now;
  events_.warn("turned away",
               {{"peer", net::to_text(peer)}, {"count", std::exchange(turned_away_, 0)}, {"cause", why}});
}

void Doorway::admit(Place& place) {
  if (place.address == nullptr || std::exchange(place.is_session, true)) return;
  --all_.unadmitted;
  --place.address->second.unadmitted;
}

void Doorway::leave(Place& place) {
  auto* address = std::exchange(place.address, nullptr);
  if (address == nullptr) return;
  for (Counts* counts : {&all_, &address->second}) {
    ENSURE(counts->connections > 0);
    --counts->connections;
    if (!place.is_session) --counts->unadmitted;
  }
  if (address->second.connections == 0) addresses_.erase(addresses_.find(address->first));
}

}  // namespace callboard::server
