#include "client/under_way.h"

#include <utility>

#include "base/limits.h"

namespace callboard::client {

UnderWay::UnderWay(net::Loop& loop, std::function<void(protocol::WorkingAsk)> say)
    : say_(std::move(say)), timer_(loop, [this] { say_working(); }) {}

void UnderWay::give(protocol::TransferId transfer, Giving giving) {
  gives_[transfer] = giving;
  note_begun();
}

void UnderWay::take(protocol::TransferId transfer) {
  takes_.insert(transfer);
  note_begun();
}

std::optional<UnderWay::Giving> UnderWay::end(protocol::TransferId transfer) {
  takes_.erase(transfer);
  const auto given = gives_.extract(transfer);
  return given.empty() ? std::nullopt : std::optional(given.mapped());
}

void UnderWay::clear() {
  gives_.clear();
  takes_.clear();
}

void UnderWay::note_begun() {
  if (!timer_.is_set()) timer_.set_after(kWorkingPeriod);
}

void UnderWay::say_working() {
  protocol::WorkingAsk ask;
  for (const auto& [transfer, giving] : gives_) ask.transfers.push_back(transfer);
  ask.transfers.insert(ask.transfers.end(), takes_.begin(), takes_.end());
  if (ask.transfers.empty()) return;
  // A server lets nobody have more.
  if (ask.transfers.size() > kTransfersPerSession) ask.transfers.resize(kTransfersPerSession);
  say_(std::move(ask));
  timer_.set_after(kWorkingPeriod);
}

}  // namespace callboard::client
