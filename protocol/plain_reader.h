#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/json_scanner.h"
#include "protocol/field_rules.h"
#include "protocol/message.h"

namespace callboard::protocol {

// Reads one message that is written as FieldWriter writes it: the fields in the order of their description, no spaces, nothing
// escaped, all of it ASCII. It costs a fifth of a tree of values, and says nothing of what is wrong: whatever it does not
// take, or might not fit its limits, is FieldReader's, which takes all that this takes as the same. Used by codec.cpp alone.
class PlainReader {
 public:
  template <class T>
  using Ref = T&;

  // `fields`: the JSON behind the verb.
  PlainReader(std::string_view fields, std::optional<ByteView> attachment)
      : rest_(fields), attachment_(attachment) {}

  template <class T, class... Limits>
  [[gnu::always_inline]] void required(std::string_view key, T& value, const Limits&... limits) {
    expect(take_key(key) && take(value, limits...), {});
  }
  template <class T, class... Limits>
  [[gnu::always_inline]] void optional(std::string_view key, T& value, const Limits&... limits) {
    if (take_key(key)) expect(take(value, limits...), {});
  }
  template <class T, class... Limits>
  [[gnu::always_inline]] void optional(std::string_view key, std::optional<T>& value,
                                       const Limits&... limits) {
    if (take_key(key)) expect(take(value.emplace(), limits...), {});
  }
  // Comes last: what is left to FieldReader is not copied here.
  void optional_attachment(Document& document) {
    if (!is_plain_ || !attachment_ || rest_ != "}") return;
    document = std::make_shared<const std::string>(as_text(*attachment_));
    attachment_.reset();
  }
  void expect(bool holds, std::string_view) { is_plain_ = is_plain_ && holds; }

  // After the description: whether that was all of it.
  bool is_whole() const { return is_plain_ && rest_.size() == 1 && rest_[0] == '}' && !attachment_; }

 private:
  // ,"key":   Where a key is known, which is always, it is compared as a few numbers.
  [[gnu::always_inline]] bool take_key(std::string_view key) {
    const std::size_t size = key.size() + 4;
    const bool is_next = rest_.size() > size && rest_[0] == ',' && rest_[1] == '"' &&
                         rest_[size - 2] == '"' && rest_[size - 1] == ':' &&
                         std::memcmp(key.data(), rest_.data() + 2, key.size()) == 0;
    if (is_next) rest_.remove_prefix(size);
    return is_next;
  }
  template <std::unsigned_integral T>
  bool take(T& value) {
    std::uint64_t number = 0;
    const bool is_taken = take_number(std::numeric_limits<T>::max(), number);
    value = static_cast<T>(number);
    return is_taken;
  }
  bool take(bool& value) {
    const std::string_view word = rest_.starts_with("true") ? "true" : "false";
    value = word == "true";
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool take(std::int64_t& value) {
    const bool is_negative = rest_.starts_with('-');
    rest_.remove_prefix(is_negative ? 1 : 0);
    std::uint64_t number = 0;
    const bool is_taken = take_number(std::numeric_limits<std::int64_t>::max(), number);
    value = is_negative ? -static_cast<std::int64_t>(number) : static_cast<std::int64_t>(number);
    return is_taken;
  }
  bool take(Timestamp& value) {
    std::uint64_t ms = 0;
    const bool is_taken = take_number(kTimestampMaxMs, ms);
    value.ms = static_cast<std::int64_t>(ms);
    return is_taken;
  }
  bool take(std::chrono::milliseconds& value) {
    std::uint64_t ms = 0;
    const bool is_taken = take_number(std::numeric_limits<std::uint32_t>::max(), ms);
    value = std::chrono::milliseconds(ms);
    return is_taken;
  }
  bool take(UniqueId& value) { return take_as(&unique_id_from, value); }
  bool take(SessionId& value) { return take_as(&session_id_from, value); }
  bool take(RecordAction& value) { return take_as(&record_action_from, value); }
  template <class T>
  bool take_as(std::optional<T> (*from)(std::string_view), T& value) {
    std::string_view text;
    const auto meant = take_text(text) ? from(text) : std::nullopt;
    value = meant.value_or(T{});
    return meant.has_value();
  }
  bool take(std::string& value, const TextRule& rule) {
    std::string_view text;
    if (!take_text(text) || !surely_fits(text, rule)) return false;
    value = text;
    return true;
  }

  // Lists are FieldReader's.
  bool take(std::vector<UniqueId>&, std::size_t) { return false; }

  bool take_number(std::uint64_t max, std::uint64_t& value);
  bool take_text(std::string_view& text);
  static bool surely_fits(std::string_view ascii, const TextRule& rule);

  std::string_view rest_;
  std::optional<ByteView> attachment_;
  bool is_plain_ = true;
};

}  // namespace callboard::protocol
