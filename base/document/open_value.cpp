#include "base/document/open_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/document/pointer.h"
#include "base/ensure.h"

namespace callboard::document {
namespace {

// More members than this are found through a table, not one after the other.
constexpr std::size_t kFewParts = 16;
// Elements of an array that lie together: places are counted by blocks, and within one only few have to move.
constexpr std::size_t kBlockElements = 128;

// Only text and numbers tell elements apart.
bool is_key_text(std::string_view key) {
  return !key.empty() &&
         (key.front() == '"' || key.front() == '-' || (key.front() >= '0' && key.front() <= '9'));
}

std::string key_of(OpenValue& element, std::string_view field) {
  const ValuePtr key = element.member(field);
  if (key == nullptr) return {};
  const bool is_key = key->string() != nullptr || std::holds_alternative<Number>(key->content());
  return is_key ? print(*key) : std::string();
}

bool has_key(OpenValue& element, std::string_view field, std::string_view key) {
  const ValuePtr value = element.member(field);
  return value != nullptr && value->size_bytes() == key.size() && print(*value) == key;
}

std::size_t place_within(const OpenArray::Block& block, const OpenArray::Element& element) {
  const auto own = std::find_if(block.elements.begin(), block.elements.end(),
                                [&](const auto& each) { return each.get() == &element; });
  ENSURE(own != block.elements.end());
  return static_cast<std::size_t>(own - block.elements.begin());
}

}  // namespace

// --- OpenValue ------------------------------------------------------------------------------------------------------

OpenValue::OpenValue(ValuePtr value) : content_(std::move(value)) {}
OpenValue::OpenValue(OpenValue&&) noexcept = default;
OpenValue& OpenValue::operator=(OpenValue&&) noexcept = default;
OpenValue::~OpenValue() = default;

bool OpenValue::is_object() const {
  const auto* value = std::get_if<ValuePtr>(&content_);
  if (value == nullptr) return std::holds_alternative<std::unique_ptr<OpenObject>>(content_);
  return *value != nullptr && (*value)->object() != nullptr;
}

bool OpenValue::is_array() const {
  const auto* value = std::get_if<ValuePtr>(&content_);
  if (value == nullptr) return std::holds_alternative<std::unique_ptr<OpenArray>>(content_);
  return *value != nullptr && (*value)->array() != nullptr;
}

OpenObject& OpenValue::object() {
  ENSURE(is_object());
  if (auto* value = std::get_if<ValuePtr>(&content_)) {
    content_ = std::make_unique<OpenObject>(ValuePtr(std::move(*value)));
  }
  return *std::get<std::unique_ptr<OpenObject>>(content_);
}

OpenArray& OpenValue::array() {
  ENSURE(is_array());
  if (auto* value = std::get_if<ValuePtr>(&content_)) {
    content_ = std::make_unique<OpenArray>(ValuePtr(std::move(*value)));
  }
  return *std::get<std::unique_ptr<OpenArray>>(content_);
}

const ValuePtr& OpenValue::closed() {
  if (auto* open = std::get_if<std::unique_ptr<OpenObject>>(&content_)) {
    content_ = (*open)->closed();
  } else if (auto* elements = std::get_if<std::unique_ptr<OpenArray>>(&content_)) {
    content_ = (*elements)->closed();
  }
  return std::get<ValuePtr>(content_);
}

ValuePtr OpenValue::member(std::string_view key) {
  if (const auto* value = std::get_if<ValuePtr>(&content_)) {
    return *value == nullptr ? nullptr : (*value)->member(key);
  }
  auto* open = std::get_if<std::unique_ptr<OpenObject>>(&content_);
  OpenValue* found = open == nullptr ? nullptr : (*open)->find(key);
  return found == nullptr ? nullptr : found->closed();
}

// --- OpenObject -----------------------------------------------------------------------------------------------------

OpenObject::OpenObject(ValuePtr object) : before_(std::move(object)) {
  const Object& members = *before_->object();
  parts_.reserve(members.size() + 1);
  for (const Member& each : members) parts_.push_back({each.key, OpenValue(each.value)});
}

std::optional<std::size_t> OpenObject::place_of(std::string_view key) {
  if (parts_.size() <= kFewParts) {
    const auto found = std::find_if(parts_.begin(), parts_.end(),
                                    [&](const Part& each) { return !each.is_removed && each.key == key; });
    if (found == parts_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - parts_.begin());
  }
  if (places_.empty()) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (!parts_[i].is_removed) places_.emplace(parts_[i].key, i);
    }
  }
  const auto found = places_.find(std::string(key));
  if (found == places_.end()) return std::nullopt;
  return found->second;
}

OpenValue* OpenObject::find(std::string_view key) {
  const auto place = place_of(key);
  return place ? &parts_[*place].value : nullptr;
}

void OpenObject::add(std::string key, ValuePtr value) {
  if (!places_.empty()) places_.emplace(key, parts_.size());
  parts_.push_back({std::move(key), OpenValue(std::move(value))});
}

void OpenObject::remove(std::string_view key) {
  const auto place = place_of(key);
  ENSURE(place);
  parts_[*place].is_removed = true;
  places_.erase(std::string(key));
}

ValuePtr OpenObject::closed() {
  const Object& members = *before_->object();
  bool is_same = parts_.size() == members.size();
  Object now;
  now.reserve(parts_.size());
  for (Part& each : parts_) {
    if (each.is_removed) {
      is_same = false;
      continue;
    }
    const std::size_t place = now.size();
    now.push_back({std::move(each.key), each.value.closed()});
    is_same = is_same && now.back().value == members[place].value;
  }
  return is_same ? before_ : make_value(std::move(now));
}

// --- OpenArray ------------------------------------------------------------------------------------------------------

OpenArray::OpenArray(ValuePtr array) : before_(std::move(array)) {
  blocks_.emplace_back();
  for (const ValuePtr& each : *before_->array()) {
    if (blocks_.back().elements.size() == kBlockElements) blocks_.emplace_back();
    const auto block = std::prev(blocks_.end());
    block->elements.push_back(std::make_unique<Element>(Element{OpenValue(each), block}));
  }
  size_ = before_->array()->size();
}

template <class Visit>
OpenArray::Element* OpenArray::first(Visit visit) {
  for (Block& block : blocks_) {
    for (const auto& each : block.elements) {
      if (visit(*each)) return each.get();
    }
  }
  return nullptr;
}

OpenArray::Element* OpenArray::at(std::size_t place) {
  for (Block& block : blocks_) {
    if (place < block.elements.size()) return block.elements[place].get();
    place -= block.elements.size();
  }
  return nullptr;
}

OpenArray::Table& OpenArray::table(const std::string& field) {
  const auto known =
      std::find_if(tables_.begin(), tables_.end(), [&](const Table& each) { return each.field == field; });
  if (known != tables_.end()) return *known;
  Table& fresh = tables_.emplace_back();
  fresh.field = field;
  first([&](Element& each) {
    learn_key(fresh, each);
    return !fresh.is_sound;
  });
  return fresh;
}

void OpenArray::learn_key(Table& table, Element& element) {
  if (!table.is_sound) return;
  std::string key = key_of(element.value, table.field);
  if (key.empty()) return;
  table.is_sound = table.elements.emplace(std::move(key), &element).second;
}

bool OpenArray::is_found_by(std::string_view field) const {
  return std::any_of(tables_.begin(), tables_.end(), [&](const Table& each) { return each.field == field; });
}

void OpenArray::learn_keys(Element& element) {
  for (Table& each : tables_) learn_key(each, element);
}

void OpenArray::forget_keys(Element& element) {
  for (Table& each : tables_) {
    if (each.is_sound) each.elements.erase(key_of(element.value, each.field));
  }
}

OpenArray::Element* OpenArray::find(const std::string& field, const std::string& key) {
  const Table& known = table(field);
  if (!known.is_sound || !is_key_text(key)) {
    return first([&](Element& each) { return has_key(each.value, field, key); });
  }
  const auto found = known.elements.find(key);
  return found == known.elements.end() ? nullptr : found->second;
}

OpenArray::Element* OpenArray::find(std::string_view token) {
  static constexpr std::array<std::string_view, 2> kKeyFields = {"id", "name"};
  if (const auto index = index_from(token); index && *index < size_) return at(*index);
  if (Element* by_text = first_of(kKeyFields, token)) return by_text;
  const std::size_t equals = token.find('=');
  const auto field = std::ranges::find(kKeyFields, token.substr(0, equals));
  if (equals == std::string_view::npos || field == kKeyFields.end()) return nullptr;
  return first_of(std::span(field, 1), token.substr(equals + 1));
}

OpenArray::Element* OpenArray::first_of(std::span<const std::string_view> fields, std::string_view text) {
  std::string quoted;
  append_quoted(text, quoted);
  std::vector<std::string> keys{std::move(quoted)};
  // A number that is written so; what else may begin like one is no element's key.
  if (is_key_text(text) && text.front() != '"') keys.emplace_back(text);
  Element* found = nullptr;
  std::size_t place = size_;
  for (const std::string_view field : fields) {
    for (const std::string& key : keys) {
      Element* other = find(std::string(field), key);
      if (other == nullptr || other == found) continue;
      const std::size_t its = place_of(*other);
      if (its < place) found = other;
      place = std::min(place, its);
    }
  }
  return found;
}

std::size_t OpenArray::place_of(const Element& element) const {
  std::size_t place = 0;
  for (auto block = blocks_.begin(); block != element.block; ++block) place += block->elements.size();
  return place + place_within(*element.block, element);
}

void OpenArray::insert(std::list<Block>::iterator block, std::size_t place, OpenValue value) {
  auto& elements = block->elements;
  const auto fresh = elements.insert(elements.begin() + static_cast<std::ptrdiff_t>(place),
                                     std::make_unique<Element>(Element{std::move(value), block}));
  ++size_;
  learn_keys(**fresh);
  if (elements.size() > 2 * kBlockElements) split(block);
}

void OpenArray::split(std::list<Block>::iterator block) {
  const auto rest = blocks_.emplace(std::next(block));
  const auto middle = block->elements.begin() + static_cast<std::ptrdiff_t>(block->elements.size() / 2);
  std::move(middle, block->elements.end(), std::back_inserter(rest->elements));
  block->elements.erase(middle, block->elements.end());
  for (const auto& each : rest->elements) each->block = rest;
}

void OpenArray::insert_behind(const Element* other, OpenValue value) {
  if (other == nullptr) return insert(blocks_.begin(), 0, std::move(value));
  insert(other->block, place_within(*other->block, *other) + 1, std::move(value));
}

void OpenArray::insert_before(const Element* other, OpenValue value) {
  if (other != nullptr) return insert(other->block, place_within(*other->block, *other), std::move(value));
  insert(std::prev(blocks_.end()), blocks_.back().elements.size(), std::move(value));
}

void OpenArray::replace(Element& element, OpenValue value) {
  forget_keys(element);
  element.value = std::move(value);
  learn_keys(element);
}

OpenValue OpenArray::take(const Element& element) {
  auto& elements = element.block->elements;
  const auto place = elements.begin() + static_cast<std::ptrdiff_t>(place_within(*element.block, element));
  forget_keys(**place);
  OpenValue value = std::move((*place)->value);
  const auto block = element.block;
  elements.erase(place);
  --size_;
  if (block->elements.empty() && blocks_.size() > 1) blocks_.erase(block);
  return value;
}

ValuePtr OpenArray::closed() {
  const Array& elements = *before_->array();
  bool is_same = size_ == elements.size();
  Array now;
  now.reserve(size_);
  first([&](Element& each) {
    now.push_back(each.value.closed());
    is_same = is_same && now.back() == elements[now.size() - 1];
    return false;
  });
  return is_same ? before_ : make_value(std::move(now));
}

}  // namespace callboard::document
