#include "server/event.h"

#include <algorithm>
#include <array>

#include "base/document/value.h"
#include "base/text.h"

namespace callboard::server {
namespace {

constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 5> kKinds{"connection", "status", "warning", "error", "audit"};

std::string shown(const Event::Field::Value& value) {
  if (const auto* is_so = std::get_if<bool>(&value)) return *is_so ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return std::to_string(*number);
  return log_value(std::get<std::string>(value));
}

void append_value(const Event::Field::Value& value, std::string& json) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    document::append_quoted(*text, json);
  } else {
    json += shown(value);
  }
}

}  // namespace

std::string_view to_text(Event::Level level) { return kLevels.at(static_cast<std::size_t>(level)); }
std::string_view to_text(Event::Kind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

std::optional<Event::Level> level_from(std::string_view text) {
  const auto found = std::ranges::find(kLevels, text);
  if (found == kLevels.end()) return std::nullopt;
  return static_cast<Event::Level>(found - kLevels.begin());
}

std::string line_of(const Event& event) {
  std::string line = escaped(event.text);
  if (!event.user.empty()) line += " user=" + shown(event.user);
  for (const Event::Field& field : event.fields) line += " " + field.key + "=" + shown(field.value);
  return line;
}

std::string json_of(const Event& event) {
  std::string json =
      "{\"number\":" + std::to_string(event.number) + ",\"time\":" + std::to_string(event.time.ms);
  const auto add = [&](std::string_view key, std::string_view text) {
    json += ",\"";
    json += key;
    json += "\":";
    document::append_quoted(text, json);
  };
  add("level", to_text(event.level));
  add("kind", to_text(event.kind));
  if (!event.user.empty()) add("user", event.user);
  add("text", event.text);
  json += ",\"fields\":{";
  for (const Event::Field& field : event.fields) {
    if (json.back() != '{') json += ',';
    document::append_quoted(field.key, json);
    json += ':';
    append_value(field.value, json);
  }
  return json + "}}";
}

}  // namespace callboard::server
