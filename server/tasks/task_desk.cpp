#include "server/tasks/task_desk.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "server/unusable_file.h"

namespace callboard::server {

namespace fs = std::filesystem;

Result<std::vector<std::string>> TaskDesk::programs(const std::vector<std::string>& files) {
  std::vector<std::string> programs;
  for (const std::string& file : files) {
    std::error_code problem;
    const fs::path path = fs::absolute(file, problem);
    if (fs::is_directory(path, problem)) {
      return unusable_file(
          fmt::format("--task {}: expected a program, it is a folder", callboard::quoted(file)));
    }
    if (problem || !fs::is_regular_file(path, problem)) {
      return unusable_file(fmt::format("--task {}: there is no such file", callboard::quoted(file)));
    }
    if (::access(path.c_str(), X_OK) != 0) {
      return unusable_file(fmt::format("--task {}: expected a program; if it is one, `chmod +x` makes it so",
                                       callboard::quoted(file)));
    }
    programs.push_back(path.native());
  }
  return programs;
}

TaskDesk::TaskDesk(net::Loop& loop, CallRegistry& registry, EventLog& events, OwnRecords& records)
    : loop_(loop), registry_(registry), events_(events), records_(records) {}

void TaskDesk::start(const std::string& program, const std::string& project) {
  TaskHost::Outside outside{registry_, records_, events_, {}};
  const std::size_t place = hosts_.size();
  outside.may_have = [this, place](const std::string& path) {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      if (i != place && hosts_[i]->has_state(path)) return false;
    }
    return true;
  };
  hosts_.push_back(std::make_unique<TaskHost>(loop_, program, project, std::move(outside)));
  hosts_.back()->start();
}

bool TaskDesk::are_settled() const {
  return std::ranges::all_of(hosts_, [](const auto& host) { return host->is_settled(); });
}

std::vector<ProgramHealth> TaskDesk::health() const {
  std::vector<ProgramHealth> all;
  for (const auto& host : hosts_) all.push_back(host->health());
  return all;
}

void TaskDesk::stop(std::function<void()> done) {
  if (hosts_.empty()) return done();
  stopped_ = std::move(done);
  running_ = hosts_.size();
  for (const auto& host : hosts_) {
    host->stop([this] {
      if (--running_ == 0) std::exchange(stopped_, {})();
    });
  }
}

}  // namespace callboard::server
