#pragma once

#include <nlohmann/json_fwd.hpp>

#include "client/types.h"

// The JSON objects that --json prints for the same thing in every verb.
namespace callboard::cli {

nlohmann::ordered_json user_object(const client::User& user);
nlohmann::ordered_json message_object(const client::Message& message);
nlohmann::ordered_json asset_object(const std::string& item, const std::optional<client::AssetCopy>& copy);
// Without the document itself.
nlohmann::ordered_json document_object(std::string_view event, const client::Document& document);
nlohmann::ordered_json transfer_object(const client::TransferStatus& transfer);

}  // namespace callboard::cli
