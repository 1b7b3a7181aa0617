#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "client/access.h"
#include "client/agent_message.h"
#include "client/agent_replies.h"
#include "net/data_socket.h"

namespace callboard::client {

// Access through the agent of a project folder: asks go to it, and it brings the answers. Has one thread, which reads. When
// the agent goes, everything that is open is answered Outcome::interrupted.
class AgentClient : public Access {
 public:
  // not_found when the folder has no agent that answers soon; refused when it is of another version.
  static Result<std::unique_ptr<AgentClient>> connect(const std::string& folder);
  ~AgentClient() override;
  AgentClient(const AgentClient&) = delete;
  AgentClient& operator=(const AgentClient&) = delete;

  const agent::Hello& hello() const { return hello_; }

  Answer<Document> read(DocumentQuery query) override;
  Answer<WriteResult> change(DocumentChange change) override;
  Answer<History> history(HistoryQuery query) override;
  Answer<std::vector<Conflict>> conflicts(std::uint64_t since) override;
  Answer<Assets> assets() override;
  Answer<std::vector<User>> users() override;
  Answer<std::vector<Message>> messages(std::uint64_t since) override;
  Answer<std::uint64_t> say(std::string text) override;
  Answer<bool> at(std::string item) override;
  Answer<std::vector<Record>> records(std::string zone) override;
  Answer<std::uint64_t> record(RecordChange change) override;
  Answer<ServerStatus> status() override;
  Answer<std::vector<AuditEntry>> audit(std::uint64_t since) override;
  Answer<WorkstationStatus> workstation() override;
  Answer<std::string> call(std::string name, std::string arguments, CallOptions options) override;
  void cancel_call(UniqueId op) override;
  Answer<std::string> calls() override;
  std::shared_ptr<Transfer> pull(PullRequest request) override;
  Answer<std::vector<LookEntry>> look(std::string item, std::string from) override;
  // Pulls end when the agent says how far they came.
  void leave() override;

 private:
  using Answered = agent::Replies::Answered;
  class Pull;
  struct Open {
    std::function<void(const Result<Answered>&)> on_answer;
    std::shared_ptr<Pull> pull{};  // Null: something else.
    UniqueId call{};               // The op of a call; null: something else.
    std::function<void(std::string_view json)> on_progress{};
  };

  AgentClient(Fd socket) : socket_(std::move(socket)) {}
  Result<void> receive_hello();
  // Waits for what the agent says next.
  Result<agent::Replies::Event> receive();
  void run();
  void end(const Error& why);
  // What `open` has but for `on_answer`, which is made here.
  template <class T>
  Answer<typename T::Reply> ask(const T& ask, Open open);
  template <class T>
  Answer<typename T::Reply> ask(const T& one) {
    return ask(one, Open());
  }
  void on_call_progress(const agent::Replies::CallProgressed& progressed);
  void send(ByteView bytes);

  net::DataSocket socket_;
  agent::Replies replies_;  // Of the thread that reads.
  agent::Hello hello_;
  std::mutex sending_;
  std::mutex mutex_;  // Guards all below.
  std::map<agent::AskId, Open> open_;
  agent::AskId last_id_ = 0;
  std::optional<Error> ended_by_;
  std::thread thread_;
};

}  // namespace callboard::client
