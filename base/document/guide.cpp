#include "base/document/guide.h"

#include <algorithm>

namespace callboard::document {
namespace {

// Asks about one container after which a table costs less than going on without.
constexpr std::size_t kAsksWithoutTable = 8;

ValuePtr child_of(const Value& node, const Step& step) {
  if (step.field.empty()) return node.member(step.key);
  const Array* array = node.array();
  const std::size_t place = array == nullptr ? 0 : place_of(*array, step);
  return array == nullptr || place == array->size() ? nullptr : (*array)[place];
}

std::size_t part_count(const Value& node) {
  if (node.array() != nullptr) return node.array()->size();
  return node.object() != nullptr ? node.object()->size() : 0;
}

}  // namespace

std::size_t place_of(const Array& array, const Step& step) {
  std::string text;
  // Most keys of an array are equally long: they are compared as text, which is written into one place.
  const auto found = std::find_if(array.begin(), array.end(), [&](const ValuePtr& each) {
    const ValuePtr key = each->member(step.field);
    if (key == nullptr || key->size_bytes() != step.key.size()) return false;
    text.clear();
    append_text(*key, text);
    return text == step.key;
  });
  return static_cast<std::size_t>(found - array.begin());
}

ValuePtr find(const ValuePtr& root, const Path& path) {
  ValuePtr at = root;
  for (const Step& step : path) {
    if (at == nullptr) return nullptr;
    at = child_of(*at, step);
  }
  return at;
}

ValuePtr Guide::find(const Path& path) {
  ValuePtr at = root_;
  for (const Step& step : path) {
    if (at == nullptr) return nullptr;
    at = child(at, step);
  }
  return at;
}

ValuePtr Guide::child(const ValuePtr& node, const Step& step) {
  if (part_count(*node) <= kAsksWithoutTable) return child_of(*node, step);
  Table& table = tables_[{node.get(), step.field}];
  if (++table.asked <= kAsksWithoutTable) return child_of(*node, step);
  if (table.asked == kAsksWithoutTable + 1 && step.field.empty() && node->object() != nullptr) {
    for (const Member& each : *node->object()) table.elements.emplace(each.key, each.value);
  } else if (table.asked == kAsksWithoutTable + 1 && !step.field.empty() && node->array() != nullptr) {
    for (const ValuePtr& each : *node->array()) {
      const ValuePtr key = each->member(step.field);
      if (key != nullptr) table.elements.emplace(document::print(*key), each);
    }
  }
  const auto found = table.elements.find(step.key);
  return found == table.elements.end() ? nullptr : found->second;
}

}  // namespace callboard::document
