#include "base/document/json_patch.h"

#include <algorithm>
#include <span>

#include "base/document/parse.h"
#include "base/text.h"

namespace callboard::document {
namespace {

enum class Way { add, replace, remove, put };

struct Change {
  Way way;
  ValuePtr value;  // Null for remove.
};

using Rest = std::span<const std::string>;

Result<ValuePtr> changed(const ValuePtr& node, Rest at, const Change& change);

Error nothing_there() { return Error{Outcome::not_found, "nothing is there"}; }

Result<ValuePtr> changed_object(const Value& node, Rest at, const Change& change) {
  const Object& object = *node.object();
  const auto member =
      std::find_if(object.begin(), object.end(), [&](const Member& each) { return each.key == at.front(); });
  const bool is_there = member != object.end();
  const auto place = static_cast<std::size_t>(member - object.begin());
  if (at.size() > 1) {
    if (!is_there) return nothing_there();
    auto below = changed(member->value, at.subspan(1), change);
    if (!below) return below;
    return with_part(node, place, std::move(*below));
  }
  const bool may_be_new = change.way == Way::add || change.way == Way::put;
  if (!is_there && !may_be_new) return nothing_there();
  if (is_there && change.way != Way::remove) return with_part(node, place, change.value);
  Object copy = object;
  if (is_there) {
    copy.erase(copy.begin() + (member - object.begin()));
  } else {
    copy.push_back({at.front(), change.value});
  }
  return make_value(std::move(copy));
}

Result<ValuePtr> changed_array(const Value& node, Rest at, const Change& change) {
  const Array& array = *node.array();
  const bool may_append = at.size() == 1 && (change.way == Way::add || change.way == Way::put);
  const bool is_end =
      at.front() == "-" || (change.way == Way::add && at.front() == std::to_string(array.size()));
  // The end first: the number that means it may be some element's id, too.
  const auto index = may_append && is_end ? std::optional(array.size()) : index_in(array, at.front());
  if (!index) return nothing_there();
  if (at.size() > 1) {
    auto below = changed(array[*index], at.subspan(1), change);
    if (!below) return below;
    return with_part(node, *index, std::move(*below));
  }
  const bool is_new = change.way == Way::add || *index == array.size();
  if (!is_new && change.way != Way::remove) return with_part(node, *index, change.value);
  Array copy = array;
  const auto element = copy.begin() + static_cast<std::ptrdiff_t>(*index);
  if (change.way == Way::remove) {
    copy.erase(element);
  } else {
    copy.insert(element, change.value);
  }
  return make_value(std::move(copy));
}

Result<ValuePtr> changed(const ValuePtr& node, Rest at, const Change& change) {
  if (at.empty()) {
    if (change.way == Way::remove) return Error{Outcome::usage, "the whole document cannot be removed"};
    return change.value;
  }
  if (node == nullptr) return nothing_there();
  if (node->object() != nullptr) return changed_object(*node, at, change);
  if (node->array() != nullptr) return changed_array(*node, at, change);
  return nothing_there();
}

std::string text_member(const Value& operation, std::string_view key) {
  const ValuePtr value = operation.member(key);
  return value != nullptr && value->string() != nullptr ? *value->string() : std::string();
}

struct Places {
  Tokens at;
  Tokens from;
};

Result<Places> places_of(const Value& operation, bool has_from) {
  const ValuePtr path = operation.member("path");
  if (path == nullptr || path->string() == nullptr) return Error{Outcome::usage, "path: missing"};
  auto at = parse_pointer(*path->string());
  if (!at) return at.error();
  if (!has_from) return Places{std::move(*at), {}};
  auto from = parse_pointer(text_member(operation, "from"));
  if (!from) return from.error();
  return Places{std::move(*at), std::move(*from)};
}

Result<ValuePtr> move_or_copy(const ValuePtr& document, const Places& places, bool is_move) {
  const ValuePtr value = find(document, places.from);
  if (value == nullptr) return nothing_there();
  const bool is_inside = places.at.size() > places.from.size() &&
                         std::equal(places.from.begin(), places.from.end(), places.at.begin());
  if (is_move && is_inside) return Error{Outcome::usage, "from: cannot be moved into itself"};
  if (!is_move) return changed(document, places.at, {Way::add, value});
  if (places.from.empty()) return document;  // Onto itself, or refused above.
  auto without = changed(document, places.from, {Way::remove, nullptr});
  if (!without) return without;
  return changed(*without, places.at, {Way::add, value});
}

Result<ValuePtr> apply_one(const ValuePtr& document, const Value& operation) {
  const std::string name = text_member(operation, "op");
  const bool has_from = name == "move" || name == "copy";
  const auto places = places_of(operation, has_from);
  if (!places) return places.error();
  if (has_from) return move_or_copy(document, *places, name == "move");
  if (name == "remove") return changed(document, places->at, {Way::remove, nullptr});
  const ValuePtr value = operation.member("value");
  if (value == nullptr) return Error{Outcome::usage, "value: missing"};
  if (name == "add") return changed(document, places->at, {Way::add, value});
  if (name == "replace") return changed(document, places->at, {Way::replace, value});
  if (name != "test") {
    return Error{Outcome::usage,
                 "op: expected add, remove, replace, move, copy or test, got " + callboard::quoted(name)};
  }
  if (equal(find(document, places->at), value)) return document;
  return Error{Outcome::superseded, "test failed: another value stands there"};
}

}  // namespace

Result<ValuePtr> apply_patch(const ValuePtr& document, std::string_view patch) {
  const auto parsed = parse(patch);
  if (!parsed) return Error{Outcome::usage, "patch: " + parsed.error().text};
  const Array* operations = (*parsed)->array();
  if (operations == nullptr) return Error{Outcome::usage, "patch: expected an array of operations"};
  ValuePtr result = document;
  for (std::size_t i = 0; i < operations->size(); ++i) {
    const Value& operation = *(*operations)[i];
    auto next = apply_one(result, operation);
    if (!next) {
      const std::string place = callboard::quoted(text_member(operation, "path"));
      return next.error().prefixed("patch: operation " + std::to_string(i) + " at " + place);
    }
    result = std::move(*next);
  }
  return result;
}

Result<ValuePtr> put(const ValuePtr& document, const Tokens& at, const ValuePtr& value) {
  auto result = changed(document, at, {Way::put, value});
  if (!result) return result.error().prefixed("set " + callboard::quoted(pointer_text(at)));
  return result;
}

}  // namespace callboard::document
