#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace spdlog {
class logger;
}

namespace callboard::server {

// Where the server writes what it does: a line for the operator and, for what users do, a line for whoever listens to
// the terminal datagrams. Loop thread only.
class EventLog {
 public:
  // `user` may be empty; `text` is short, without the operator's keys and values.
  using Listener = std::function<void(std::string_view user, std::string_view text)>;

  // Null: the process's default logger.
  explicit EventLog(std::shared_ptr<spdlog::logger> logger);
  ~EventLog();

  void set_listener(Listener listener) { listener_ = std::move(listener); }

  void debug(std::string_view line);
  void info(std::string_view line);
  void warn(std::string_view line);
  void error(std::string_view line);
  // Something about a user, for everybody who watches.
  void tell(std::string_view user, std::string_view text);

 private:
  std::shared_ptr<spdlog::logger> logger_;
  Listener listener_;
};

}  // namespace callboard::server
