#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/work_queue.h"
#include "server/calls/call_answers.h"
#include "server/calls/call_registry.h"
#include "server/counts_of.h"
#include "server/deadlines.h"

namespace callboard::server {

// Who waits for a call: a session's ask, or nobody's connection (0) but the server itself.
struct CallWaiter {
  std::uint64_t connection = 0;
  protocol::AskId ask = 0;
  // Exactly once, perhaps before begin() returns. The document is never null. Told itself, they need hold little: a call
  // that takes no time of its own costs about as much as what is allocated for it.
  std::function<void(const CallWaiter& self, const Result<protocol::Document>& answer)> on_answer;
  std::function<void(const CallWaiter& self, const protocol::Document& progress)> on_progress{};

  void answer(const Result<protocol::Document>& given) const { on_answer(*this, given); }
};

struct CallRequest {
  std::string name;
  std::optional<UniqueId> op{};           // The same call again gets the same answer.
  std::chrono::milliseconds deadline{0};  // 0: kCallDeadline.
  protocol::Document arguments{};         // JSON as it came; null: none.
  CallWaiter waiter;
  UniqueId asked{};  // As in CallMark; begin() fills it in.
};

// Carries calls out and answers each exactly once: with its value, with an error, or with why nobody waits any longer
// (its deadline, a cancel, the server's stop). What becomes of whoever asked does not matter to the work. Loop thread only.
class CallDesk {
 public:
  explicit CallDesk(net::Loop& loop);
  ~CallDesk();

  CallRegistry& registry() { return registry_; }
  const CallRegistry& registry() const { return registry_; }

  void begin(const Caller& caller, CallRequest&& request);
  // How a call of that name ended in a server before this one.
  void remember(CallMark mark, const Result<document::ValuePtr>& answer);
  // Ends a call, which is answered as cancelled to all who wait for it; not_found when that connection waits
  // for no such, refused when it is being written down.
  Result<void> cancel(std::uint64_t connection, protocol::AskId ask);
  Result<void> cancel(std::uint64_t connection, UniqueId op);
  // Who asked over that connection has said goodbye: what nobody else waits for is cancelled. One that was lost may come back.
  void leave(std::uint64_t connection);
  // Ends all of them but those that are being written down, which are still answered; not to be asked again.
  void stop(const std::string& reason);
  // After that: calls `then` kAnswerLimit after the last of them is answered, or after kWrittenLimit; before this returns
  // when there is none and none was answered a moment ago.
  void when_written(std::function<void()> then);

  std::size_t running() const { return running_.size(); }
  // Nobody hears an answer any more: those who asked are about to be gone.
  void abandon() { *is_alive_ = false; }

 private:
  class Run;
  struct Running {
    std::string name;
    std::string origin;            // Of who asked first; empty: the server itself, which nobody counts.
    std::uint64_t connection = 0;  // Over which.
    std::optional<UniqueId> op;
    UniqueId asked;  // As in CallMark.
    Instant deadline;
    Deadlines::Watch watch;
    bool is_committing = false;
    std::vector<CallWaiter> waiters;
    std::stop_source stop;
    std::function<void(const Error&)> on_end;
  };

  Result<CallRegistry::CallPtr> permitted(const Caller& caller, const std::string& name) const;
  // Answers from what is known, or waits with those who do.
  bool join_same(CallRequest& request);
  void run(const CallRegistry::CallPtr& call, const Caller& caller, CallRequest& request,
           CallArguments arguments);
  Result<void> check_room(const std::string& origin, std::uint64_t connection) const;
  std::uint64_t enter(const std::string& origin, CallRequest& request);
  void run_on_worker(const WorkerRun& work, std::uint64_t number, Caller caller, CallArguments arguments);
  enum class Keep { yes, no };
  void on_answer(std::uint64_t number, Result<protocol::Document> answer, Keep keep = Keep::yes);
  void on_progress(std::uint64_t number, const protocol::Document& value);
  void on_due(std::uint64_t number, Instant at);
  // Nobody waits any more.
  void end(std::uint64_t number, const Error& why);
  Result<void> cancel(std::uint64_t number);
  void on_written();

  net::Loop& loop_;
  CallRegistry registry_;
  CallAnswers answers_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, Running> running_;
  std::unordered_map<UniqueId, std::uint64_t> running_ops_;
  CountsOf<std::string> by_origin_;
  CountsOf<std::uint64_t> by_connection_;
  Deadlines deadlines_;
  std::unique_ptr<net::WorkQueue> workers_;  // From the first call that needs one on.
  std::optional<std::string> stopped_;
  std::function<void()> when_written_;
  net::Timer written_timer_;
  std::optional<Instant> answered_;                                // When a call was, last, that took time.
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // For runs that are dropped later.
};

}  // namespace callboard::server
