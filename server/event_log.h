#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "server/event.h"

namespace spdlog {
class logger;
}

namespace callboard::server {

// What the server does, as one stream of events: whoever wants to know reads from here, and nothing is told otherwise. The newest
// kEventsKept are kept for those who come later, and as many of level debug. Loop thread only.
class EventLog {
 public:
  using Listener = std::function<void(const std::shared_ptr<const Event>& event)>;
  // What ends a subscription when it goes; it may outlive the log.
  using Subscription = std::shared_ptr<void>;

  // `logger`: where each is written as a line at its level; null: the process's default one.
  explicit EventLog(std::shared_ptr<spdlog::logger> logger, const Clock& clock = system_clock());
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  // Of the server itself, or at `warn` and `error` of what is wrong.
  void debug(std::string_view text, Event::Fields fields = {});
  void info(std::string_view text, Event::Fields fields = {});
  void warn(std::string_view text, Event::Fields fields = {});
  void error(std::string_view text, Event::Fields fields = {});
  // Number and time are given here; what is secret is masked, texts are cut and made UTF-8.
  void note(Event event);
  // What a user does that is worth a line to those who watch, and none in the log but at its most talkative.
  void tell(std::string_view user, std::string_view told);

  // Called with each event from now on, in order, from within the call that notes it; notes none itself.
  [[nodiscard]] Subscription subscribe(Listener listener);
  // At most `count` of those kept after `number`, oldest first, that are of that level or above.
  std::vector<std::shared_ptr<const Event>> after(std::uint64_t number, Event::Level level,
                                                  std::size_t count) const;
  // Of the newest; 0: there is none.
  std::uint64_t last() const { return last_; }

 private:
  std::shared_ptr<spdlog::logger> logger_;
  const Clock& clock_;
  std::uint64_t last_ = 0;
  using Ring = std::deque<std::shared_ptr<const Event>>;
  Ring kept_;
  Ring
      kept_debug_;  // By themselves: anybody can make as many as they like, and none of the others may go for them.
  std::list<std::weak_ptr<Listener>> listeners_;
};

}  // namespace callboard::server
