#include "client/conversions.h"

#include <algorithm>

namespace callboard::client {
namespace {

AssetCopy to_copy(const protocol::AssetCopy& copy) { return {copy.user, copy.session, copy.timestamp}; }

}  // namespace

User to_user(const protocol::User& user) {
  User result;
  result.session = user.session;
  result.name = user.name;
  result.host = user.host;
  result.shares = user.shares;
  result.joined = user.joined;
  result.at = user.at;
  result.at_since = user.since;
  result.camera_x = user.camera.x;
  result.camera_y = user.camera.y;
  result.away = user.away;
  result.round_trip_us = user.round_trip_us;
  return result;
}

std::vector<User> to_users(const std::vector<protocol::User>& users) {
  std::vector<User> result;
  for (const protocol::User& each : users) result.push_back(to_user(each));
  return result;
}

std::vector<Departure> to_departures(const std::vector<protocol::UserLeft>& left) {
  std::vector<Departure> result;
  for (const protocol::UserLeft& each : left) result.push_back({each.session, each.name, each.reason});
  return result;
}

std::vector<Message> to_messages(const std::vector<protocol::UserMessage>& messages) {
  std::vector<Message> result;
  for (const protocol::UserMessage& each : messages) {
    result.push_back({each.number, each.user, each.text, each.timestamp});
  }
  return result;
}

Assets to_assets(const protocol::Assets& assets) {
  Assets result;
  for (const auto& [item, copy] : assets.items) {
    if (copy) result.emplace(item, to_copy(*copy));
  }
  return result;
}

AssetChanges to_asset_changes(const protocol::Assets& assets) {
  AssetChanges result;
  for (const auto& [item, copy] : assets.items) {
    result.emplace(item, copy ? std::optional(to_copy(*copy)) : std::nullopt);
  }
  return result;
}

ServerStatus to_status(const protocol::Status& status) {
  ServerStatus result;
  result.project = status.project;
  result.server = status.server;
  result.software = status.software;
  result.started = status.started;
  result.clock = status.clock;
  result.sessions = status.sessions;
  result.away = status.away;
  result.visits = status.visits;
  result.connections = status.connections;
  result.revision = status.revision;
  result.memory_bytes = status.memory;
  result.read_only = status.read_only;
  for (const protocol::TransferStatus& each : status.transfers) {
    result.transfers.push_back({each.transfer, each.giver, each.taker, each.item, each.bytes, each.started,
                                each.rate, each.channel});
  }
  return result;
}

std::vector<AuditEntry> to_audit(const std::vector<protocol::AuditEntry>& entries) {
  std::vector<AuditEntry> result;
  for (const protocol::AuditEntry& each : entries) {
    result.push_back(
        {each.number, each.timestamp, each.user, each.what, each.about, each.key, each.from, each.text});
  }
  return result;
}

Revision to_revision(const protocol::Revision& revision) {
  return {revision.revision, revision.user,
          revision.session,  revision.timestamp,
          revision.base,     revision.stands,
          revision.bytes,    revision.at,
          revision.settles,  std::max<std::uint64_t>(revision.places, 1),
          revision.partly};
}

std::vector<Conflict> to_conflicts(const std::vector<protocol::Conflict>& conflicts) {
  std::vector<Conflict> result;
  const auto side = [](const protocol::ConflictSide& of) {
    return ConflictSide{of.revision, of.user, of.session, of.timestamp, of.value};
  };
  for (const protocol::Conflict& each : conflicts) {
    const bool is_story = each.document == protocol::DocumentRecord::story;
    result.push_back({each.number, is_story ? DocumentName::story : DocumentName::analytics, each.at,
                      side(each.winner), side(each.loser), std::max<std::uint64_t>(each.places, 1)});
  }
  return result;
}

protocol::DocumentRecord wire_record(DocumentName name) {
  return name == DocumentName::story ? protocol::DocumentRecord::story : protocol::DocumentRecord::analytics;
}

Document to_document(const protocol::DocumentState& state) {
  return {state.document, state.revision, state.by, state.session, state.timestamp};
}

}  // namespace callboard::client
