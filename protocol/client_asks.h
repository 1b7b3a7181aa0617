#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "protocol/client_action.h"
#include "protocol/message.h"

namespace callboard::protocol {

// A session's asks on the client: queued → sent in a turn of ours → answered. Every one is answered exactly once, by the
// server, by its deadline, or by the end of the session.
class ClientAsks {
 public:
  // Queues it under an id of its own.
  AskId add(ClientMessage ask, Instant now);
  // Takes the asks for one turn: as many as the server's limits permit.
  std::vector<ClientMessage> take_sendable();
  bool has_sendable() const;
  // nullopt: its time was over and it is answered already; to a write it is a tell then, of the document as it is now. An
  // error: nothing of that id was asked.
  Result<std::optional<ClientAction>> on_answer(ServerMessage answer);
  // Those that wait with a document of more than that, as refused.
  std::vector<client_action::Answered> refuse_larger_than(std::uint64_t document_max);
  // Those whose deadline has come.
  std::vector<client_action::Answered> on_time(Instant now);
  // Everything that is left, as interrupted.
  std::vector<client_action::Answered> interrupt(const std::string& reason);
  std::optional<Instant> next_deadline() const;

  // Those that the owner still waits for.
  std::size_t unanswered() const { return asked_.size(); }

 private:
  AskId next_free_id();
  // False: it was answered before.
  bool forget(AskId id);

  AskId last_id_ = 0;
  std::deque<ClientMessage> queue_;
  struct Sent {
    std::uint64_t weight_bytes = 0;
    bool is_write = false;
  };
  std::map<AskId, Sent> in_flight_;  // The late ones as well.
  std::uint64_t weight_bytes_ = 0;
  struct Asked {
    Instant deadline;
    Instant since;
  };
  std::map<AskId, Asked> asked_;             // All that are not answered yet, queued or sent.
  std::set<std::pair<Instant, AskId>> due_;  // The same by their deadlines.
};

}  // namespace callboard::protocol
