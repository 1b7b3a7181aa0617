#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"

namespace callboard::server {

// What the last kOperationsRemembered operations that are not in the log were answered, so that the same
// again gets the same.
class AnswersGiven {
 public:
  struct Answer {
    Outcome outcome = Outcome::done;
    std::uint64_t revision = 0;
  };

  std::optional<Answer> find(UniqueId op) const {
    const auto found = answers_.find(op);
    return found == answers_.end() ? std::nullopt : std::optional(found->second);
  }
  void keep(UniqueId op, Answer answer) {
    answers_[op] = answer;
    order_.push_back(op);
    if (order_.size() <= kOperationsRemembered) return;
    answers_.erase(order_.front());
    order_.pop_front();
  }

 private:
  std::unordered_map<UniqueId, Answer> answers_;
  std::deque<UniqueId> order_;  // Oldest first.
};

}  // namespace callboard::server
