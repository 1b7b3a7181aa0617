#include "tools/cli/objects.h"

namespace callboard::cli {

JsonObject user_object(const client::User& user) {
  return {{"event", "user"},
          {"name", user.name},
          {"session", to_text(user.session)},
          {"host", user.host},
          {"shares", user.shares},
          {"joined", to_iso(user.joined)},
          {"at", user.at},
          {"at_since", user.at.empty() ? "" : to_iso(user.at_since)},
          {"camera", std::vector<JsonValue>{user.camera_x, user.camera_y}}};
}

JsonObject message_object(const client::Message& message) {
  return {{"event", "message"},
          {"number", message.number},
          {"user", message.user},
          {"text", message.text},
          {"time", to_iso(message.timestamp)}};
}

JsonObject asset_object(const std::string& item, const std::optional<client::AssetCopy>& copy) {
  JsonObject object{{"event", "asset"}, {"item", item}};
  if (!copy) {
    object.add("user", nullptr);
    return object;
  }
  object.add("user", copy->user);
  object.add("session", to_text(copy->session));
  object.add("modified", to_iso(copy->timestamp));
  return object;
}

JsonObject document_object(std::string_view event, const client::Document& document) {
  JsonObject object{{"event", event}, {"revision", document.revision}, {"by", document.by}};
  object.add("time", document.revision == 0 ? "" : to_iso(document.timestamp));
  return object;
}

JsonObject transfer_object(const client::TransferStatus& transfer) {
  return {{"event", "transfer"},
          {"transfer", transfer.transfer},
          {"giver", transfer.giver},
          {"taker", transfer.taker},
          {"item", transfer.item},
          {"bytes", transfer.bytes},
          {"bytes_per_second", transfer.bytes_per_second},
          {"started", to_iso(transfer.started)}};
}

}  // namespace callboard::cli
