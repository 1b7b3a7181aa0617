#include "client/agent.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "base/access_key.h"
#include "client/agent_command.h"
#include "client/client.h"
#include "client/inbox.h"
#include "net/local_listener.h"
#include "net/timer.h"

namespace callboard::client {

namespace {

// How often an agent that ends looks whether anything is still to come.
constexpr Duration kFarewellPeriod = 2ms;

}  // namespace

class Agent::Impl {
 public:
  Impl(AgentPlace place, agent::Hello hello, Access& access, Listener* listener, Duration farewell)
      : place_(std::move(place)),
        hello_(std::move(hello)),
        access_(access),
        listener_(listener),
        farewell_(farewell),
        thread_([this] { run(); }) {}
  ~Impl() {
    inbox_->post([this] { stop(); });
    thread_.join();
  }

 private:
  void run() {
    auto listener = net::LocalListener::watch(
        loop_, place_.take_listening(),
        [this](std::unique_ptr<net::LocalConnection> connection) { on_connection(std::move(connection)); });
    if (listener) door_ = std::move(*listener);
    loop_.hold();
    loop_.run();
    inbox_->close();
  }

  void stop() {
    door_.reset();
    ends_at_ = loop_.now() + farewell_;
    look_for_end();
  }

  void look_for_end() {
    const bool is_any_expected =
        std::ranges::any_of(commands_, [](const auto& each) { return each.second->is_expected(); });
    if (!is_any_expected || loop_.now() >= ends_at_) return finish();
    end_timer_.set_after(kFarewellPeriod);
  }

  void finish() {
    for (const auto& [number, command] : std::exchange(commands_, {})) command->end();
    loop_.release();
    loop_.stop();
  }

  void on_connection(std::unique_ptr<net::LocalConnection> connection) {
    if (commands_.size() >= kCommandsMax) return;
    const std::uint64_t number = ++last_number_;
    // Answers may come when this agent is gone: then the inbox refuses them.
    AgentCommand::Post post = [this, number, inbox = inbox_](const std::function<void(AgentCommand&)>& task) {
      inbox->post([this, number, task] {
        const auto found = commands_.find(number);
        if (found != commands_.end()) task(*found->second);
      });
    };
    auto command =
        std::make_unique<AgentCommand>(loop_, std::move(connection), access_, listener_, std::move(post));
    AgentCommand& started = *(commands_[number] = std::move(command));
    started.start(hello_, [this, number] {
      auto over = commands_.extract(number);
      if (!over.empty()) loop_.retire(std::move(over.mapped()));
    });
  }

  AgentPlace place_;
  agent::Hello hello_;
  Access& access_;
  Listener* listener_;
  Duration farewell_;
  net::Loop loop_;
  // Shared with those who bring answers, and outlived by them.
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>(loop_);
  std::unique_ptr<net::LocalListener> door_;
  std::map<std::uint64_t, std::unique_ptr<AgentCommand>> commands_;
  std::uint64_t last_number_ = 0;
  Instant ends_at_{};
  net::Timer end_timer_{loop_, [this] { look_for_end(); }};
  std::thread thread_;
};

Agent::Agent(AgentPlace place, agent::Hello hello, Access& access, Listener* listener, Duration farewell)
    : impl_(std::make_unique<Impl>(std::move(place), std::move(hello), access, listener, farewell)) {}

Agent::~Agent() = default;

agent::Hello Agent::hello_of(const Options& options) {
  agent::Hello hello;
  hello.software = "callboard " CALLBOARD_VERSION;
  hello.process = static_cast<std::uint64_t>(::getpid());
  hello.project = options.project;
  hello.user = options.user;
  hello.server = options.server;
  hello.discovery_port = options.discovery_port;
  hello.ask_addresses = options.ask_addresses;
  if (const auto key = access_key_from(options.key)) hello.key = key->identity;
  return hello;
}

}  // namespace callboard::client
