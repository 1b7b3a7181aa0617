#pragma once

#include <mutex>
#include <string>

#include "server/board/measures.h"

namespace callboard::server {

// What was said of people, for other threads as well: they learn what is so at that moment. One thread alone changes it.
class SharedMeasures {
 public:
  // For the thread that changes it.
  const MeasuresBook& book() const { return book_; }
  template <typename Change>
  auto change(const Change& change) {
    const std::scoped_lock lock(mutex_);
    return change(book_);
  }
  // For any thread.
  Measures of(const std::string& person) const {
    const std::scoped_lock lock(mutex_);
    return book_.of(person);
  }

 private:
  mutable std::mutex mutex_;  // Of who changes it, and of the other threads.
  MeasuresBook book_;
};

}  // namespace callboard::server
