#include "server/log_calls.h"

#include <algorithm>
#include <list>
#include <memory>
#include <utility>

#include "base/document/build.h"

namespace callboard::server {
namespace {

// Events in one answer, of some 300 bytes each.
constexpr std::size_t kEventsPerAnswer = 100;

struct LogQuestion {
  std::uint64_t since = 0;
  Event::Level level = Event::Level::info;
  std::size_t newest = 0;  // 0: all.
  bool waits = false;
};

// Those who ask, and those of them who wait for something to happen.
class LogFollowers : public std::enable_shared_from_this<LogFollowers> {
 public:
  LogFollowers(net::Loop& loop, EventLog& events) : loop_(loop), events_(events) {}

  void ask(LogQuestion question, std::shared_ptr<CallRun> run) {
    // Numbers of a server before this one.
    if (question.since > events_.last()) question.since = 0;
    if (answer(question, *run)) return;
    if (!subscription_) subscribe();
    waiting_.push_back({question, run});
    run->on_end([self = weak_from_this(), ended = run.get()](const Error&) {
      if (const auto here = self.lock())
        std::erase_if(here->waiting_, [&](const Waiting& each) { return each.run.get() == ended; });
    });
  }

 private:
  struct Waiting {
    LogQuestion question;
    std::shared_ptr<CallRun> run;
  };

  void subscribe() {
    subscription_ = events_.subscribe([self = weak_from_this()](const std::shared_ptr<const Event>&) {
      if (const auto here = self.lock()) here->on_event();
    });
  }

  // Not at once: an answer may end a session, which is an event again.
  void on_event() {
    if (waiting_.empty() || std::exchange(is_due_, true)) return;
    loop_.at_end_of_turn([self = weak_from_this()] {
      if (const auto here = self.lock()) here->answer_waiting();
    });
  }

  void answer_waiting() {
    is_due_ = false;
    for (Waiting& each : std::exchange(waiting_, {})) {
      if (!answer(each.question, *each.run)) waiting_.push_back(std::move(each));
    }
  }

  // False: there is nothing, and it waits.
  bool answer(const LogQuestion& question, CallRun& run) const {
    auto found =
        events_.after(question.since, question.level, question.newest > 0 ? SIZE_MAX : kEventsPerAnswer);
    if (found.empty() && question.waits) return false;
    const std::size_t count =
        std::min({found.size(), question.newest > 0 ? question.newest : found.size(), kEventsPerAnswer});
    std::string json = "{\"events\":[";
    for (auto each = found.end() - static_cast<std::ptrdiff_t>(count); each != found.end(); ++each) {
      if (json.back() != '[') json += ',';
      json += json_of(**each);
    }
    json += "],\"last\":" + std::to_string(found.empty() ? events_.last() : found.back()->number) + "}";
    run.answer_json(std::make_shared<const std::string>(std::move(json)));
    return true;
  }

  net::Loop& loop_;
  EventLog& events_;
  std::list<Waiting> waiting_;
  EventLog::Subscription subscription_;  // From the first on who waits.
  bool is_due_ = false;
};

}  // namespace

void add_log_call(CallRegistry& registry, net::Loop& loop, EventLog& events) {
  const auto followers = std::make_shared<LogFollowers>(loop, events);
  registry.add_built_in(
      {.description = {.name = "server.log",
                       .summary =
                           "what the server's log says: the newest events that it keeps, and those to come",
                       .category = "server",
                       .permission = "log",
                       .arguments = {{.name = "since",
                                      .type = ValueType::integer,
                                      .summary = "only what came after that number",
                                      .fallback = document::make_number(0)},
                                     {.name = "level",
                                      .summary = "debug, info, warn or error: that, and what is graver",
                                      .fallback = document::make_text("info")},
                                     {.name = "newest",
                                      .type = ValueType::integer,
                                      .summary =
                                          "only the newest so many, at most 100; 0: all, 100 at a time",
                                      .fallback = document::make_number(0)},
                                     {.name = "wait",
                                      .type = ValueType::boolean,
                                      .summary = "where there is nothing, wait until there is",
                                      .fallback = document::make_bool(false)}},
                       .result = ValueType::map},
       .run =
           LaterRun([followers](const Caller&, const CallArguments& arguments, std::shared_ptr<CallRun> run) {
             const auto level = level_from(arguments.text("level"));
             if (!level)
               return run->answer(Error{Outcome::usage, "level: expected debug, info, warn or error"});
             const std::int64_t since = std::max<std::int64_t>(0, arguments.integer("since"));
             const std::int64_t newest =
                 std::clamp<std::int64_t>(arguments.integer("newest"), 0, kEventsPerAnswer);
             followers->ask({static_cast<std::uint64_t>(since), *level, static_cast<std::size_t>(newest),
                             arguments.flag("wait")},
                            std::move(run));
           })});
}

}  // namespace callboard::server
