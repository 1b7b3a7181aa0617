#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/field_rules.h"
#include "protocol/message.h"

namespace callboard::protocol {

// Writes one message as a JSON object, fields in the order of their description. Never fails: texts that are not UTF-8
// are mended and remembered. Used by codec.cpp alone.
class FieldWriter {
 public:
  template <class T>
  using Ref = const T&;

  explicit FieldWriter(std::string_view verb) {
    json_ = "{\"verb\":";
    text(verb);
  }

  template <class T, class... Limits>
  void required(std::string_view key, const T& value, const Limits&... limits) {
    if (json_.back() != '{') json_ += ',';
    text(key);
    json_ += ':';
    const bool was_utf8 = bad_key_.empty();
    write(value, limits...);
    if (was_utf8 && not_utf8_) bad_key_ = key;
  }
  template <class T, class... Limits>
  void optional(std::string_view key, const T& value, const Limits&... limits) {
    if (!is_default(value)) required(key, value, limits...);
  }
  void required_attachment(const Document& document) { attachment_ = document; }
  void optional_attachment(const Document& document) { attachment_ = document; }
  void expect(bool, std::string_view) {}

  std::string finish() && { return std::move(json_) + '}'; }
  const Document& attachment() const { return attachment_; }
  // The first field with a text that had to be mended; empty when all were UTF-8.
  std::string_view bad_key() const { return bad_key_; }

 private:
  template <class T>
  static bool is_default(const T& value) {
    if constexpr (requires { value.empty(); }) {
      return value.empty();
    } else {
      return value == T{};
    }
  }

  // Appends a JSON string.
  void text(std::string_view value);

  void write(bool value) { json_ += value ? "true" : "false"; }
  template <std::integral T>
  void write(T value) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    json_.append(digits.data(), end);
  }
  void write(Timestamp value) { write(value.ms); }
  void write(std::chrono::milliseconds value) { write(std::int64_t{value.count()}); }
  void write(SessionId value) { text(to_text(value)); }
  void write(UniqueId value) { text(to_text(value)); }
  void write(DocumentRecord value) { text(value == DocumentRecord::story ? "story" : "analytics"); }
  void write(Outcome value) { text(to_text(value)); }
  void write(const Camera& value) {
    json_ += '[';
    write(value.x);
    json_ += ',';
    write(value.y);
    json_ += ']';
  }
  void write(const std::string& value, const TextRule& rule);
  template <class T, class... Limits>
  void write(const std::optional<T>& value, const Limits&... limits) {
    if (value) {
      write(*value, limits...);
    } else {
      json_ += "null";
    }
  }
  template <class T>
  void write(const T& value) requires requires(FieldWriter& writer) {
    describe(writer, value);
  }
  {
    json_ += '{';
    describe(*this, value);
    json_ += '}';
  }
  template <class T>
  void write(const std::vector<T>& values, std::size_t) {
    json_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) json_ += ',';
      write(values[i]);
    }
    json_ += ']';
  }
  template <class T>
  void write(const std::map<std::string, T>& values, const TextRule&, std::size_t) {
    json_ += '{';
    for (const auto& [key, value] : values) {
      if (json_.back() != '{') json_ += ',';
      text(key);
      json_ += ':';
      write(value);
    }
    json_ += '}';
  }

  std::string json_;
  Document attachment_;
  bool not_utf8_ = false;
  std::string bad_key_;
};

}  // namespace callboard::protocol
