// Waiting for a lock.
#include <algorithm>
#include <utility>

#include "base/document/build.h"
#include "server/lock_check.h"
#include "server/lock_desk.h"
#include "server/own_records.h"

namespace callboard::server {
namespace {

// Of those who wait, so many are named to everybody: it is written down with each who comes or goes.
constexpr std::size_t kWaitingTold = 32;

}  // namespace

void LockDesk::wait_for(InTheWay other, Wanted wanted) {
  const auto queue = waiting_.find(other.path);
  const bool is_full = queue != waiting_.end() && queue->second.size() >= kWaitingMax;
  if (!wanted.waits || is_full) return wanted.run->answer(std::move(other.why));
  wait(other.path, std::move(wanted));
}

void LockDesk::wait(const std::string& path, Wanted wanted) {
  wanted.run->on_end([this, path, run = std::weak_ptr(wanted.run)](const Error&) {
    const auto queue = waiting_.find(path);
    if (queue == waiting_.end()) return;
    std::erase_if(queue->second, [&](const Wanted& each) { return each.run == run.lock(); });
    if (queue->second.empty()) waiting_.erase(queue);
    on_fewer_waiting(path);
  });
  // Who waited for something else before may have asked before them.
  std::deque<Wanted>& queue = waiting_[path];
  const auto place = std::ranges::upper_bound(queue, wanted.asked, {}, &Wanted::asked);
  const auto before = static_cast<std::size_t>(place - queue.begin());
  const RunPtr run = wanted.run;
  queue.insert(place, std::move(wanted));
  run->progress(document::make_object({{"waits_behind", document::make_number(before + 1)}}));
  tell_waiting(path);
}

void LockDesk::on_fewer_waiting(const std::string& path) {
  std::deque<Wanted> again;
  if (const auto queue = waiting_.find(path); queue != waiting_.end()) {
    std::deque<Wanted> left;
    for (Wanted& each : queue->second) {
      (overlap(each.path, path) ? left : again).push_back(std::move(each));
    }
    queue->second = std::move(left);
    if (queue->second.empty()) waiting_.erase(queue);
  }
  tell_waiting(path);
  for (Wanted& each : again) lock(std::move(each));
}

// Null: nobody waits.
document::ValuePtr LockDesk::waiting_names(const std::string& path) const {
  const auto queue = waiting_.find(path);
  if (queue == waiting_.end()) return nullptr;
  document::Array names;
  for (const Wanted& each : queue->second) {
    if (names.size() < kWaitingTold) names.push_back(document::make_text(each.who.user));
  }
  return names.empty() ? nullptr : document::make_array(std::move(names));
}

// Who has it sees in its record who would like to. Where that fails the lock is as good without.
void LockDesk::tell_waiting(const std::string& path) {
  if (records_.find(path) == nullptr) return;
  const auto names = waiting_names(path);
  RecordDesk::Wish wish;
  wish.op = make_operation_id(floor_.clock.wall(), system_random());
  wish.path = path;
  wish.fields = std::make_shared<const std::string>(
      document::print(*document::make_object({{"waiting", names ? names : document::make_null()}})));
  records_.change(RecordDesk::server_itself(), std::move(wish), [](const Result<std::uint64_t>&) {});
}

}  // namespace callboard::server
