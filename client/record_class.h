#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "client/record_values.h"

// How a struct of a program's own is a class of records. It says which class, and what its fields are called:
//
//   struct Review {
//     std::string status;
//     std::int64_t takes = 1;
//     std::optional<std::string> note;  // May be missing.
//
//     static constexpr std::string_view kClass = "review";
//     static void describe(auto& field) {
//       field("status", &Review::status);
//       field("takes", &Review::takes);
//       field("note", &Review::note);
//     }
//   };
//
// What can be done with it then is in board.h.
namespace callboard::client {

// The fields of a T as a JSON object, and back; a field that is not there, or of another kind, stays as it is in a new T.
template <class T>
std::string fields_json(const T& value) {
  std::string json = "{";
  const auto field = [&](std::string_view name, auto member) {
    const std::string text = to_json(value.*member);
    if (text == "null") return;
    json += (json.size() > 1 ? "," : "") + to_json(name) + ":" + text;
  };
  T::describe(field);
  return json + "}";
}
template <class T>
T from_fields(std::string_view json) {
  const auto members = members_of(json);
  T value{};
  const auto field = [&](std::string_view name, auto member) {
    const auto found = members.find(std::string(name));
    if (found != members.end()) static_cast<void>(from_json(found->second, value.*member));
  };
  T::describe(field);
  return value;
}

// What a member is called; empty for one that T does not describe.
template <class T, class M>
std::string field_name(M T::*wanted) {
  std::string found;
  const auto field = [&](std::string_view name, auto member) {
    if constexpr (std::is_same_v<decltype(member), M T::*>) {
      if (member == wanted) found = name;
    }
  };
  T::describe(field);
  return found;
}

// A schema with these classes, for Options::schema: that the server's is the same, or fits.
template <class... T>
std::string schema_of() {
  std::string classes;
  const auto add = [&]<class Each>(std::type_identity<Each>) {
    std::string fields;
    const auto field = [&](std::string_view name, auto member) {
      using M = std::remove_reference_t<decltype(std::declval<Each&>().*member)>;
      fields += (fields.empty() ? "" : ",") + std::string("{\"name\":") + to_json(name) +
                ",\"type\":" + to_json(type_name(static_cast<const M*>(nullptr))) + "}";
    };
    Each::describe(field);
    classes += (classes.empty() ? "" : ",") + std::string("{\"name\":") + to_json(Each::kClass) +
               ",\"fields\":[" + fields + "]}";
  };
  (add(std::type_identity<T>{}), ...);
  return "{\"classes\":[" + classes + "]}";
}

}  // namespace callboard::client
