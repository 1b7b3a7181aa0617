#pragma once

#include "client/types.h"
#include "tools/cli/json_object.h"

// The JSON objects that --json prints for the same thing in every verb.
namespace callboard::cli {

JsonObject user_object(const client::User& user);
JsonObject message_object(const client::Message& message);
JsonObject asset_object(const std::string& item, const std::optional<client::AssetCopy>& copy);
// Without the document itself.
JsonObject document_object(std::string_view event, const client::Document& document);
JsonObject transfer_object(const client::TransferStatus& transfer);

}  // namespace callboard::cli
