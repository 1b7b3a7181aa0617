#include "client/offers.h"

#include <atomic>
#include <utility>

namespace callboard::client {

class Offers::Call final : public OfferedCall {
 public:
  Call(Offers& offers, std::uint64_t number, const protocol::CallTell& tell)
      : offers_(offers),
        inbox_(offers.inbox_),
        number_(number),
        name_(tell.name),
        arguments_(tell.arguments ? *tell.arguments : "{}"),
        by_(tell.by),
        due_(system_clock().monotonic() + tell.deadline) {}
  ~Call() override { answer(Error{Outcome::failed, "it ended without an answer"}); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const std::string& name() const override { return name_; }
  const std::string& arguments() const override { return arguments_; }
  const std::string& by() const override { return by_; }
  Duration time_left() const override {
    return std::max(Duration::zero(), due_ - system_clock().monotonic());
  }
  void answer(Result<std::string> json) override {
    if (is_over_.exchange(true)) return;
    inbox_->post(
        [offers = &offers_, number = number_, json = std::move(json)] { offers->answer(number, json); });
  }
  void progress(std::string json) override {
    if (is_over_) return;
    inbox_->post(
        [offers = &offers_, number = number_, json = std::move(json)] { offers->progress(number, json); });
  }
  bool is_over() const override { return is_over_; }
  void set_over() { is_over_ = true; }

 private:
  Offers& offers_;  // There as long as the inbox takes tasks.
  std::shared_ptr<Inbox> inbox_;
  std::uint64_t number_;
  std::string name_;
  std::string arguments_;
  std::string by_;
  Instant due_;
  std::atomic<bool> is_over_{false};
};

Offers::~Offers() { on_lost(); }

void Offers::offer(std::string descriptions, OfferHandler handler, const Answer<bool>& answer) {
  descriptions_ = std::make_shared<const std::string>(std::move(descriptions));
  handler_ = std::move(handler);
  ask(answer);
}

// What is asked while there is no server, or lost with it, waits for the next one.
void Offers::ask(const Answer<bool>& answer) {
  protocol::OfferAsk ask;
  ask.descriptions = descriptions_;
  ++asked_;
  session_.ask(std::move(ask), [this, answer](const Result<protocol::ServerMessage>& reply) {
    --asked_;
    answer.set(reply ? Result<bool>(true) : Result<bool>(reply.error()));
  });
}

// Each connection begins without.
void Offers::on_joined() {
  if (!descriptions_ || asked_ > 0) return;
  Answer<bool> again;
  again.then([this](const Result<bool>& taken) {
    if (taken) return;
    // Lost with the connection, or with the client.
    const Outcome outcome = taken.error().outcome;
    if (outcome != Outcome::interrupted && outcome != Outcome::cancelled) on_refused_(taken.error());
  });
  ask(again);
}

void Offers::on_told(const protocol::CallTell& tell) {
  const std::uint64_t number = ++last_number_;
  auto call = std::make_shared<Call>(*this, number, tell);
  running_[number] = {tell.call, call};
  // One that nobody takes is answered by its own end.
  if (handler_) handler_(std::move(call));
}

void Offers::on_told(const protocol::CallCancelTell& tell) {
  for (const auto& [number, running] : running_) {
    if (running.call == tell.call) return end(number);
  }
}

void Offers::on_lost() {
  while (!running_.empty()) end(running_.begin()->first);
}

void Offers::end(std::uint64_t number) {
  const auto node = running_.extract(number);
  if (node.empty()) return;
  if (const auto call = node.mapped().handed_out.lock()) call->set_over();
}

void Offers::answer(std::uint64_t number, const Result<std::string>& json) {
  const auto node = running_.extract(number);
  if (node.empty()) return;
  protocol::CalledAsk ask;
  ask.call = node.mapped().call;
  if (json) {
    ask.value = std::make_shared<const std::string>(*json);
  } else {
    ask.outcome = json.error().outcome == Outcome::done ? Outcome::failed : json.error().outcome;
    ask.text = json.error().text;
  }
  session_.ask(std::move(ask), [](const Result<protocol::ServerMessage>&) {
    // Nobody waits for it any more, then.
  });
}

void Offers::progress(std::uint64_t number, std::string json) {
  const auto found = running_.find(number);
  if (found == running_.end()) return;
  session_.tell({found->second.call, std::make_shared<const std::string>(std::move(json))});
}

}  // namespace callboard::client
