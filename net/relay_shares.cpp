#include "net/relay_shares.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace callboard::net {

namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

// --- Bucket ---------------------------------------------------------------------------------------------------------

double RelayShares::Bucket::capacity() const {
  return std::max(static_cast<double>(rate_) * seconds(kBurst), static_cast<double>(kTurnMin));
}

double RelayShares::Bucket::held_at(Instant now) const {
  return std::min(capacity(), held_ + static_cast<double>(rate_) * seconds(now - updated_));
}

void RelayShares::Bucket::set_rate(std::uint64_t bytes_per_second, Instant now) {
  const bool was_limited = rate_ != 0;
  const double held = held_at(now);
  rate_ = bytes_per_second;
  updated_ = now;
  // A debt at the old rate may be minutes at the new one: it is let go.
  held_ = was_limited ? std::clamp(held, 0.0, capacity()) : capacity();
}

Instant RelayShares::Bucket::due(std::uint64_t bytes, Instant now) const {
  // Half a byte: what the arithmetic may be off by must not put off what is due.
  const double missing = static_cast<double>(bytes) - held_at(now) - 0.5;
  if (rate_ == 0 || missing <= 0) return now;
  return now + Duration(static_cast<Duration::rep>(std::ceil(missing * 1e9 / static_cast<double>(rate_))));
}

void RelayShares::Bucket::take(std::uint64_t bytes, Instant now) {
  if (rate_ == 0) return;
  held_ = held_at(now) - static_cast<double>(bytes);
  updated_ = now;
}

// --- Limits ---------------------------------------------------------------------------------------------------------

// A quarter of the smallest burst, so that several pairs have their turn in each.
std::uint64_t RelayShares::turn_bytes() const {
  std::uint64_t bytes = turn_bytes_;
  for (const std::uint64_t rate : {limits_.total, limits_.per_pair}) {
    if (rate == 0) continue;
    const double quarter = static_cast<double>(rate) * seconds(kBurst) / 4;
    bytes = std::min(bytes, std::max(kTurnMin, static_cast<std::uint64_t>(quarter)));
  }
  return bytes;
}

void RelayShares::set_limits(const RelayLimits& limits, Instant now) {
  limits_ = limits;
  total_.set_rate(limits.total, now);
  for (auto& [id, account] : accounts_) {
    account.bucket.set_rate(limits.per_pair, now);
    if (account.place == Place::away) continue;
    leave_line(id, account);
    line_up(id, now);
  }
}

// --- The line -------------------------------------------------------------------------------------------------------

bool RelayShares::is_in_line(Id id) const {
  const auto found = accounts_.find(id);
  return found != accounts_.end() && found->second.place != Place::away;
}

void RelayShares::line_up(Id id, Instant now) {
  const auto [at, is_new] = accounts_.try_emplace(id);
  Account& account = at->second;
  if (is_new) account.bucket.set_rate(limits_.per_pair, now);
  if (account.place != Place::away) return;
  account.due = account.bucket.due(turn_bytes(), now);
  if (account.due > now) {
    account.place = Place::held;
    held_.emplace(account.due, id);
    return;
  }
  account.place = Place::ready;
  account.moved = std::max(account.moved, served_);
  ready_.emplace(account.moved, id);
}

void RelayShares::leave_line(Id id, Account& account) {
  if (account.place == Place::ready) ready_.erase({account.moved, id});
  if (account.place == Place::held) held_.erase({account.due, id});
  account.place = Place::away;
}

void RelayShares::release_held(Instant now) {
  while (!held_.empty() && held_.begin()->first <= now) {
    const Id id = held_.begin()->second;
    leave_line(id, accounts_.at(id));
    line_up(id, now);
  }
}

std::optional<RelayShares::Turn> RelayShares::next(Instant now) {
  release_held(now);
  const std::uint64_t bytes = turn_bytes();
  if (ready_.empty() || total_.due(bytes, now) > now) return std::nullopt;
  const auto [moved, id] = *ready_.begin();
  served_ = moved;
  leave_line(id, accounts_.at(id));
  return Turn{id, bytes};
}

void RelayShares::moved(Id id, std::uint64_t bytes, Instant now) {
  total_.take(bytes, now);
  const auto found = accounts_.find(id);
  if (found == accounts_.end()) return;  // It ended in its turn.
  found->second.moved += bytes;
  found->second.bucket.take(bytes, now);
}

void RelayShares::forget(Id id) {
  const auto found = accounts_.find(id);
  if (found == accounts_.end()) return;
  leave_line(id, found->second);
  accounts_.erase(found);
}

std::optional<Instant> RelayShares::next_due(Instant now) const {
  if (ready_.empty() && held_.empty()) return std::nullopt;
  const Instant anyone = ready_.empty() ? std::max(now, held_.begin()->first) : now;
  return std::max(anyone, total_.due(turn_bytes(), now));
}

}  // namespace callboard::net
