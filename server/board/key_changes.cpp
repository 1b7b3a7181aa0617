#include "server/board/key_changes.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/document/build.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/text.h"

namespace callboard::server {
namespace {

std::optional<KeyChange> key_change_from(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto id = unique_id_from(line.substr(0, first));
  Operation operation;
  const char* end = line.data() + second;
  const auto read = std::from_chars(line.data() + first + 1, end, operation.timestamp.ms);
  if (!id || read.ec != std::errc{} || read.ptr != end || operation.timestamp.ms < 0) return std::nullopt;
  operation.value = std::make_shared<const std::string>(line.substr(second + 1));
  KeyChange change{.id = *id, .entry = audit_entry_of(0, operation)};
  if (change.entry.what.empty()) return std::nullopt;
  if (const auto fields = document::parse(*operation.value)) {
    change.entry.user = document::text_in(**fields, "user");
    change.replaces = document::text_in(**fields, "replaces");
  }
  return change;
}

}  // namespace

std::string role_text(const KeyEntry& entry) { return "role " + escaped(entry.role, 64); }

std::vector<AuditEntry> changes_between(const KeyRing& before, const KeyRing& now) {
  std::vector<AuditEntry> changes;
  for (const KeyEntry& each : now.entries()) {
    const KeyEntry* old = before.find_name(each.name);
    const bool is_same = old != nullptr && old->key.identity == each.key.identity && old->role == each.role;
    if (is_same) continue;
    changes.push_back({.what = old == nullptr ? "key_add" : "key_rotate",
                       .about = each.name,
                       .key = each.key.identity,
                       .text = role_text(each)});
  }
  for (const KeyEntry& each : before.entries()) {
    if (now.find_name(each.name) == nullptr)
      changes.push_back({.what = "key_revoke", .about = each.name, .key = each.key.identity});
  }
  return changes;
}

std::string to_line(const KeyChange& change) {
  const Operation operation = operation_of(change.entry, change.id);
  document::Object fields = *document::parse(*operation.value).value()->object();
  // Who an operation is of stands beside its value.
  if (!operation.user.empty()) fields.push_back({"user", document::make_text(operation.user)});
  if (!change.replaces.empty()) fields.push_back({"replaces", document::make_text(change.replaces)});
  return to_text(change.id) + " " + std::to_string(operation.timestamp.ms) + " " +
         print(*document::make_value(std::move(fields))) + "\n";
}

KeyChanges key_changes_from(ByteView bytes) {
  KeyChanges read;
  std::string_view lines = as_text(bytes);
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    if (auto change = key_change_from(line)) {
      read.changes.push_back(std::move(*change));
    } else if (!line.empty()) {
      read.not_understood.emplace_back(line);
    }
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return read;
}

std::string to_lines(const KeyChanges& changes) {
  std::string lines;
  for (const KeyChange& each : changes.changes) lines += to_line(each);
  for (const std::string& each : changes.not_understood) lines += each + "\n";
  return lines;
}

}  // namespace callboard::server
