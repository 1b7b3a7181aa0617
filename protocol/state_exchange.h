#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "protocol/client_action.h"
#include "protocol/message.h"
#include "protocol/server_action.h"

// How both sides agree on one of the three records that every project has (docs/protocol.md, 2.3):
//
//   server                        client
//   story                 ->                              offer
//                         <-      story {document, …}     claim
//   (appends it to the log)
//   story {winner}        ->
//                         <-      ok
//
// Assets go the same way, with items in place of the document. Deadlines are those of the join as a whole.
namespace callboard::protocol {

inline constexpr std::uint32_t kProtocolVersion = 1;

enum class SharedRecord { story, assets, analytics };
std::string_view to_text(SharedRecord record);

// Both halves: an error means that the other side broke the rules and names how; end the session with it.
class StateExchangeServer {
 public:
  enum class Step { awaiting_claim, awaiting_winner, awaiting_ok, finished };

  explicit StateExchangeServer(SharedRecord record) : record_(record) {}

  Step step() const { return step_; }
  SharedRecord record() const { return record_; }
  // What opens the exchange.
  ServerMessage offer() const;
  Result<std::vector<ServerAction>> on_message(ClientMessage message);
  // Only in awaiting_winner, and of this record (ENSURE).
  ServerAction settle(DocumentState state);
  ServerAction settle(Assets assets);

 private:
  SharedRecord record_;
  Step step_ = Step::awaiting_claim;
  bool has_base_ = false;  // The client has the document of revision `base_`, unchanged.
  std::uint64_t base_ = 0;
};

class StateExchangeClient {
 public:
  enum class Step { awaiting_offer, awaiting_claim, awaiting_winner, finished };

  explicit StateExchangeClient(SharedRecord record) : record_(record) {}

  Step step() const { return step_; }
  SharedRecord record() const { return record_; }
  Result<std::vector<ClientAction>> on_message(ServerMessage message);
  // Only in awaiting_claim, and of this record (ENSURE).
  ClientAction claim(DocumentClaim claim);
  ClientAction claim(AssetsClaim claim);

 private:
  SharedRecord record_;
  Step step_ = Step::awaiting_offer;
};

}  // namespace callboard::protocol
