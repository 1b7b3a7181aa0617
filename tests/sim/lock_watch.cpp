#include "tests/sim/lock_watch.h"

namespace callboard::sim {
namespace {

// The server may have noticed kSilenceLimit before the client that the connection was lost.
constexpr Duration kSureGrace = kGrace - kSilenceLimit - 5s;
// What a program has asked for before it ended may come so much later: the longest sleep of a machine, and the way.
constexpr Duration kUnderWay = 90s;

}  // namespace

bool LockWatch::is_sure(const Claim& claim) const {
  return !claim.lost_at || World::get().now() - *claim.lost_at < kSureGrace;
}

void LockWatch::on_granted(const Grant& grant) {
  grants_.push_back(grant);
  const bool is_doubtful = freeing_[grant.item] > 0 || World::get().now() < unsure_until_[grant.item];
  if (is_doubtful) return;
  const auto other = claims_.find(grant.item);
  // Who has the name of who has it may have it, too.
  const bool is_others = other != claims_.end() && other->second.grant.user != grant.user &&
                         other->second.grant.session != grant.session && is_sure(other->second);
  if (is_others) {
    testimony_.violations.push_back(grant.item + " is locked by " + grant.user + " and by " +
                                    other->second.grant.user);
  }
  claims_[grant.item] = {grant, {}};
}

void LockWatch::on_freeing(const std::string& item) {
  claims_.erase(item);
  ++freeing_[item];
}

void LockWatch::on_freed(const std::string& item) { --freeing_[item]; }

void LockWatch::on_freeing_forgotten(const std::string& item) {
  --freeing_[item];
  unsure_until_[item] = World::get().now() + kUnderWay;
}

void LockWatch::on_lost(SessionId session) {
  for (auto& [item, claim] : claims_) {
    if (claim.grant.session == session && !claim.lost_at) claim.lost_at = World::get().now();
  }
}

void LockWatch::on_joined(const Machine& machine, SessionId session) {
  std::erase_if(claims_, [&](const auto& each) {
    return each.second.grant.machine == &machine && each.second.grant.session != session;
  });
  for (auto& [item, claim] : claims_) {
    if (claim.grant.session == session) claim.lost_at.reset();
  }
}

void LockWatch::on_over(const Machine& machine) {
  std::erase_if(claims_, [&](const auto& each) { return each.second.grant.machine == &machine; });
}

void LockWatch::on_trouble(const Machine* machine) {
  if (machine == nullptr) return claims_.clear();
  on_over(*machine);
}

}  // namespace callboard::sim
