#include "server/calls/call_answers.h"

#include <utility>

#include "base/limits.h"

namespace callboard::server {

void CallAnswers::keep(CallMark mark, Result<protocol::Document> answer) {
  const UniqueId op = mark.op;
  if (by_op_.contains(op)) return;
  const std::uint64_t size_bytes = answer && *answer ? (*answer)->size() : 0;
  kept_.push_back({std::move(mark), std::move(answer), size_bytes});
  by_op_.emplace(op, std::prev(kept_.cend()));
  bytes_ += size_bytes;
  while (kept_.size() > kCallAnswersKept || bytes_ > kCallAnswersKeptBytes) {
    bytes_ -= kept_.front().size_bytes;
    by_op_.erase(kept_.front().mark.op);
    kept_.pop_front();
  }
}

const CallAnswers::Kept* CallAnswers::find(UniqueId op) const {
  const auto found = by_op_.find(op);
  return found == by_op_.end() ? nullptr : &*found->second;
}

}  // namespace callboard::server
