#include "tests/sim/server_run.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/ensure.h"
#include "server/board/recovery.h"
#include "tests/sim/person.h"

namespace callboard::sim {
namespace {

const std::string kProject = "Moria";

// Nothing is shown of what the event log keeps.
std::shared_ptr<spdlog::logger> silent_logger() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("sim");
    made->set_level(spdlog::level::off);
    return made;
  }();
  return logger;
}

}  // namespace

ServerRun::ServerRun(Disk& disk, server::Stage::Options options, const std::string& task)
    : events_(silent_logger()) {
  auto log = std::make_unique<MemoryLog>(disk, loop_);
  auto recovered = server::recover(*log);
  ENSURE(recovered);
  options.identity = {kProject, make_unique_id(system_random()), "sim", system_clock().wall()};
  if (auto kept = server::kept_sessions_from(disk.sessions)) options.kept = std::move(*kept);
  options.keep = [&disk](ByteView bytes) {
    disk.sessions = Bytes(bytes.begin(), bytes.end());
    return Result<void>();
  };
  stage_ = std::make_unique<server::Stage>(loop_, std::move(options), system_clock(), system_random(),
                                           events_, std::move(log), std::move(*recovered));
  if (!task.empty()) start_task(task);
  net::TcpListener::Handlers handlers;
  handlers.on_connection = [this](std::unique_ptr<net::TcpConnection> accepted) {
    if (is_open()) return stage_->accept(std::move(accepted));
    early_.push_back(std::move(accepted));
  };
  listener_ = std::move(*net::TcpListener::listen(loop_, Person::kServer, std::move(handlers)));
  let_in_early();
}

void ServerRun::start_task(const std::string& task) {
  records_ = std::make_unique<server::BoardRecords>(stage_->records(), system_clock(), system_random());
  server::remember_answers(stage_->records(), stage_->calls());
  tasks_ = std::make_unique<server::TaskDesk>(loop_, stage_->calls().registry(), events_, *records_);
  tasks_->start(task, kProject);
}

// Once what can be called is there.
void ServerRun::let_in_early() {
  if (!is_open()) {
    early_timer_.set_after(5ms);
  } else {
    for (auto& connection : std::exchange(early_, {})) stage_->accept(std::move(connection));
  }
}

void ServerRun::stop(const std::string& reason, std::function<void()> done) {
  listener_.reset();
  early_.clear();
  if (!tasks_) return stage_->stop(Outcome::cancelled, reason, std::move(done));
  stage_->calls().stop(reason);
  tasks_->stop([this, reason, done = std::move(done)] { stage_->stop(Outcome::cancelled, reason, done); });
}

}  // namespace callboard::sim
