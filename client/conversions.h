#pragma once

#include <vector>

#include "client/types.h"
#include "protocol/message.h"

// What the wire says, as the values that callers see.
namespace callboard::client {

User to_user(const protocol::User& user);
std::vector<User> to_users(const std::vector<protocol::User>& users);
std::vector<Departure> to_departures(const std::vector<protocol::UserLeft>& left);
std::vector<Message> to_messages(const std::vector<protocol::UserMessage>& messages);
Assets to_assets(const protocol::Assets& assets);
AssetChanges to_asset_changes(const protocol::Assets& assets);
std::vector<AuditEntry> to_audit(const std::vector<protocol::AuditEntry>& entries);
ServerStatus to_status(const protocol::Status& status);
Revision to_revision(const protocol::Revision& revision);
std::vector<Conflict> to_conflicts(const std::vector<protocol::Conflict>& conflicts);
protocol::DocumentRecord wire_record(DocumentName name);
// Without its text where the server left it out.
Document to_document(const protocol::DocumentState& state);

}  // namespace callboard::client
