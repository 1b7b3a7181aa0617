#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "client/access.h"
#include "client/agent_session.h"
#include "client/client.h"
#include "client/inbox.h"
#include "net/local_connection.h"
#include "net/timer.h"

namespace callboard::client {

// One command's connection to the agent: performs what it asks on the agent's Access and brings back the answers. On the
// agent's loop thread. Destroying it cancels its pulls.
class AgentCommand {
 public:
  // Runs the task on this thread with the command, if it still exists then. Thread: any.
  using Post = std::function<void(std::function<void(AgentCommand&)>)>;

  AgentCommand(net::Loop& loop, std::unique_ptr<net::LocalConnection> connection, Access& access,
               Listener* listener, Post post);
  ~AgentCommand();
  AgentCommand(const AgentCommand&) = delete;
  AgentCommand& operator=(const AgentCommand&) = delete;

  // `on_over`: the command has gone, or spoke garbage; destroy this then.
  void start(const agent::Hello& hello, std::function<void()> on_over);
  // Whether its first ask, or an answer that is not waiting for a server, is still to come, or on its way.
  bool is_expected() const;
  // The agent ends. Where that is because the server does not let this workstation in, what waits is told so; else it hears
  // that the agent has gone.
  void end();

 private:
  struct Waiting {
    agent::AgentSession::Asked asked;
    Instant since;
  };
  struct Pulling {
    std::shared_ptr<Transfer> transfer;
    PullProgress told;
    bool is_cancelled = false;
  };

  void on_bytes(ByteView bytes);
  void on_asked(agent::AgentSession::Asked asked);
  void on_cancelled(agent::AskId id);
  // Performs those that wait when there is a server by now, and refuses those that have waited long enough.
  void look_for_server();
  void perform(const agent::AgentSession::Asked& asked);
  void pull(agent::AskId id, const agent::Pull& ask);
  void call(agent::AskId id, const agent::MakeCall& ask);
  void tell_call_progress(agent::AskId id, const std::string& json);
  void tell_progress();
  template <class T>
  void answer_later(agent::AskId id, const Answer<T>& answer, std::function<void(const T&)> on_good = {});
  std::function<void(const WriteResult&)> on_written(DocumentName document) const;
  std::function<void(const std::uint64_t&)> on_said(const std::string& text) const;
  template <class T>
  Result<T> as_told(agent::AskId id, Result<T> result) const;
  template <class T>
  void answer(agent::AskId id, const Result<T>& result);

  net::Loop& loop_;
  std::unique_ptr<net::LocalConnection> connection_;
  Access& access_;
  Listener* listener_;
  Post post_;
  agent::AgentSession session_;
  std::function<void()> on_over_;
  bool has_asked_ = false;
  std::deque<Waiting> waiting_;
  std::map<agent::AskId, Pulling> pulls_;
  struct Calling {
    UniqueId op;
    bool is_cancelled = false;
  };
  std::map<agent::AskId, Calling> calls_;
  net::Timer server_timer_;
  net::Timer progress_timer_;
};

}  // namespace callboard::client
