#pragma once

#include <catch2/catch.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "server/store/sqlite_log.h"
#include "tests/unit/server/operations.h"
#include "tests/unit/server/temporary_folder.h"

namespace callboard::server {

// Stands for the loop: what the log posts runs in the test's own thread, when the test says so.
class Inbox {
 public:
  SqliteLog::Post post() {
    return [this](std::function<void()> task) {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
      arrived_.notify_one();
    };
  }
  void run_until(const std::function<bool()>& condition) {
    while (!condition()) {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return !tasks_.empty(); });
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> tasks_;
};

inline std::unique_ptr<SqliteLog> open_log(const TemporaryFolder& folder, Inbox& inbox) {
  auto log = SqliteLog::open({folder.path(), "Moria's Race", inbox.post()});
  REQUIRE(log);
  return std::move(*log);
}

inline Result<Appended> append(SqliteLog& log, Inbox& inbox, OperationLike like) {
  std::optional<Result<Appended>> answer;
  log.append(make_operation(std::move(like)), [&](Result<Appended> result) { answer = std::move(result); });
  inbox.run_until([&] { return answer.has_value(); });
  return *answer;
}

}  // namespace callboard::server
