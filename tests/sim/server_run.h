#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/loop.h"
#include "net/tcp_listener.h"
#include "net/timer.h"
#include "server/board_records.h"
#include "server/event_log.h"
#include "server/stage.h"
#include "server/tasks/task_desk.h"
#include "tests/sim/memory_log.h"

namespace callboard::sim {

// One run of the server's program, as server/server.cpp puts it together, on a simulated disk: project "Moria", reached at
// Person::kServer. Made, used and ended on its machine. `disk` must outlive it.
class ServerRun {
 public:
  // `options`: what is not that of every run. `task`: the program of one; empty: none.
  ServerRun(Disk& disk, server::Stage::Options options, const std::string& task);

  void stop(const std::string& reason, std::function<void()> done);
  bool is_stopping() const { return listener_ == nullptr; }
  const server::EventLog& events() const { return events_; }
  server::Stage& stage() { return *stage_; }

 private:
  void start_task(const std::string& task);
  bool is_open() const { return !tasks_ || tasks_->are_settled(); }
  void let_in_early();

  net::Loop loop_;
  server::EventLog events_;
  std::unique_ptr<server::Stage> stage_;
  std::unique_ptr<server::BoardRecords> records_;
  std::unique_ptr<server::TaskDesk> tasks_;  // Null: none.
  std::vector<std::unique_ptr<net::TcpConnection>> early_;
  net::Timer early_timer_{loop_, [this] { let_in_early(); }};
  std::unique_ptr<net::TcpListener> listener_;
};

}  // namespace callboard::sim
