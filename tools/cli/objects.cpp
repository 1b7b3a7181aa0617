#include "tools/cli/objects.h"

#include <nlohmann/json.hpp>

namespace callboard::cli {

nlohmann::ordered_json user_object(const client::User& user) {
  return {{"event", "user"},
          {"name", user.name},
          {"session", to_text(user.session)},
          {"host", user.host},
          {"shares", user.shares},
          {"joined", to_iso(user.joined)},
          {"at", user.at},
          {"at_since", user.at.empty() ? "" : to_iso(user.at_since)},
          {"camera", {user.camera_x, user.camera_y}}};
}

nlohmann::ordered_json message_object(const client::Message& message) {
  return {{"event", "message"},
          {"number", message.number},
          {"user", message.user},
          {"text", message.text},
          {"time", to_iso(message.timestamp)}};
}

nlohmann::ordered_json asset_object(const std::string& item, const std::optional<client::AssetCopy>& copy) {
  nlohmann::ordered_json object{{"event", "asset"}, {"item", item}, {"user", nullptr}};
  if (!copy) return object;
  object["user"] = copy->user;
  object["session"] = to_text(copy->session);
  object["modified"] = to_iso(copy->timestamp);
  return object;
}

nlohmann::ordered_json document_object(std::string_view event, const client::Document& document) {
  nlohmann::ordered_json object{{"event", event}, {"revision", document.revision}, {"by", document.by}};
  object["time"] = document.revision == 0 ? "" : to_iso(document.timestamp);
  return object;
}

nlohmann::ordered_json transfer_object(const client::TransferStatus& transfer) {
  return {{"event", "transfer"},
          {"transfer", transfer.transfer},
          {"giver", transfer.giver},
          {"taker", transfer.taker},
          {"item", transfer.item},
          {"bytes", transfer.bytes},
          {"started", to_iso(transfer.started)}};
}

}  // namespace callboard::cli
