#pragma once

#include <cstddef>
#include <unordered_map>

#include "base/ensure.h"

namespace callboard::server {

// How many there are of each; nothing is kept of those of whom there are none. Pure.
template <class Key>
class CountsOf {
 public:
  std::size_t of(const Key& key) const {
    const auto found = counts_.find(key);
    return found == counts_.end() ? 0 : found->second;
  }
  void add(const Key& key) { ++counts_[key]; }
  // One that was added.
  void remove(const Key& key) {
    const auto found = counts_.find(key);
    ENSURE(found != counts_.end());
    if (--found->second == 0) counts_.erase(found);
  }
  const std::unordered_map<Key, std::size_t>& all() const { return counts_; }

 private:
  std::unordered_map<Key, std::size_t> counts_;
};

}  // namespace callboard::server
