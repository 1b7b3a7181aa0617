#include "server/event_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/mask.h"
#include "base/text.h"

namespace callboard::server {
namespace {

// For whoever looks what has just happened: some hours of a studio, and with some 300 bytes each half a MiB.
constexpr std::size_t kEventsKept = 2000;
// Code points of one text of an event; longer ones are somebody's message.
constexpr std::size_t kTextMax = 1024;

spdlog::level::level_enum level_of(Event::Level level) {
  switch (level) {
    case Event::Level::debug:
      return spdlog::level::debug;
    case Event::Level::info:
      return spdlog::level::info;
    case Event::Level::warn:
      return spdlog::level::warn;
    case Event::Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

// Masked first: what is cut off must not make a secret look like something else.
void make_fit(std::string& text) {
  text = masked(text);
  if (text.size() > kTextMax || !is_utf8(text)) text = escaped(text, kTextMax);
}

Event::Kind kind_of(Event::Level level) {
  if (level == Event::Level::error) return Event::Kind::error;
  return level == Event::Level::warn ? Event::Kind::warning : Event::Kind::status;
}

}  // namespace

EventLog::EventLog(std::shared_ptr<spdlog::logger> logger, const Clock& clock)
    : logger_(logger ? std::move(logger) : spdlog::default_logger()), clock_(clock) {}
EventLog::~EventLog() = default;

void EventLog::debug(std::string_view text, Event::Fields fields) {
  note({.level = Event::Level::debug, .text = std::string(text), .fields = std::move(fields)});
}
void EventLog::info(std::string_view text, Event::Fields fields) {
  note({.text = std::string(text), .fields = std::move(fields)});
}
void EventLog::warn(std::string_view text, Event::Fields fields) {
  constexpr auto kLevel = Event::Level::warn;
  note({.level = kLevel, .kind = kind_of(kLevel), .text = std::string(text), .fields = std::move(fields)});
}
void EventLog::error(std::string_view text, Event::Fields fields) {
  constexpr auto kLevel = Event::Level::error;
  note({.level = kLevel, .kind = kind_of(kLevel), .text = std::string(text), .fields = std::move(fields)});
}

void EventLog::tell(std::string_view user, std::string_view told) {
  note({.level = Event::Level::debug,
        .kind = Event::Kind::connection,
        .user = std::string(user),
        .text = "told",
        .fields = {{"text", told}},
        .told = std::string(told)});
}

void EventLog::note(Event event) {
  event.number = ++last_;
  event.time = clock_.wall();
  make_fit(event.user);
  make_fit(event.text);
  make_fit(event.told);
  for (Event::Field& field : event.fields) {
    if (auto* text = std::get_if<std::string>(&field.value)) make_fit(*text);
  }
  const auto level = level_of(event.level);
  if (logger_->should_log(level)) {
    const std::chrono::system_clock::time_point time{std::chrono::milliseconds(event.time.ms)};
    logger_->log(time, spdlog::source_loc{}, level, line_of(event));
  }
  const auto kept = std::make_shared<const Event>(std::move(event));
  Ring& ring = kept->level == Event::Level::debug ? kept_debug_ : kept_;
  ring.push_back(kept);
  if (ring.size() > kEventsKept) ring.pop_front();
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    const auto listener = it->lock();
    it = listener ? std::next(it) : listeners_.erase(it);
    if (listener) (*listener)(kept);
  }
}

EventLog::Subscription EventLog::subscribe(Listener listener) {
  auto subscribed = std::make_shared<Listener>(std::move(listener));
  listeners_.emplace_back(subscribed);
  return subscribed;
}

std::vector<std::shared_ptr<const Event>> EventLog::after(std::uint64_t number, Event::Level level,
                                                          std::size_t count) const {
  std::vector<std::shared_ptr<const Event>> found;
  const auto first_of = [number](const Ring& ring) {
    return std::upper_bound(ring.begin(), ring.end(), number,
                            [](std::uint64_t after, const auto& event) { return after < event->number; });
  };
  auto plain = first_of(kept_);
  auto debug = level == Event::Level::debug ? first_of(kept_debug_) : kept_debug_.end();
  while (found.size() < count && (plain != kept_.end() || debug != kept_debug_.end())) {
    const bool is_debug =
        plain == kept_.end() || (debug != kept_debug_.end() && (*debug)->number < (*plain)->number);
    const auto& next = is_debug ? *debug++ : *plain++;
    if (next->level >= level) found.push_back(next);
  }
  return found;
}

}  // namespace callboard::server
