#include <utility>

#include "base/id.h"
#include "base/limits.h"
#include "client/client_impl.h"

// The client's calls.
namespace callboard::client {
namespace {

Result<std::string> to_json(const Result<protocol::ServerMessage>& reply) {
  if (!reply) return reply.error();
  const auto* result = std::get_if<protocol::CallResult>(&*reply);
  if (result == nullptr) return Error{Outcome::failed, "the server's answer is of the wrong kind"};
  return *result->value;
}

Result<std::chrono::milliseconds> deadline_of(const CallOptions& options) {
  if (options.deadline <= Duration::zero() || options.deadline > kCallDeadlineMax) {
    return Error{Outcome::usage, "deadline: expected more than 0 and at most a day"};
  }
  // Not 0, which is the server's own.
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(options.deadline),
                  std::chrono::milliseconds(1));
}

}  // namespace

Answer<std::string> Client::Impl::call(std::string name, std::string arguments, CallOptions options) {
  Answer<std::string> answer;
  const auto deadline = deadline_of(options);
  if (!deadline) {
    answer.set(deadline.error());
    return answer;
  }
  protocol::CallAsk ask;
  ask.name = std::move(name);
  ask.op = options.op ? options.op : make_operation_id(system_clock().wall(), system_random());
  ask.deadline = *deadline;
  if (!arguments.empty()) ask.arguments = std::make_shared<const std::string>(std::move(arguments));
  const Connection::AnswerHandler on_answer = [answer](const Result<protocol::ServerMessage>& reply) {
    answer.set(to_json(reply));
  };
  submit(
      std::move(ask),
      [this, on_answer, tell = std::move(options.on_progress)](const protocol::ClientMessage& call) {
        Connection::ProgressHandler on_progress;
        if (tell) on_progress = [tell](const protocol::Document& json) { tell(*json); };
        session_->ask(call, on_answer, SessionKeeper::Patience::usual, std::move(on_progress));
      },
      on_answer);
  return answer;
}

void Client::Impl::cancel_call(UniqueId op) {
  inbox_->post([this, op] { session_->cancel_call(op); });
}

Answer<bool> Client::Impl::offer_calls(std::string descriptions, OfferHandler handler) {
  Answer<bool> answer;
  const auto run = [this, answer, descriptions = std::move(descriptions), handler = std::move(handler)] {
    offers_->offer(descriptions, handler, answer);
  };
  inbox_->post(run, [answer] { answer.set(stopped()); });
  return answer;
}

}  // namespace callboard::client
