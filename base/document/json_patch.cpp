#include "base/document/json_patch.h"

#include <algorithm>
#include <span>

#include "base/document/open_value.h"
#include "base/document/parse.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard::document {
namespace {

constexpr std::size_t kFewOperations = 8;

enum class Way { add, replace, remove, put };

struct Change {
  Way way;
  ValuePtr value;  // Null for remove.
};

using Rest = std::span<const std::string>;

Result<ValuePtr> changed(const ValuePtr& node, Rest at, const Change& change);

Error nothing_there() { return Error{Outcome::not_found, "nothing is there"}; }
Error no_removal_of_all() { return Error{Outcome::usage, "the whole document cannot be removed"}; }

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
    if (change.way == Way::remove) return no_removal_of_all();
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

// One operation of a patch.
struct Asked {
  std::string name;
  Places places;
  ValuePtr value;  // Null where it needs none.
};

Result<Asked> asked_by(const Value& operation) {
  Asked asked;
  asked.name = text_member(operation, "op");
  const bool has_from = asked.name == "move" || asked.name == "copy";
  auto places = places_of(operation, has_from);
  if (!places) return places.error();
  asked.places = std::move(*places);
  if (has_from || asked.name == "remove") return asked;
  asked.value = operation.member("value");
  if (asked.value == nullptr) return Error{Outcome::usage, "value: missing"};
  if (asked.name == "add" || asked.name == "replace" || asked.name == "test") return asked;
  return Error{Outcome::usage,
               "op: expected add, remove, replace, move, copy or test, got " + callboard::quoted(asked.name)};
}

// A document that stays as it is: each operation makes another one, which shares with it what did not change.
class Versions {
 public:
  explicit Versions(ValuePtr document) : document_(std::move(document)) {}

  ValuePtr find(const Tokens& at) { return document::find(document_, at); }
  Result<void> change(const Tokens& at, const Change& change) {
    auto next = changed(document_, at, change);
    if (!next) return next.error();
    document_ = std::move(*next);
    return {};
  }
  ValuePtr result() { return document_; }

 private:
  ValuePtr document_;
};

// The same in an open document.
class OpenVersion {
 public:
  explicit OpenVersion(ValuePtr document) : root_(std::move(document)) {}

  ValuePtr find(const Tokens& at) {
    OpenValue* found = entered(at).value;
    return found == nullptr ? nullptr : found->closed();
  }
  Result<void> change(const Tokens& at, const Change& change) {
    if (at.empty()) {
      if (change.way == Way::remove) return no_removal_of_all();
      root_ = OpenValue(change.value);
      return {};
    }
    const Place place = entered(Rest(at).first(at.size() - 1));
    if (place.value == nullptr) return nothing_there();
    if (place.value->is_array()) return change_element(place.value->array(), at.back(), change);
    if (!place.value->is_object()) return nothing_there();
    const bool is_key = place.array != nullptr && place.array->is_found_by(at.back());
    if (is_key) place.array->forget_keys(*place.element);
    auto result = change_member(place.value->object(), at.back(), change);
    if (is_key) place.array->learn_keys(*place.element);
    return result;
  }
  ValuePtr result() { return root_.closed(); }

 private:
  struct Place {
    OpenValue* value = nullptr;
    OpenArray* array = nullptr;  // Whose element it is.
    OpenArray::Element* element = nullptr;
  };

  Place entered(Rest at) {
    Place place{&root_};
    for (const std::string& token : at) {
      if (place.value->is_array()) {
        OpenArray& array = place.value->array();
        OpenArray::Element* element = array.find(token);
        if (element == nullptr) return {};
        place = {&element->value, &array, element};
      } else {
        OpenValue* member = place.value->is_object() ? place.value->object().find(token) : nullptr;
        if (member == nullptr) return {};
        place = {member};
      }
    }
    return place;
  }

  static Result<void> change_member(OpenObject& object, const std::string& key, const Change& change) {
    OpenValue* here = object.find(key);
    if (here == nullptr && change.way != Way::add) return nothing_there();
    if (change.way == Way::remove) {
      object.remove(key);
    } else if (here != nullptr) {
      *here = OpenValue(change.value);
    } else {
      object.add(key, change.value);
    }
    return {};
  }

  static Result<void> change_element(OpenArray& array, const std::string& token, const Change& change) {
    const bool is_end = change.way == Way::add && (token == "-" || token == std::to_string(array.size()));
    OpenArray::Element* here = is_end ? nullptr : array.find(token);
    if (here == nullptr && !is_end) return nothing_there();
    if (change.way == Way::remove) {
      array.take(*here);
    } else if (change.way == Way::add) {
      array.insert_before(here, OpenValue(change.value));
    } else {
      array.replace(*here, OpenValue(change.value));
    }
    return {};
  }

  OpenValue root_;
};

// What a document may be when nothing but its own parts are copied into one another: a few operations double it each, or nest
// it in itself, until its size is no number any more and its depth is more than a stack holds. So each is looked at by itself.
Result<void> check_part(const Value& value, const Tokens& at) {
  if (value.depth() + static_cast<int>(std::min<std::size_t>(at.size(), kJsonDepthMax + 1)) > kJsonDepthMax)
    return Error{Outcome::usage, "nested deeper than " + std::to_string(kJsonDepthMax)};
  if (value.size_bytes() > kDocumentMax)
    return Error{Outcome::usage, "larger than " + human_bytes(kDocumentMax)};
  return {};
}

template <class Document>
Result<void> add_part(Document& document, const Tokens& at, const ValuePtr& value, Way way = Way::add) {
  if (auto sound = check_part(*value, at); !sound) return sound;
  return document.change(at, {way, value});
}

template <class Document>
Result<void> move_or_copy(Document& document, const Places& places, bool is_move) {
  const ValuePtr value = document.find(places.from);
  if (value == nullptr) return nothing_there();
  const bool is_inside = places.at.size() > places.from.size() &&
                         std::equal(places.from.begin(), places.from.end(), places.at.begin());
  if (is_move && is_inside) return Error{Outcome::usage, "from: cannot be moved into itself"};
  if (!is_move) return add_part(document, places.at, value);
  if (places.from.empty()) return {};  // Onto itself, or refused above.
  auto without = document.change(places.from, {Way::remove, nullptr});
  if (!without) return without;
  return add_part(document, places.at, value);
}

template <class Document>
Result<void> apply_one(Document& document, const Value& operation) {
  const auto asked = asked_by(operation);
  if (!asked) return asked.error();
  const Tokens& at = asked->places.at;
  if (asked->name == "move" || asked->name == "copy")
    return move_or_copy(document, asked->places, asked->name == "move");
  if (asked->name == "remove") return document.change(at, {Way::remove, nullptr});
  if (asked->name == "add") return add_part(document, at, asked->value);
  if (asked->name == "replace") return add_part(document, at, asked->value, Way::replace);
  if (equal(document.find(at), asked->value)) return {};
  return Error{Outcome::superseded, "test failed: another value stands there"};
}

template <class Document>
Result<ValuePtr> apply_all(Document document, const Array& operations) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    auto applied = apply_one(document, *operations[i]);
    if (applied) continue;
    const std::string place = callboard::quoted(text_member(*operations[i], "path"));
    return applied.error().prefixed("patch: operation " + std::to_string(i) + " at " + place);
  }
  return document.result();
}

}  // namespace

Result<ValuePtr> apply_patch(const ValuePtr& document, std::string_view patch) {
  const auto parsed = parse(patch);
  if (!parsed) return Error{Outcome::usage, "patch: " + parsed.error().text};
  const Array* operations = (*parsed)->array();
  if (operations == nullptr) return Error{Outcome::usage, "patch: expected an array of operations"};
  // Opening a document costs what a few changes of it do.
  if (operations->size() <= kFewOperations) return apply_all(Versions(document), *operations);
  return apply_all(OpenVersion(document), *operations);
}

Result<ValuePtr> put(const ValuePtr& document, const Tokens& at, const ValuePtr& value) {
  auto result = changed(document, at, {Way::put, value});
  if (!result) return result.error().prefixed("set " + callboard::quoted(pointer_text(at)));
  return result;
}

}  // namespace callboard::document
