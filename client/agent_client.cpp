#include "client/agent_client.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "client/agent_place.h"
#include "net/local_socket.h"

namespace callboard::client {
namespace {

// It greets whoever connects, from a thread that never waits; one that takes longer is stopped or hangs.
constexpr Duration kHelloLimit = 3s;

Error left() { return {Outcome::cancelled, "stopped"}; }

}  // namespace

class AgentClient::Pull : public Transfer {
 public:
  explicit Pull(AgentClient& agent) : agent_(agent) {}

  PullProgress progress() const override {
    const std::lock_guard lock(mutex_);
    return progress_;
  }
  void cancel() override { agent_.send(agent::Replies::cancel(id)); }
  Answer<PullReport> report() const override { return answer; }
  void set(PullProgress progress) {
    const std::lock_guard lock(mutex_);
    progress_ = std::move(progress);
  }

  agent::AskId id = 0;
  Answer<PullReport> answer;

 private:
  AgentClient& agent_;
  mutable std::mutex mutex_;
  PullProgress progress_;
};

Result<std::unique_ptr<AgentClient>> AgentClient::connect(const std::string& folder) {
  const Fd directory(::open((folder + "/.callboard").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return os_error("open " + quoted(folder + "/.callboard"), errno);
  auto socket = net::connect_local(directory.get(), AgentPlace::kSocket);
  if (!socket) return socket.error();
  std::unique_ptr<AgentClient> agent(new AgentClient(std::move(*socket)));
  if (auto greeted = agent->receive_hello(); !greeted) return greeted.error().prefixed("the agent");
  agent->thread_ = std::thread([client = agent.get()] { client->run(); });
  return agent;
}

AgentClient::~AgentClient() {
  socket_.interrupt();
  if (thread_.joinable()) thread_.join();
}

Result<void> AgentClient::receive_hello() {
  if (auto set = socket_.set_silence_limit(kHelloLimit); !set) return set;
  auto event = receive();
  if (!event) return Error{Outcome::not_found, event.error().text};
  hello_ = std::get<agent::Hello>(std::move(*event));
  if (hello_.protocol != agent::kProtocol) {
    return Error{Outcome::refused, "is of another version; start `callboard join` anew"};
  }
  return socket_.set_silence_limit(std::nullopt);
}

Result<agent::Replies::Event> AgentClient::receive() {
  std::array<std::byte, 64 * KiB> buffer;
  for (;;) {
    auto event = replies_.next();
    if (!event) return event.error();
    if (*event) return std::move(**event);
    const auto size_bytes = socket_.read_some(buffer);
    if (!size_bytes) return size_bytes.error();
    if (*size_bytes == 0) return Error{Outcome::interrupted, "has gone"};
    replies_.push(ByteView(buffer).first(*size_bytes));
  }
}

void AgentClient::run() {
  for (;;) {
    const auto event = receive();
    if (!event) {
      return end({Outcome::interrupted, "`callboard join` here, process " + std::to_string(hello_.process) +
                                            ", which did it, has gone"});
    }
    Open open;
    if (const auto* progressed = std::get_if<agent::Replies::Progressed>(&*event)) {
      const std::lock_guard lock(mutex_);
      const auto found = open_.find(progressed->id);
      if (found != open_.end() && found->second.pull) found->second.pull->set(progressed->progress);
    } else if (const auto* called = std::get_if<agent::Replies::CallProgressed>(&*event)) {
      on_call_progress(*called);
    } else if (const auto* answered = std::get_if<Answered>(&*event)) {
      {
        const std::lock_guard lock(mutex_);
        if (auto found = open_.extract(answered->id); !found.empty()) open = std::move(found.mapped());
      }
      if (open.on_answer) open.on_answer(*answered);
    }
  }
}

void AgentClient::end(const Error& why) {
  std::map<agent::AskId, Open> open;
  {
    const std::lock_guard lock(mutex_);
    if (!ended_by_) ended_by_ = why;
    open.swap(open_);
  }
  for (const auto& [id, each] : open) each.on_answer(why);
}

void AgentClient::on_call_progress(const agent::Replies::CallProgressed& progressed) {
  std::function<void(std::string_view)> tell;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(progressed.id);
    if (found != open_.end()) tell = found->second.on_progress;
  }
  if (tell) tell(progressed.json);
}

void AgentClient::leave() {
  std::map<agent::AskId, Open> open;
  std::vector<agent::AskId> cancelled;
  {
    const std::lock_guard lock(mutex_);
    ended_by_ = left();
    for (auto it = open_.begin(); it != open_.end();) {
      if (it->second.call) cancelled.push_back(it->first);
      if (it->second.pull) {
        cancelled.push_back(it++->first);
      } else {
        open.insert(open_.extract(it++));
      }
    }
  }
  for (const agent::AskId id : cancelled) send(agent::Replies::cancel(id));
  for (const auto& [id, each] : open) each.on_answer(left());
}

void AgentClient::send(ByteView bytes) {
  const std::lock_guard lock(sending_);
  // That it fails shows where answers are read.
  static_cast<void>(socket_.write(bytes));
}

template <class T>
Answer<typename T::Reply> AgentClient::ask(const T& ask, Open open) {
  using Reply = typename T::Reply;
  Answer<Reply> answer;
  agent::AskId id = 0;
  {
    const std::lock_guard lock(mutex_);
    if (ended_by_) {
      answer.set(*ended_by_);
      return answer;
    }
    id = ++last_id_;
    if (open.pull) open.pull->id = id;
    open.on_answer = [answer](const Result<Answered>& answered) {
      answer.set(answered ? agent::Replies::to_result<Reply>(*answered) : Result<Reply>(answered.error()));
    };
    open_[id] = std::move(open);
  }
  send(agent::Replies::ask(id, ask));
  return answer;
}

Answer<Document> AgentClient::read(DocumentQuery query) { return ask(agent::ReadDocument{std::move(query)}); }

Answer<WriteResult> AgentClient::change(DocumentChange change) {
  return ask(agent::ChangeDocument{std::move(change)});
}

Answer<History> AgentClient::history(HistoryQuery query) { return ask(agent::ListHistory{std::move(query)}); }

Answer<std::vector<Conflict>> AgentClient::conflicts(std::uint64_t since) {
  return ask(agent::ListConflicts{since});
}

Answer<Assets> AgentClient::assets() { return ask(agent::ListAssets{}); }

Answer<std::vector<User>> AgentClient::users() { return ask(agent::ListUsers{}); }

Answer<std::vector<Message>> AgentClient::messages(std::uint64_t since) {
  return ask(agent::ListMessages{since});
}

Answer<std::uint64_t> AgentClient::say(std::string text) { return ask(agent::Say{std::move(text)}); }

Answer<bool> AgentClient::at(std::string item) { return ask(agent::GoTo{std::move(item)}); }

Answer<ServerStatus> AgentClient::status() { return ask(agent::AskServer{}); }

Answer<std::vector<AuditEntry>> AgentClient::audit(std::uint64_t since) {
  return ask(agent::ListAudit{since});
}

Answer<WorkstationStatus> AgentClient::workstation() { return ask(agent::AskWorkstation{}); }

Answer<std::string> AgentClient::call(std::string name, std::string arguments, CallOptions options) {
  agent::MakeCall ask{std::move(name), std::move(arguments), options.deadline, options.op};
  if (!ask.op) ask.op = make_operation_id(system_clock().wall(), system_random());
  Open open;
  open.call = ask.op;
  open.on_progress = std::move(options.on_progress);
  return this->ask(ask, std::move(open));
}

void AgentClient::cancel_call(UniqueId op) {
  agent::AskId id = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(open_, [op](const auto& each) { return each.second.call == op; });
    if (found == open_.end()) return;
    id = found->first;
  }
  send(agent::Replies::cancel(id));
}

Answer<std::string> AgentClient::calls() { return ask(agent::ListCalls{}); }

std::shared_ptr<Transfer> AgentClient::pull(PullRequest request) {
  auto pull = std::make_shared<Pull>(*this);
  ask(agent::Pull{std::move(request)}, {.on_answer = {}, .pull = pull})
      .then([answer = pull->answer](const Result<PullReport>& report) { answer.set(report); });
  return pull;
}

Answer<std::vector<LookEntry>> AgentClient::look(std::string item, std::string from) {
  return ask(agent::Look{std::move(item), std::move(from)});
}

}  // namespace callboard::client
