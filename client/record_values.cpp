#include "client/record_values.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/document/parse.h"

namespace callboard::client {
namespace {

template <class T>
bool read_number(std::string_view json, T& value) {
  T number{};
  const char* const end = json.data() + json.size();
  const auto parsed = std::from_chars(json.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return false;
  value = number;
  return true;
}

}  // namespace

std::string to_json(bool value) { return value ? "true" : "false"; }
std::string to_json(std::int64_t value) { return std::to_string(value); }
std::string to_json(Timestamp value) { return std::to_string(value.ms); }
std::string to_json(UniqueId value) { return to_json(to_text(value)); }
std::string to_json(SessionId value) { return to_json(to_text(value)); }

// JSON has no word for what is no number.
std::string to_json(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

std::string to_json(std::string_view utf8) {
  std::string json;
  document::append_quoted(utf8, json);
  return json;
}

bool from_json(std::string_view json, bool& value) {
  if (json != "true" && json != "false") return false;
  value = json == "true";
  return true;
}

bool from_json(std::string_view json, std::int64_t& value) { return read_number(json, value); }
bool from_json(std::string_view json, double& value) { return read_number(json, value); }
bool from_json(std::string_view json, Timestamp& value) { return read_number(json, value.ms); }

bool from_json(std::string_view json, std::string& value) {
  const auto parsed = document::parse(json);
  if (!parsed || (*parsed)->string() == nullptr) return false;
  value = *(*parsed)->string();
  return true;
}

bool from_json(std::string_view json, UniqueId& value) {
  std::string text;
  if (!from_json(json, text)) return false;
  const auto id = unique_id_from(text);
  if (id) value = *id;
  return id.has_value();
}

bool from_json(std::string_view json, SessionId& value) {
  std::string text;
  if (!from_json(json, text)) return false;
  const auto id = session_id_from(text);
  if (id) value = *id;
  return id.has_value();
}

bool from_json(std::string_view json, RawJson& value) {
  value.text = json;
  return true;
}

bool from_json(std::string_view json, UserName& value) { return from_json(json, value.name); }
bool from_json(std::string_view json, ItemPath& value) { return from_json(json, value.path); }

bool elements_of(std::string_view json, std::vector<std::string>& elements) {
  const auto parsed = document::parse(json);
  if (!parsed || (*parsed)->array() == nullptr) return false;
  for (const document::ValuePtr& each : *(*parsed)->array()) elements.push_back(document::print(*each));
  return true;
}

std::map<std::string, std::string> members_of(std::string_view json) {
  std::map<std::string, std::string> members;
  const auto parsed = document::parse(json);
  if (!parsed || (*parsed)->object() == nullptr) return members;
  for (const document::Member& each : *(*parsed)->object()) members[each.key] = document::print(*each.value);
  return members;
}

}  // namespace callboard::client
