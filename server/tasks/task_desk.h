#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/tasks/task_host.h"

namespace callboard::server {

// All tasks of a server. Loop thread only.
class TaskDesk {
 public:
  // The programs' absolute paths; what is no program there is refused.
  static Result<std::vector<std::string>> programs(const std::vector<std::string>& files);

  // What it refers to outlives it.
  TaskDesk(net::Loop& loop, CallRegistry& registry, EventLog& events, OwnRecords& records);
  void start(const std::string& program, const std::string& project);
  // Each has told its calls, or could not.
  bool are_settled() const;
  std::vector<ProgramHealth> health() const;
  // Lets all of them end; then calls `done`, once.
  void stop(std::function<void()> done);

 private:
  net::Loop& loop_;
  CallRegistry& registry_;
  EventLog& events_;
  OwnRecords& records_;
  std::vector<std::unique_ptr<TaskHost>> hosts_;
  std::size_t running_ = 0;  // Of those that are being stopped.
  std::function<void()> stopped_;
};

}  // namespace callboard::server
