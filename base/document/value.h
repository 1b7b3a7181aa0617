#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace callboard::document {

class Value;
// Never null where a value is meant; null means that there is none. Parts are shared between the versions of a document,
// so that a version costs what differs from the one before.
using ValuePtr = std::shared_ptr<const Value>;

struct Member {
  std::string key;
  ValuePtr value;
};
using Array = std::vector<ValuePtr>;
using Object = std::vector<Member>;  // In the order in which they were written; keys are unique.

// A number as it was written, so that none of its digits is lost.
struct Number {
  std::string text;
};

// One JSON value, never changed once it is made. Thread: any.
class Value {
 public:
  using Content = std::variant<std::monostate, bool, Number, std::string, Array, Object>;

  template <class T>
  Value(std::in_place_type_t<T> kind, T&& content) : content_(kind, std::forward<T>(content)) {
    measure();
  }
  // An object or an array that is `content`, made of `before` by putting `fresh` in the place of its part `old`: its size
  // and depth follow from theirs, without a look at the other parts.
  Value(Content&& content, const Value& before, const Value& old, const Value& fresh);

  const Content& content() const { return content_; }
  // Null unless it is one.
  const Array* array() const { return std::get_if<Array>(&content_); }
  const Object* object() const { return std::get_if<Object>(&content_); }
  const std::string* string() const { return std::get_if<std::string>(&content_); }
  // The member of that key; null when it is no object or has none.
  ValuePtr member(std::string_view key) const;

  // Of its text as print() writes it.
  std::uint64_t size_bytes() const { return size_bytes_; }
  // 0 for what has no parts, else one more than the deepest of them.
  int depth() const { return depth_; }
  // How many values it is, itself and all its parts; no more than 2³² - 1 are counted.
  std::uint32_t values() const { return values_; }

 private:
  void measure();

  Content content_;
  std::uint64_t size_bytes_ = 0;
  int depth_ = 0;
  std::uint32_t values_ = 0;
};

template <class T>
ValuePtr make_value(T content) {
  return std::make_shared<const Value>(std::in_place_type<T>, std::move(content));
}
ValuePtr make_null();
// The object or array with another value in the place of its part number `place`.
ValuePtr with_part(const Value& container, std::size_t place, ValuePtr fresh);

// The same value: members in whatever order, numbers with the same digits. Parts that are shared cost nothing.
bool equal(const ValuePtr& a, const ValuePtr& b);

// Of its text; of nothing 0.
std::uint64_t size_of(const ValuePtr& value);
// As Value::values() says; of nothing 0.
std::uint32_t values_of(const ValuePtr& value);
// JSON text without spaces.
std::string print(const Value& value);
void append_text(const Value& value, std::string& out);
void append_quoted(std::string_view utf8, std::string& out);

// `fresh` with every part that `known` has, in the same order and place, taken from `known`.
ValuePtr share(const ValuePtr& known, const ValuePtr& fresh);

// What tells the elements of an array apart: "id" or "name", when all are objects with one that is text or a number and
// no two have the same; empty otherwise.
std::string_view key_field(const Array& array);
// The value of that field as JSON text; empty when the element has none that is text or a number.
std::string key_of(const Value& element, std::string_view field);

}  // namespace callboard::document
