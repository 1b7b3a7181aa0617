#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace callboard::server {

// A queue in which those who have put something into it take turns: one of each, their oldest, and the next one of whoever has
// had a turn after one of everybody else. So however much somebody puts in, others wait for as many as there are people. Pure.
template <class Thing>
class TakingTurns {
 public:
  void push(const std::string& who, Thing thing) {
    std::deque<Thing>& own = of_[who];
    if (own.empty()) order_.push_back(who);
    own.push_back(std::move(thing));
  }

  // nullopt: it is empty.
  std::optional<Thing> pop() {
    if (order_.empty()) return std::nullopt;
    const auto own = of_.find(order_.front());
    order_.pop_front();
    Thing next = std::move(own->second.front());
    own->second.pop_front();
    if (own->second.empty()) {
      of_.erase(own);
    } else {
      order_.push_back(own->first);
    }
    return next;
  }

  // Of somebody's, those of which that holds.
  template <class Predicate>
  void erase_if(const std::string& who, Predicate is_meant) {
    const auto own = of_.find(who);
    if (own == of_.end()) return;
    std::erase_if(own->second, is_meant);
    if (!own->second.empty()) return;
    std::erase(order_, who);
    of_.erase(own);
  }

  void clear() {
    of_.clear();
    order_.clear();
  }

 private:
  std::map<std::string, std::deque<Thing>> of_;  // Nobody's is empty.
  std::deque<std::string> order_;                // Of them, each once.
};

}  // namespace callboard::server
