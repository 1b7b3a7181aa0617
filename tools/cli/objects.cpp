#include "tools/cli/objects.h"

#include <fmt/format.h>

#include "base/text.h"

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
          {"away", user.away},
          {"round_trip_us", user.round_trip_us == 0 ? JsonValue(nullptr) : JsonValue(user.round_trip_us)},
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

std::string_view name_of(client::DocumentName document) {
  return document == client::DocumentName::story ? "story" : "analytics";
}

std::string place_of(std::string_view pointer) { return pointer.empty() ? "as a whole" : escaped(pointer); }

std::string place_of(const client::Conflict& conflict) {
  if (conflict.places <= 1) return place_of(conflict.at);
  // What encloses them may be all of the document, and not all of that was changed.
  if (conflict.at.empty()) return fmt::format("in {} places", conflict.places);
  return fmt::format("{}, {} places within it", escaped(conflict.at), conflict.places);
}

namespace {

JsonObject side_object(const client::ConflictSide& side) {
  JsonObject object{{"revision", side.revision},
                    {"user", side.user},
                    {"session", to_text(side.session)},
                    {"time", to_iso(side.timestamp)}};
  if (!side.value.empty()) object.add("value", JsonText{side.value});
  return object;
}

}  // namespace

JsonObject conflict_object(const client::Conflict& conflict) {
  JsonObject object{{"event", "conflict"},
                    {"number", conflict.number},
                    {"document", name_of(conflict.document)},
                    {"at", conflict.at},
                    {"winner", side_object(conflict.winner)},
                    {"loser", side_object(conflict.loser)}};
  if (conflict.places > 1) object.add("places", conflict.places);
  return object;
}

JsonObject record_object(const client::Record& record) {
  return {{"event", "record"},
          {"path", record.path},
          {"class", record.record_class},
          {"owner", record.owner ? to_text(record.owner) : std::string()},
          {"user", record.owner_name},
          {"by", record.by},
          {"revision", record.revision},
          {"time", to_iso(record.timestamp)},
          {"fields", JsonText{record.fields}}};
}

JsonObject revision_object(const client::Revision& revision, client::DocumentName document) {
  JsonObject object{{"event", "revision"},
                    {"document", name_of(document)},
                    {"revision", revision.revision},
                    {"user", revision.user},
                    {"session", to_text(revision.session)},
                    {"time", to_iso(revision.timestamp)},
                    {"base", revision.base},
                    {"stands", revision.stands},
                    {"bytes", revision.size_bytes},
                    {"at", revision.at}};
  if (revision.settles != 0) object.add("settles", revision.settles);
  if (revision.places > 1) object.add("places", revision.places);
  if (revision.is_partly) object.add("partly", true);
  return object;
}

JsonObject audit_object(const client::AuditEntry& entry) {
  return {{"event", "audit"},   {"number", entry.number}, {"time", to_iso(entry.timestamp)},
          {"what", entry.what}, {"user", entry.user},     {"about", entry.about},
          {"key", entry.key},   {"from", entry.from},     {"text", entry.text}};
}

void add_progress(JsonObject& object, const client::PullProgress& progress) {
  const auto seconds_left = progress.seconds_left();
  object.add("files_done", progress.files_done);
  object.add("files_wanted", progress.files_wanted);
  object.add("bytes_done", progress.bytes_done);
  object.add("bytes_wanted", progress.bytes_wanted);
  object.add("is_total_known", progress.listed);
  object.add("files_total", progress.files_total);
  object.add("bytes_total", progress.bytes_total);
  object.add("files_reused", progress.files_reused);
  object.add("bytes_reused", progress.bytes_reused);
  object.add("files_left", progress.files_left());
  object.add("bytes_left", progress.bytes_left());
  object.add("bytes_per_second", progress.bytes_per_second);
  object.add("seconds_left", seconds_left ? JsonValue(*seconds_left) : JsonValue(nullptr));
  object.add("paused", progress.paused);
}

JsonObject transfer_object(const client::TransferStatus& transfer) {
  return {{"event", "transfer"},
          {"transfer", transfer.transfer},
          {"giver", transfer.giver},
          {"taker", transfer.taker},
          {"item", transfer.item},
          {"bytes", transfer.bytes},
          {"bytes_per_second", transfer.bytes_per_second},
          {"channel", transfer.channel},
          {"started", to_iso(transfer.started)}};
}

}  // namespace callboard::cli
