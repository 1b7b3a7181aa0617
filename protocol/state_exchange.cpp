#include "protocol/state_exchange.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/ensure.h"
#include "protocol/codec.h"
#include "protocol/faults.h"

namespace callboard::protocol {

namespace {

SharedRecord shared(DocumentRecord record) {
  return record == DocumentRecord::story ? SharedRecord::story : SharedRecord::analytics;
}

DocumentRecord document_record(SharedRecord record) {
  ENSURE(record != SharedRecord::assets);
  return record == SharedRecord::story ? DocumentRecord::story : DocumentRecord::analytics;
}

// Whether `message` is the step's one right message: of type Document about this very record, or of type Items when the
// record is assets.
template <class Document, class Items, class Message>
bool belongs(SharedRecord record, const Message& message) {
  if (const auto* document = std::get_if<Document>(&message)) return shared(document->record) == record;
  return record == SharedRecord::assets && std::holds_alternative<Items>(message);
}

template <class Message>
Error unexpected_in(SharedRecord record, const Message& message) {
  return unexpected(to_text(record), verb_of(message)).prefixed(fmt::format("join: {}", to_text(record)));
}

// An answer belongs to no exchange, though its type is that of a result.
bool is_answer(const ServerMessage& message) {
  if (const auto* state = std::get_if<DocumentState>(&message)) return state->re.has_value();
  if (const auto* assets = std::get_if<Assets>(&message)) return assets->re.has_value();
  return false;
}

}  // namespace

std::string_view to_text(SharedRecord record) {
  switch (record) {
    case SharedRecord::story:
      return "story";
    case SharedRecord::assets:
      return "assets";
    case SharedRecord::analytics:
      return "analytics";
  }
  return "";
}

// --- Server ---------------------------------------------------------------------------------------------------------

ServerMessage StateExchangeServer::offer() const {
  if (record_ == SharedRecord::assets) return AssetsOffer{};
  return DocumentOffer{document_record(record_)};
}

Result<std::vector<ServerAction>> StateExchangeServer::on_message(ClientMessage message) {
  using Actions = std::vector<ServerAction>;
  switch (step_) {
    case Step::awaiting_claim: {
      if (!belongs<DocumentClaim, AssetsClaim>(record_, message)) return unexpected_in(record_, message);
      step_ = Step::awaiting_winner;
      if (auto* items = std::get_if<AssetsClaim>(&message)) {
        return Actions{server_action::AssetsClaimed{std::move(*items)}};
      }
      auto& claim = std::get<DocumentClaim>(message);
      has_base_ = claim.document == nullptr;
      base_ = claim.base;
      return Actions{server_action::DocumentClaimed{std::move(claim)}};
    }
    case Step::awaiting_winner:
      return out_of_turn(verb_of(message), fmt::format("the server decides on {}", to_text(record_)));
    case Step::awaiting_ok:
      if (!std::holds_alternative<JoinOk>(message)) {
        return unexpected("ok", verb_of(message)).prefixed(fmt::format("join: {}", to_text(record_)));
      }
      step_ = Step::finished;
      return Actions{};
    case Step::finished:
      break;
  }
  return unexpected_in(record_, message);
}

ServerAction StateExchangeServer::settle(DocumentState state) {
  ENSURE(step_ == Step::awaiting_winner && shared(state.record) == record_ && !state.re);
  // Who claims a document of their own made from the winner may no longer have the winner itself.
  if (state.revision == 0 || (has_base_ && state.revision == base_)) state.document = nullptr;
  step_ = Step::awaiting_ok;
  return server_action::Send{std::move(state)};
}

ServerAction StateExchangeServer::settle(Assets assets) {
  ENSURE(step_ == Step::awaiting_winner && record_ == SharedRecord::assets && !assets.re);
  step_ = Step::awaiting_ok;
  return server_action::Send{std::move(assets)};
}

// --- Client ---------------------------------------------------------------------------------------------------------

Result<std::vector<ClientAction>> StateExchangeClient::on_message(ServerMessage message) {
  using Actions = std::vector<ClientAction>;
  switch (step_) {
    case Step::awaiting_offer:
      if (!belongs<DocumentOffer, AssetsOffer>(record_, message)) return unexpected_in(record_, message);
      step_ = Step::awaiting_claim;
      if (record_ == SharedRecord::assets) return Actions{client_action::AssetsWanted{}};
      return Actions{client_action::DocumentWanted{document_record(record_)}};
    case Step::awaiting_claim:
      return out_of_turn(verb_of(message), fmt::format("the client prepares its {}", to_text(record_)));
    case Step::awaiting_winner: {
      if (!belongs<DocumentState, Assets>(record_, message) || is_answer(message)) {
        return unexpected_in(record_, message);
      }
      step_ = Step::finished;
      Actions actions;
      if (auto* assets = std::get_if<Assets>(&message)) {
        actions.push_back(client_action::AssetsSettled{std::move(*assets)});
      } else {
        actions.push_back(client_action::DocumentSettled{std::get<DocumentState>(std::move(message))});
      }
      actions.push_back(client_action::Send{JoinOk{}});
      return actions;
    }
    case Step::finished:
      break;
  }
  return unexpected_in(record_, message);
}

ClientAction StateExchangeClient::claim(DocumentClaim claim) {
  ENSURE(step_ == Step::awaiting_claim && shared(claim.record) == record_);
  ENSURE((claim.document == nullptr) == !claim.op);
  step_ = Step::awaiting_winner;
  return client_action::Send{std::move(claim)};
}

ClientAction StateExchangeClient::claim(AssetsClaim claim) {
  ENSURE(step_ == Step::awaiting_claim && record_ == SharedRecord::assets);
  step_ = Step::awaiting_winner;
  return client_action::Send{std::move(claim)};
}

}  // namespace callboard::protocol
