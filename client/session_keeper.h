#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock_distance.h"
#include "client/connection.h"
#include "client/finder.h"
#include "client/last_server.h"
#include "client/workstation.h"

namespace callboard::client {

// Finds the server, joins, and after a lost connection does it again: first where the server was, then by
// asking the network, with a pause that doubles up to kPauseMax. Where a server was and something is silent
// now, it asks the network beside it, and the first that answers is taken. It comes back as the session that
// it was, where the server still keeps that. Asks made while there is no connection wait for one, and so do
// those whose answer was lost with one: they are asked again, first, which a server does nothing twice for. A
// session that another one of the same workstation takes the place of does not come back. One that is sent to
// another server joins there, or ends. Loop thread only.
class SessionKeeper {
 public:
  static constexpr Duration kPauseMin = 500ms;
  static constexpr Duration kPauseMax = 15s;
  // A server in the LAN greets in a few milliseconds; one that writes much to a slow disk may take longer.
  static constexpr Duration kSilenceMax = 500ms;
  // Servers that send their people to each other: how often that is followed, unless a session lasted for a
  // while between.
  static constexpr int kHopsMax = 3;
  static constexpr Duration kHopsForgotten = 60s;

  struct Options {
    // `wall` is set at every attempt, `workstation` from the folder, but for a visit.
    protocol::ClientIdentity identity;
    std::optional<net::Endpoint> server;  // Only this one.
    std::optional<AccessKey> key{};       // Joins only servers that have it, too.
    SearchOptions search;
    std::string folder;  // Where the last good address and the workstation's id are kept; empty: nowhere.
    bool rejoin = true;
    Duration pause_min = kPauseMin;
    Duration silence_max = kSilenceMax;  // At the last good address, before the network is asked, too.
    std::function<Duration()> clock_distance = callboard::clock_distance;
    bool waits_for_server = true;  // false: a server that is not found at once is an end, not a wait.
  };
  struct Handlers {
    Connection::ActionHandler on_action;
    // What is waited for: a server on the network, or the one that was given when that is silent for `search.wait`.
    std::function<void(const Error& why)> on_searching;
    // A session that was joined (or on its way) ended; another follows when `will_rejoin`. Otherwise this is the end.
    std::function<void(const Error& why, bool will_rejoin)> on_lost;
  };
  SessionKeeper(net::Loop& loop, Options options, Handlers handlers);
  ~SessionKeeper();

  void start() { attempt(); }
  // How long an ask waits for a server. `kept`: until there is one; somebody has written down what is asked.
  enum class Patience { usual, kept };
  // Answered exactly once: by the server, or with why there is no answer. A change whose author's clock is set before it is sent says
  // when it was made by the clock as it is then.
  void ask(protocol::ClientMessage message, Connection::AnswerHandler on_answer,
           Patience patience = Patience::usual, Connection::ProgressHandler on_progress = {});
  // Of one that was made when the clock had that distance; see clock_distance().
  void ask_made(protocol::ClientMessage message, Connection::AnswerHandler on_answer, Patience patience,
                Duration clock);
  Duration clock_distance() const { return options_.clock_distance(); }
  // The call that was asked with this op is answered as cancelled, if there still is one.
  void cancel_call(UniqueId op);
  // Told with the next turn, where there is a server; nobody answers.
  void tell(protocol::CallProgressed progress);
  // What is on its way waits from now on until there is a server.
  void set_kept(UniqueId operation);
  bool is_joined() const { return connection_ && was_joined_ && !connection_->is_over(); }
  Connection* connection() { return connection_.get(); }
  // Where the session is, or was last.
  const std::optional<net::Endpoint>& server() const { return current_; }
  // Says goodbye; on_lost(cancelled) is the last thing heard.
  void leave();
  // The same, because of what the server is like; on_lost(why) is the last thing heard.
  void give_up(const Error& why);

 private:
  struct Waiting {
    protocol::ClientMessage message;
    Connection::AnswerHandler on_answer;
    Instant deadline;
    Patience patience = Patience::usual;
    Connection::ProgressHandler on_progress;
    Duration clock{};  // Its distance as the message was stamped.
    bool was_sent = false;
    UniqueId server{};  // That it was sent to last.
  };
  using Sent = std::shared_ptr<Waiting>;

  void note(const protocol::ClientAction& next);
  void begin(Sent asked);
  void send(Sent sent);
  void refuse_calls_of_others();
  void on_answer(const Sent& sent, Result<protocol::ServerMessage> answer);
  void wait(Sent waiting);
  void set_waiting_timer();
  void attempt();
  void on_silence();
  void search();
  void on_found(const net::Endpoint& server);
  void on_nothing_found(const Error& why);
  void stop_searching();
  void connect(const net::Endpoint& to);
  void on_action(protocol::ClientAction action);
  void on_closed(const Error& why);
  // Where it is to go now; nullopt: nowhere, or once too often.
  std::optional<net::Endpoint> next_hop() const;
  void follow(const net::Endpoint& to, const Error& why);
  void pause(const Error& why);
  void end(const Error& why);
  void fail_waiting(const Error& why);
  void expire_waiting();

  net::Loop& loop_;
  Options options_;
  Handlers handlers_;
  LastServer last_server_;
  Workstation workstation_;
  std::optional<net::Endpoint> current_;
  std::unique_ptr<Finder> finder_;
  std::unique_ptr<Connection> connection_;
  std::deque<Sent> waiting_;            // In the order in which they are asked.
  std::map<UniqueId, Sent> in_flight_;  // Writes that a server may have.
  Duration grace_{0};                   // Of the session that is or was.
  UniqueId server_run_;                 // Of the connection that is or was.
  bool is_turned_away_ = false;         // Where it was last: with this key, or for want of one.
  std::optional<Error> nothing_found_;  // What the finder said while a connection was on its way.
  net::Timer pause_timer_;
  net::Timer silence_timer_;
  net::Timer waiting_timer_;
  Duration pause_;
  std::optional<net::Endpoint> sent_to_;  // By a server: where it has not joined yet.
  int hops_ = 0;
  Instant joined_;
  bool was_remembered_ = false;  // The present attempt goes to the last good address.
  bool was_joined_ = false;      // In the present connection.
  bool is_over_ = false;
};

}  // namespace callboard::client
