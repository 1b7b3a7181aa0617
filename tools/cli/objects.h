#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client/types.h"
#include "tools/cli/json_object.h"

// The JSON objects that --json prints for the same thing in every verb.
namespace callboard::cli {

std::string_view name_of(client::DocumentName document);
// A pointer for people: "as a whole" for the empty one.
std::string place_of(std::string_view pointer);
// The same, and how many places there where it is about many.
std::string place_of(const client::Conflict& conflict);

JsonObject user_object(const client::User& user);
JsonObject message_object(const client::Message& message);
JsonObject asset_object(const std::string& item, const std::optional<client::AssetCopy>& copy);
// Without the document itself.
JsonObject document_object(std::string_view event, const client::Document& document);
JsonObject conflict_object(const client::Conflict& conflict);
JsonObject record_object(const client::Record& record);
JsonObject revision_object(const client::Revision& revision, client::DocumentName document);
JsonObject audit_object(const client::AuditEntry& entry);
// How far a pull is, to whatever says which.
void add_progress(JsonObject& object, const client::PullProgress& progress);
JsonObject transfer_object(const client::TransferStatus& transfer);

}  // namespace callboard::cli
