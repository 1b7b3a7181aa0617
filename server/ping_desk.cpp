#include "server/ping_desk.h"

#include <algorithm>
#include <utility>

#include "base/document/build.h"

namespace callboard::server {

PingDesk::PingDesk(net::Loop& loop, Outside outside, Duration patience)
    : outside_(std::move(outside)), patience_(patience), timer_(loop, [this] { on_time(); }) {}

void PingDesk::begin(std::shared_ptr<CallRun> run) {
  runs_.push_back(std::move(run));
  if (runs_.size() > 1) return;
  due_ = outside_.keys();
  busy_.clear();
  is_second_try_ = false;
  ask_some();
}

void PingDesk::ask_some() {
  for (std::size_t i = 0; i < kPingsAtOnce && !due_.empty(); ++i) {
    const std::uint64_t key = due_.back();
    due_.pop_back();
    // Before it is asked: its answer may be here when that returns.
    asked_.insert(key);
    if (outside_.ping(key)) continue;
    asked_.erase(key);
    if (!is_second_try_) busy_.push_back(key);
  }
  if (due_.empty() && !busy_.empty()) {
    due_ = std::exchange(busy_, {});
    is_second_try_ = true;
    return timer_.set_after(kPingPause);
  }
  if (due_.empty() && asked_.empty()) return finish();
  timer_.set_after(due_.empty() ? patience_ : kPingPause);
}

void PingDesk::on_time() {
  if (!due_.empty()) return ask_some();
  silent_ = asked_.size();
  finish();
}

void PingDesk::on_round_trip(std::uint64_t key, std::chrono::microseconds took) {
  if (asked_.erase(key) == 0) return;
  took_us_.push_back(took.count());
  if (due_.empty() && asked_.empty()) finish();
}

void PingDesk::forget(std::uint64_t key) {
  if (asked_.erase(key) == 1 && due_.empty() && asked_.empty()) finish();
}

void PingDesk::finish() {
  timer_.cancel();
  due_.clear();
  asked_.clear();
  auto took_us = std::exchange(took_us_, {});
  std::ranges::sort(took_us);
  document::Object answer{{"answered", document::make_number(took_us.size())},
                          {"silent", document::make_number(std::exchange(silent_, 0))}};
  if (!took_us.empty()) {
    answer.push_back({"median_us", document::make_number(took_us[took_us.size() / 2])});
    answer.push_back({"longest_us", document::make_number(took_us.back())});
  }
  const auto value = document::make_value(std::move(answer));
  for (const auto& run : std::exchange(runs_, {})) run->answer(value);
}

void PingDesk::add_call(CallRegistry& registry) {
  registry.add_built_in(
      {.description = {.name = "ping.users",
                       .summary = "asks everybody for a sign of life, and how long that takes; see users",
                       .category = "server",
                       .permission = "services",
                       .result = ValueType::map},
       .run = LaterRun([this](const Caller&, const CallArguments&, std::shared_ptr<CallRun> run) {
         begin(std::move(run));
       })});
}

}  // namespace callboard::server
