#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
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
// are mended and remembered. Used by codec.cpp alone. The templates are made for every field of every message, so what does
// not depend on the type is not in them.
class FieldWriter {
 public:
  template <class T>
  using Ref = const T&;

  // Appends to `json`, which must outlive it. The verb is UTF-8.
  FieldWriter(std::string_view verb, std::string& json);
  // What it would begin with is written already.
  struct Begun {
    std::string_view text;
  };
  FieldWriter(Begun begun, std::string& json) : json_(json) { json_ += begun.text; }

  template <class T, class... Limits>
  void required(std::string_view key, const T& value, const Limits&... limits) {
    begin_field(key);
    const bool was_utf8 = bad_key_.empty();
    write(value, limits...);
    if (was_utf8 && not_utf8_) bad_key_ = key;
  }
  template <class T, class... Limits>
  void optional(std::string_view key, const T& value, const Limits&... limits) {
    if (!is_default(value)) required(key, value, limits...);
  }
  void required_attachment(const Document& document) { attachment_ = &document; }
  void optional_attachment(const Document& document) { attachment_ = &document; }
  void expect(bool, std::string_view) {}

  void finish() { json_ += '}'; }
  // The message's own; null where it has none.
  const Document* attachment() const { return attachment_ && *attachment_ ? attachment_ : nullptr; }
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
  // Appends a key, after a comma where one is needed: of our own, which is written as it is, or somebody's.
  void begin_field(std::string_view key);
  void begin_member(std::string_view key);
  void separate();
  void signed_number(std::int64_t value);
  void unsigned_number(std::uint64_t value);

  void write(bool value) { json_ += value ? "true" : "false"; }
  template <std::integral T>
  void write(T value) {
    if constexpr (std::signed_integral<T>) {
      signed_number(value);
    } else {
      unsigned_number(value);
    }
  }
  void write(Timestamp value) { write(value.ms); }
  void write(std::chrono::milliseconds value) { write(std::int64_t{value.count()}); }
  void write(SessionId value);
  void write(UniqueId value);
  void write(const AccessKey& value);
  void write(DocumentRecord value);
  void write(Outcome value);
  void write(Compression value);
  void write(RecordAction value);
  void write(const Camera& value);
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
      begin_member(key);
      write(value);
    }
    json_ += '}';
  }

  std::string& json_;
  const Document* attachment_ = nullptr;
  bool not_utf8_ = false;
  std::string_view bad_key_;
};

}  // namespace callboard::protocol
