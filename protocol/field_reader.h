#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "protocol/field_rules.h"
#include "protocol/json_tree.h"
#include "protocol/message.h"

namespace callboard::protocol {

// Reads one message from a parsed JSON object, which must outlive it. The first field that is missing, of the wrong type
// or beyond its limit is kept as the error; everything after it is skipped. The templates are made for every field of every
// message, so what does not depend on the type is not in them.
class FieldReader {
 public:
  template <class T>
  using Ref = T&;
  using Json = JsonValue;

  FieldReader(const Json& object, std::optional<ByteView> attachment)
      : object_(&object), attachment_(attachment) {}

  template <class T, class... Limits>
  void required(std::string_view key, T& value, const Limits&... limits) {
    const Json* found = member(key);
    if (found == nullptr) return miss(key);
    read_member(key, *found, value, limits...);
  }
  template <class T, class... Limits>
  void optional(std::string_view key, T& value, const Limits&... limits) {
    if (const Json* found = member(key)) read_member(key, *found, value, limits...);
  }
  template <class T, class... Limits>
  void optional(std::string_view key, std::optional<T>& value, const Limits&... limits) {
    if (const Json* found = member(key)) read_member(key, *found, value.emplace(), limits...);
  }
  void required_attachment(Document& document) {
    expect(attachment_.has_value(), "attachment: missing");
    optional_attachment(document);
  }
  void optional_attachment(Document& document);
  void expect(bool holds, std::string_view error);
  // Before anything else.
  void expect_object();
  bool has(std::string_view key) const { return member(key) != nullptr; }

  // After the description: an attachment that no field took is an error, too.
  void finish() { expect(!attachment_ || attachment_read_, "attachment: expected none"); }

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }

  void read(const Json& json, std::string& value, const TextRule& rule);
  // A view of what is read.
  void read(const Json& json, std::string_view& value, const TextRule& rule);

 private:
  void fail(std::string text);
  // Puts where it happened before what happened.
  void in(std::string_view where);
  void in_entry(std::size_t index);
  void fail_type(std::string_view expected, const Json& got);
  const std::string_view* text_of(const Json& json, std::string_view expected);

  void read(const Json& json, bool& value);
  template <std::unsigned_integral T>
  void read(const Json& json, T& value) {
    value = static_cast<T>(unsigned_up_to(json, std::numeric_limits<T>::max()));
  }
  void read(const Json& json, std::int64_t& value);
  void read(const Json& json, Timestamp& value);
  void read(const Json& json, std::chrono::milliseconds& value);
  void read(const Json& json, SessionId& value);
  void read(const Json& json, UniqueId& value);
  void read(const Json& json, AccessKey& value);
  void read(const Json& json, Outcome& value);
  void read(const Json& json, Compression& value);
  void read(const Json& json, RecordAction& value);
  void read(const Json& json, Camera& value);
  void read(const Json& json, DocumentRecord& value);
  // Zero after a failure.
  std::uint64_t unsigned_up_to(const Json& json, std::uint64_t max);
  // Null when the object has none of that name.
  const Json* member(std::string_view key) const { return object_->member(key); }
  void miss(std::string_view key);
  template <class T, class... Limits>
  void read_member(std::string_view key, const Json& found, T& value, const Limits&... limits) {
    if (failed()) return;
    read(found, value, limits...);
    if (failed()) in(key);
  }
  static bool is_null(const Json& json);
  // These fail unless it is what they say; the loops end at the first failure.
  bool is_object(const Json& json);
  void for_each_element(const Json& json, std::size_t max, const std::function<void(const Json&)>& visit);
  void for_each_member(const Json& json, std::size_t max,
                       const std::function<void(std::string_view key, const Json& member)>& visit);
  bool has_count(const Json& json, std::size_t max);

  template <class T>
  void read(const Json& json, std::optional<T>& value) {
    if (!is_null(json)) read(json, value.emplace());
  }
  template <class T>
  void read(const Json& json, T& value) requires requires(FieldReader& reader) {
    describe(reader, value);
  }
  {
    if (!is_object(json)) return;
    const Json* outer = std::exchange(object_, &json);
    describe(*this, value);
    object_ = outer;
  }
  template <class T>
  void read(const Json& json, std::vector<T>& values, std::size_t max) {
    for_each_element(json, max, [&](const Json& element) {
      read(element, values.emplace_back());
      if (failed()) in_entry(values.size() - 1);
    });
  }
  template <class T>
  void read(const Json& json, std::map<std::string, T>& values, const TextRule& key_rule, std::size_t max) {
    for_each_member(json, max, [&](std::string_view key, const Json& member) {
      check_text(key, key_rule);
      if (failed()) return in("key");
      // Mostly they are sorted as the map is.
      read(member, values.insert_or_assign(values.end(), std::string(key), T{})->second);
      if (failed()) in_key(key);
    });
  }
  void check_text(std::string_view text, const TextRule& rule);
  void in_key(std::string_view key);

  const Json* object_;
  std::optional<ByteView> attachment_;
  bool attachment_read_ = false;
  std::string error_;
};

}  // namespace callboard::protocol
