#include "server/board/audit_entry.h"

#include <utility>

#include "base/document/parse.h"

namespace callboard::server {

Operation operation_of(AuditEntry entry, UniqueId id) {
  document::Object object;
  const auto add = [&](const char* key, std::string& text) {
    if (!text.empty()) object.push_back({key, document::make_value(std::move(text))});
  };
  add("what", entry.what);
  add("about", entry.about);
  add("key", entry.key);
  add("from", entry.from);
  add("text", entry.text);
  Operation operation;
  operation.id = id;
  operation.session = entry.session;
  operation.user = std::move(entry.user);
  operation.timestamp = entry.timestamp;
  operation.record = Record::audit;
  operation.value = std::make_shared<const std::string>(print(*document::make_value(std::move(object))));
  return operation;
}

AuditEntry audit_entry_of(std::uint64_t sequence, const Operation& operation) {
  AuditEntry entry;
  entry.number = sequence;
  entry.timestamp = operation.timestamp;
  entry.session = operation.session;
  entry.user = operation.user;
  const auto root = document::parse(*operation.value);
  const auto field = [&](std::string_view key) -> std::string {
    const document::ValuePtr value = root ? (*root)->member(key) : nullptr;
    const std::string* text = value == nullptr ? nullptr : value->string();
    return text == nullptr ? "" : *text;
  };
  entry.what = field("what");
  entry.about = field("about");
  entry.key = field("key");
  entry.from = field("from");
  entry.text = field("text");
  return entry;
}

}  // namespace callboard::server
