#include "base/document/value.h"

#include <algorithm>
#include <utility>

#include "base/text_hash.h"

namespace callboard::document {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

// More members than this are found through a table, not one after the other.
constexpr std::size_t kFewMembers = 16;

std::uint64_t quoted_size(std::string_view text) {
  std::uint64_t size_bytes = 2;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_short = c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r';
    size_bytes += is_short ? 2u : byte < 0x20 ? 6u : 1u;
  }
  return size_bytes;
}

std::uint64_t size_of(const Value::Content& content) {
  return std::visit(Overloaded{
                        [](std::monostate) -> std::uint64_t { return 4; },
                        [](bool value) -> std::uint64_t { return value ? 4 : 5; },
                        [](const Number& number) -> std::uint64_t { return number.text.size(); },
                        [](const std::string& text) { return quoted_size(text); },
                        [](const Array& array) {
                          std::uint64_t size_bytes = array.empty() ? 2 : 1 + array.size();
                          for (const ValuePtr& each : array) size_bytes += each->size_bytes();
                          return size_bytes;
                        },
                        [](const Object& object) {
                          std::uint64_t size_bytes = object.empty() ? 2 : 1 + 2 * object.size();
                          for (const Member& each : object) {
                            size_bytes += quoted_size(each.key) + each.value->size_bytes();
                          }
                          return size_bytes;
                        },
                    },
                    content);
}

int depth_of(const Value::Content& content) {
  int depth = 0;
  if (const auto* array = std::get_if<Array>(&content)) {
    for (const ValuePtr& each : *array) depth = std::max(depth, each->depth());
    return depth + 1;
  }
  if (const auto* object = std::get_if<Object>(&content)) {
    for (const Member& each : *object) depth = std::max(depth, each.value->depth());
    return depth + 1;
  }
  return depth;
}

std::uint32_t values_of(const Value::Content& content) {
  std::uint64_t values = 1;
  if (const auto* array = std::get_if<Array>(&content)) {
    for (const ValuePtr& each : *array) values += each->values();
  }
  if (const auto* object = std::get_if<Object>(&content)) {
    for (const Member& each : *object) values += each.value->values();
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(values, UINT32_MAX));
}

const Member* find(const Object& object, std::string_view key) {
  const auto found =
      std::find_if(object.begin(), object.end(), [&](const Member& each) { return each.key == key; });
  return found == object.end() ? nullptr : &*found;
}

bool equal_arrays(const Array& a, const Array& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), &equal);
}

bool equal_objects(const Object& a, const Object& b) {
  if (a.size() != b.size()) return false;
  TextViewMap<const Member*> table;
  for (std::size_t i = 0; i < a.size(); ++i) {
    // Mostly they are in the same order.
    const Member* other = &b[i];
    if (other->key != a[i].key && b.size() <= kFewMembers) {
      other = find(b, a[i].key);
    } else if (other->key != a[i].key) {
      if (table.empty()) {
        for (const Member& each : b) table.emplace(each.key, &each);
      }
      const auto found = table.find(a[i].key);
      other = found == table.end() ? nullptr : found->second;
    }
    if (other == nullptr || !equal(a[i].value, other->value)) return false;
  }
  return true;
}

ValuePtr share_array(const ValuePtr& known, const ValuePtr& fresh) {
  const Array& from = *known->array();
  const Array& to = *fresh->array();
  const std::string_view field = key_field(to);
  TextMap<std::size_t> places;
  if (!field.empty()) {
    for (std::size_t i = 0; i < from.size(); ++i) places.emplace(key_of(*from[i], field), i);
  }
  Array shared;
  shared.reserve(to.size());
  bool is_same = from.size() == to.size();
  for (std::size_t i = 0; i < to.size(); ++i) {
    const auto place = field.empty() ? places.end() : places.find(key_of(*to[i], field));
    const std::size_t at = place != places.end() ? place->second : i;
    shared.push_back(at < from.size() ? share(from[at], to[i]) : to[i]);
    is_same = is_same && shared.back() == from[i];
  }
  return is_same ? known : make_value(std::move(shared));
}

ValuePtr share_object(const ValuePtr& known, const ValuePtr& fresh) {
  const Object& from = *known->object();
  const Object& to = *fresh->object();
  TextViewMap<const Member*> table;
  if (from.size() > kFewMembers) {
    for (const Member& each : from) table.emplace(each.key, &each);
  }
  Object shared;
  shared.reserve(to.size());
  bool is_same = from.size() == to.size();
  for (std::size_t i = 0; i < to.size(); ++i) {
    const bool is_here = i < from.size() && from[i].key == to[i].key;
    const Member* old = is_here ? &from[i] : nullptr;
    if (!is_here) {
      const auto found = table.find(to[i].key);
      old = table.empty() ? find(from, to[i].key) : found == table.end() ? nullptr : found->second;
    }
    shared.push_back({to[i].key, old == nullptr ? to[i].value : share(old->value, to[i].value)});
    is_same = is_same && is_here && shared.back().value == from[i].value;
  }
  return is_same ? known : make_value(std::move(shared));
}

bool has_keys(const Array& array, std::string_view field) {
  TextSet keys;
  for (const ValuePtr& each : array) {
    std::string key = key_of(*each, field);
    if (key.empty() || !keys.insert(std::move(key)).second) return false;
  }
  return true;
}

}  // namespace

void Value::measure() {
  size_bytes_ = size_of(content_);
  depth_ = depth_of(content_);
  values_ = values_of(content_);
}

Value::Value(Content&& content, const Value& before, const Value& old, const Value& fresh)
    : content_(std::move(content)),
      size_bytes_(before.size_bytes_ - old.size_bytes_ + fresh.size_bytes_),
      depth_(std::max(before.depth_, fresh.depth_ + 1)),
      values_(before.values_ - old.values_ + fresh.values_) {
  // The deepest part may have been the old one.
  const bool is_shallower = fresh.depth_ < old.depth_ && old.depth_ + 1 == before.depth_;
  if (is_shallower) depth_ = depth_of(content_);
  const bool is_counted = before.values_ < UINT32_MAX && fresh.values_ < UINT32_MAX - before.values_;
  if (!is_counted) values_ = values_of(content_);
}

ValuePtr with_part(const Value& container, std::size_t place, ValuePtr fresh) {
  Value::Content content = container.content();
  auto* array = std::get_if<Array>(&content);
  ValuePtr& part = array != nullptr ? (*array)[place] : std::get<Object>(content)[place].value;
  const ValuePtr old = std::exchange(part, std::move(fresh));
  const Value& now = *part;
  return std::make_shared<const Value>(std::move(content), container, *old, now);
}

ValuePtr Value::member(std::string_view key) const {
  const Object* members = object();
  const Member* found = members == nullptr ? nullptr : find(*members, key);
  return found == nullptr ? nullptr : found->value;
}

ValuePtr make_null() {
  static const ValuePtr null = make_value(std::monostate{});
  return null;
}

std::uint64_t size_of(const ValuePtr& value) { return value == nullptr ? 0 : value->size_bytes(); }

std::uint32_t values_of(const ValuePtr& value) { return value == nullptr ? 0 : value->values(); }

bool equal(const ValuePtr& a, const ValuePtr& b) {
  if (a == b) return true;
  if (a == nullptr || b == nullptr) return false;
  if (a->size_bytes() != b->size_bytes() || a->content().index() != b->content().index()) return false;
  if (const Array* array = a->array()) return equal_arrays(*array, *b->array());
  if (const Object* object = a->object()) return equal_objects(*object, *b->object());
  if (const auto* number = std::get_if<Number>(&a->content())) {
    return number->text == std::get<Number>(b->content()).text;
  }
  if (const std::string* text = a->string()) return *text == *b->string();
  const bool* truth = std::get_if<bool>(&a->content());
  return truth == nullptr || *truth == std::get<bool>(b->content());
}

void append_quoted(std::string_view utf8, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += '"';
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n' || c == '\t' || c == '\r') {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 0xf];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_text(const Value& value, std::string& out) {
  std::visit(Overloaded{
                 [&](std::monostate) { out += "null"; },
                 [&](bool truth) { out += truth ? "true" : "false"; },
                 [&](const Number& number) { out += number.text; },
                 [&](const std::string& text) { append_quoted(text, out); },
                 [&](const Array& array) {
                   out += '[';
                   for (const ValuePtr& each : array) {
                     if (&each != &array.front()) out += ',';
                     append_text(*each, out);
                   }
                   out += ']';
                 },
                 [&](const Object& object) {
                   out += '{';
                   for (const Member& each : object) {
                     if (&each != &object.front()) out += ',';
                     append_quoted(each.key, out);
                     out += ':';
                     append_text(*each.value, out);
                   }
                   out += '}';
                 },
             },
             value.content());
}

std::string print(const Value& value) {
  std::string text;
  text.reserve(value.size_bytes());
  append_text(value, text);
  return text;
}

ValuePtr share(const ValuePtr& known, const ValuePtr& fresh) {
  if (known == nullptr || known == fresh) return fresh;
  if (known->array() != nullptr && fresh->array() != nullptr) return share_array(known, fresh);
  if (known->object() != nullptr && fresh->object() != nullptr) return share_object(known, fresh);
  const bool is_leaf = fresh->array() == nullptr && fresh->object() == nullptr;
  return is_leaf && equal(known, fresh) ? known : fresh;
}

std::string_view key_field(const Array& array) {
  if (array.empty()) return {};
  for (const std::string_view field : {std::string_view("id"), std::string_view("name")}) {
    if (has_keys(array, field)) return field;
  }
  return {};
}

std::string key_of(const Value& element, std::string_view field) {
  const ValuePtr key = element.member(field);
  if (key == nullptr) return {};
  const bool is_key = key->string() != nullptr || std::holds_alternative<Number>(key->content());
  return is_key ? print(*key) : std::string();
}

}  // namespace callboard::document
