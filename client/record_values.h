#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

// The values that fields of records have in C++, and back from JSON text. Thread: any.
namespace callboard::client {

// A value of any kind, as it is written in JSON.
struct RawJson {
  std::string text = "null";
  friend bool operator==(const RawJson&, const RawJson&) = default;
};
// A user's name as shown, and a path in the project: texts that the server checks.
struct UserName {
  std::string name;
  friend bool operator==(const UserName&, const UserName&) = default;
};
struct ItemPath {
  std::string path = "/";
  friend bool operator==(const ItemPath&, const ItemPath&) = default;
};

std::string to_json(bool value);
std::string to_json(std::int64_t value);
std::string to_json(double value);
std::string to_json(std::string_view utf8);
std::string to_json(Timestamp value);
std::string to_json(UniqueId value);
std::string to_json(SessionId value);
inline std::string to_json(const std::string& value) { return to_json(std::string_view(value)); }
inline std::string to_json(const char* value) { return to_json(std::string_view(value)); }
inline std::string to_json(const RawJson& value) { return value.text; }
inline std::string to_json(const UserName& value) { return to_json(value.name); }
inline std::string to_json(const ItemPath& value) { return to_json(value.path); }
template <std::integral T>
requires(!std::is_same_v<T, bool> && !std::is_same_v<T, std::int64_t>) std::string to_json(T value) {
  static_assert(sizeof(T) < sizeof(std::int64_t) || std::is_signed_v<T>,
                "a field's int has 64 bits and a sign");
  return to_json(std::int64_t{value});
}
template <class T>
std::string to_json(const std::vector<T>& values) {
  std::string json = "[";
  for (const T& each : values) json += (json.size() > 1 ? "," : "") + to_json(each);
  return json + "]";
}
template <class T>
std::string to_json(const std::map<std::string, T>& values) {
  std::string json = "{";
  for (const auto& [key, each] : values)
    json += (json.size() > 1 ? "," : "") + to_json(key) + ":" + to_json(each);
  return json + "}";
}
// None takes the field away.
template <class T>
std::string to_json(const std::optional<T>& value) {
  return value ? to_json(*value) : "null";
}

// False, and `value` as it was: it is of another kind.
bool from_json(std::string_view json, bool& value);
bool from_json(std::string_view json, std::int64_t& value);
bool from_json(std::string_view json, double& value);
bool from_json(std::string_view json, std::string& value);
bool from_json(std::string_view json, Timestamp& value);
bool from_json(std::string_view json, UniqueId& value);
bool from_json(std::string_view json, SessionId& value);
bool from_json(std::string_view json, RawJson& value);
bool from_json(std::string_view json, UserName& value);
bool from_json(std::string_view json, ItemPath& value);
// The texts of an array's elements; false: it is none.
bool elements_of(std::string_view json, std::vector<std::string>& elements);
template <class T>
bool from_json(std::string_view json, std::vector<T>& values) {
  std::vector<std::string> elements;
  if (!elements_of(json, elements)) return false;
  std::vector<T> read(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (!from_json(elements[i], read[i])) return false;
  }
  values = std::move(read);
  return true;
}
// The members of a JSON object, each with its value's text; nothing of what is none.
std::map<std::string, std::string> members_of(std::string_view json);
template <class T>
bool from_json(std::string_view json, std::map<std::string, T>& values) {
  if (!json.starts_with('{')) return false;
  std::map<std::string, T> read;
  for (const auto& [key, text] : members_of(json)) {
    if (!from_json(text, read[key])) return false;
  }
  values = std::move(read);
  return true;
}
template <class T>
bool from_json(std::string_view json, std::optional<T>& value) {
  T read{};
  if (json != "null" && !from_json(json, read)) return false;
  value = json == "null" ? std::nullopt : std::optional<T>(std::move(read));
  return true;
}

// --- The types' names in a schema
inline std::string_view type_name(const bool*) { return "bool"; }
inline std::string_view type_name(const double*) { return "float"; }
inline std::string_view type_name(const std::string*) { return "text"; }
inline std::string_view type_name(const Timestamp*) { return "time"; }
inline std::string_view type_name(const UniqueId*) { return "id"; }
inline std::string_view type_name(const SessionId*) { return "id"; }
inline std::string_view type_name(const RawJson*) { return "json"; }
inline std::string_view type_name(const UserName*) { return "user"; }
inline std::string_view type_name(const ItemPath*) { return "item"; }
inline std::string_view type_name(const std::int64_t*) { return "int"; }
template <class T>
std::string_view type_name(const std::vector<T>*) {
  return "list";
}
template <class T>
std::string_view type_name(const std::map<std::string, T>*) {
  return "map";
}
template <class T>
std::string_view type_name(const std::optional<T>*) {
  return type_name(static_cast<const T*>(nullptr));
}

}  // namespace callboard::client
