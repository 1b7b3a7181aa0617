#include "tools/cli/json_object.h"

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace callboard::cli {
namespace {

std::string quoted_json(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A document may span lines; an event may not.
std::string on_one_line(const std::string& json) {
  const auto parsed = nlohmann::ordered_json::parse(json, nullptr, false);
  return parsed.is_discarded() ? "null" : parsed.dump();
}

struct Appender {
  std::string& out;

  void operator()(std::nullptr_t) const { out += "null"; }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { out += std::to_string(value); }
  void operator()(std::uint64_t value) const { out += std::to_string(value); }
  void operator()(const std::string& value) const { out += quoted_json(value); }
  void operator()(const JsonText& value) const { out += on_one_line(value.json); }
  void operator()(const std::vector<JsonValue>& values) const {
    out += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) out += ',';
      values[i].append_to(out);
    }
    out += ']';
  }
};

}  // namespace

JsonValue::JsonValue(const JsonObject& object) : value_(JsonText{object.text()}) {}

void JsonValue::append_to(std::string& out) const { std::visit(Appender{out}, value_); }

void JsonObject::add(std::string key, JsonValue value) {
  members_.emplace_back(std::move(key), std::move(value));
}

void JsonObject::add_bytes(const std::string& key, std::string_view bytes) {
  add(key, bytes);
  if (!is_utf8(bytes)) add(key + "_hex", to_hex(bytes));
}

std::string JsonObject::text() const {
  std::string out = "{";
  for (const auto& [key, value] : members_) {
    if (out.size() > 1) out += ',';
    out += quoted_json(key) + ':';
    value.append_to(out);
  }
  return out + '}';
}

}  // namespace callboard::cli
