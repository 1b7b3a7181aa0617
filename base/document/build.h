#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/document/value.h"

// Values made by hand, for those who answer in JSON:
//
//     make_object({{"user", make_text(name)}, {"bytes", make_number(size)}})
namespace callboard::document {

inline ValuePtr make_text(std::string_view utf8) { return make_value(std::string(utf8)); }
inline ValuePtr make_bool(bool value) { return make_value(value); }
inline ValuePtr make_number(std::integral auto value) { return make_value(Number{std::to_string(value)}); }
// Keys are unique.
inline ValuePtr make_object(std::initializer_list<std::pair<std::string_view, ValuePtr>> members) {
  Object object;
  object.reserve(members.size());
  for (const auto& [key, value] : members) object.push_back({std::string(key), value});
  return make_value(std::move(object));
}
inline ValuePtr make_array(Array elements) { return make_value(std::move(elements)); }

}  // namespace callboard::document
