#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <variant>

#include "base/document/value.h"

// Members of objects that somebody else made: what is not there, or of another kind, counts as nothing.
namespace callboard::document {

inline std::string text_in(const Value& object, std::string_view key) {
  const ValuePtr value = object.member(key);
  return value == nullptr || value->string() == nullptr ? std::string() : *value->string();
}

// Of a number that T cannot hold: 0.
template <class T>
T number_in(const Value& object, std::string_view key) {
  const ValuePtr value = object.member(key);
  const auto* number = value == nullptr ? nullptr : std::get_if<Number>(&value->content());
  T read{};
  if (number != nullptr)
    std::from_chars(number->text.data(), number->text.data() + number->text.size(), read);
  return read;
}

inline bool flag_in(const Value& object, std::string_view key) {
  const ValuePtr value = object.member(key);
  const bool* truth = value == nullptr ? nullptr : std::get_if<bool>(&value->content());
  return truth != nullptr && *truth;
}

}  // namespace callboard::document
