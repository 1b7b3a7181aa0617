#include "server/event_log.h"

#include <spdlog/spdlog.h>

namespace callboard::server {

EventLog::EventLog(std::shared_ptr<spdlog::logger> logger)
    : logger_(logger ? std::move(logger) : spdlog::default_logger()) {}
EventLog::~EventLog() = default;

void EventLog::debug(std::string_view line) { logger_->debug("{}", line); }
void EventLog::info(std::string_view line) { logger_->info("{}", line); }
void EventLog::warn(std::string_view line) { logger_->warn("{}", line); }
void EventLog::error(std::string_view line) { logger_->error("{}", line); }

void EventLog::tell(std::string_view user, std::string_view text) {
  if (listener_) listener_(user, text);
}

}  // namespace callboard::server
