// The special members of the types that are one of many.
#include "protocol/client_action.h"
#include "protocol/client_message.h"
#include "protocol/server_action.h"
#include "protocol/server_message.h"

namespace callboard::protocol {

ClientMessage::ClientMessage() = default;
ClientMessage::ClientMessage(const ClientMessage&) = default;
ClientMessage::ClientMessage(ClientMessage&&) noexcept = default;
ClientMessage& ClientMessage::operator=(const ClientMessage&) = default;
ClientMessage& ClientMessage::operator=(ClientMessage&&) noexcept = default;
ClientMessage::~ClientMessage() = default;

ServerMessage::ServerMessage() = default;
ServerMessage::ServerMessage(const ServerMessage&) = default;
ServerMessage::ServerMessage(ServerMessage&&) noexcept = default;
ServerMessage& ServerMessage::operator=(const ServerMessage&) = default;
ServerMessage& ServerMessage::operator=(ServerMessage&&) noexcept = default;
ServerMessage::~ServerMessage() = default;

ClientAction::ClientAction() = default;
ClientAction::ClientAction(const ClientAction&) = default;
ClientAction::ClientAction(ClientAction&&) noexcept = default;
ClientAction& ClientAction::operator=(const ClientAction&) = default;
ClientAction& ClientAction::operator=(ClientAction&&) noexcept = default;
ClientAction::~ClientAction() = default;

ServerAction::ServerAction() = default;
ServerAction::ServerAction(const ServerAction&) = default;
ServerAction::ServerAction(ServerAction&&) noexcept = default;
ServerAction& ServerAction::operator=(const ServerAction&) = default;
ServerAction& ServerAction::operator=(ServerAction&&) noexcept = default;
ServerAction::~ServerAction() = default;

}  // namespace callboard::protocol
