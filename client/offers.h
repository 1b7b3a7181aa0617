#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "client/answer.h"
#include "client/inbox.h"
#include "client/offered_call.h"
#include "client/session_keeper.h"
#include "protocol/message.h"

namespace callboard::client {

// What a client offers to be called for: told to the server at every join, and carried out. Client's thread only, but for
// the calls that it hands out.
class Offers {
 public:
  // `inbox` outlives the calls that are handed out: they hold it.
  // `on_refused`: what was offered before is so no more, since another connection.
  Offers(SessionKeeper& session, std::shared_ptr<Inbox> inbox, std::function<void(const Error&)> on_refused)
      : session_(session), inbox_(std::move(inbox)), on_refused_(std::move(on_refused)) {}
  ~Offers();

  // Replaces what was offered; answered by the server that there is, or by the next.
  void offer(std::string descriptions, OfferHandler handler, const Answer<bool>& answer);
  void on_joined();
  void on_told(const protocol::CallTell& tell);
  void on_told(const protocol::CallCancelTell& tell);
  // The server has answered all of them by now.
  void on_lost();

 private:
  class Call;
  void ask(const Answer<bool>& answer);
  void answer(std::uint64_t number, const Result<std::string>& json);
  void progress(std::uint64_t number, std::string json);
  void end(std::uint64_t number);

  SessionKeeper& session_;
  std::shared_ptr<Inbox> inbox_;
  std::function<void(const Error&)> on_refused_;
  protocol::Document descriptions_;  // Null: nothing.
  std::size_t asked_ = 0;            // Offers on their way, or waiting.
  OfferHandler handler_;
  std::uint64_t last_number_ = 0;  // Of our own: the server's begin anew with it.
  struct Running {
    protocol::CallId call = 0;
    std::weak_ptr<Call> handed_out;
  };
  std::map<std::uint64_t, Running> running_;
};

}  // namespace callboard::client
