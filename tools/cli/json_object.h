#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace callboard::cli {

// JSON that is already written, e.g. a stored document.
struct JsonText {
  std::string json;
};

class JsonObject;

// One value of an event. Light, so that no verb has to include the JSON library, the slowest header there is.
class JsonValue {
 public:
  JsonValue(std::nullptr_t) {}
  JsonValue(bool value) : value_(value) {}
  JsonValue(std::signed_integral auto value) : value_(static_cast<std::int64_t>(value)) {}
  JsonValue(std::unsigned_integral auto value) : value_(static_cast<std::uint64_t>(value)) {}
  JsonValue(const char* text) : value_(std::string(text)) {}
  JsonValue(std::string_view text) : value_(std::string(text)) {}
  JsonValue(std::string text) : value_(std::move(text)) {}
  JsonValue(JsonText text) : value_(std::move(text)) {}
  JsonValue(std::vector<JsonValue> values) : value_(std::move(values)) {}
  JsonValue(const JsonObject& object);

  // Appends it, on one line. Bytes that are not UTF-8 become U+FFFD.
  void append_to(std::string& out) const;

 private:
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, std::string, JsonText,
               std::vector<JsonValue>>
      value_;
};

// What --json prints for one event. Keys keep their order.
class JsonObject {
 public:
  using Member = std::pair<std::string, JsonValue>;
  JsonObject() = default;
  JsonObject(std::initializer_list<Member> members) : members_(members) {}

  // Not inline: g++ 12 believes that the parts of the variant which a moved value does not have are read.
  void add(std::string key, JsonValue value);
  // A path or any peer's bytes: KEY, and KEY_hex too when they are not UTF-8 and KEY cannot tell it all.
  void add_bytes(const std::string& key, std::string_view bytes);
  std::string text() const;

 private:
  std::vector<Member> members_;
};

}  // namespace callboard::cli
