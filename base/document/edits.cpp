#include "base/document/edits.h"

#include <algorithm>
#include <unordered_map>

#include "base/document/parse.h"
#include "base/document/pointer.h"
#include "base/document/sequence.h"
#include "base/document_limits.h"

namespace callboard::document {
namespace {

bool is_container(const ValuePtr& value) { return value->array() != nullptr || value->object() != nullptr; }

// Whether the element's field is that key, without printing every one of them.
bool has_key(const Value& element, const Step& step) {
  const ValuePtr key = element.member(step.field);
  return key != nullptr && key->size_bytes() == step.key.size() && print(*key) == step.key;
}

std::size_t place_of(const Array& array, const Step& step) {
  const auto found =
      std::find_if(array.begin(), array.end(), [&](const ValuePtr& each) { return has_key(*each, step); });
  return static_cast<std::size_t>(found - array.begin());
}

ValuePtr child(const ValuePtr& node, const Step& step) {
  if (step.field.empty()) return node->member(step.key);
  const Array* array = node->array();
  const std::size_t place = array == nullptr ? 0 : place_of(*array, step);
  return array == nullptr || place == array->size() ? nullptr : (*array)[place];
}

bool can_be_entered(const ValuePtr& node, const Step& by) {
  return by.field.empty() ? node->object() != nullptr : node->array() != nullptr;
}

std::string place_text(const Path& path, std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) {
    append_token(path[i].field, text);
    append_token(path[i].key, text);
  }
  return text;
}

// --- Finding edits ---------------------------------------------------------------------------------------------------

class Finder {
 public:
  Edits take() && { return std::move(edits_); }
  // What was found is not all that differs.
  bool is_too_long() const { return size_bytes_ > kEditsBytesMax; }

  void compare(const ValuePtr& from, const ValuePtr& to) {
    if (from == to || is_too_long()) return;
    if (from->object() != nullptr && to->object() != nullptr) return objects(*from->object(), *to->object());
    if (from->array() != nullptr && to->array() != nullptr) return arrays(from, to);
    if (!equal(from, to)) set(to);
  }
  void set(const ValuePtr& value) { add(Edit::Kind::set, value, {}); }
  // What is compared from here on lies there, in an object.
  void enter(const std::string& key) {
    path_bytes_ += key.size();
    path_.push_back({"", key});
  }

 private:
  // Each edit says its whole path: what many have in common may be long.
  void add(Edit::Kind kind, ValuePtr value, const std::string& after) {
    size_bytes_ += path_bytes_ + after.size() + (value == nullptr ? 0 : value->size_bytes());
    if (!is_too_long()) edits_.push_back({kind, path_, std::move(value), after});
  }

  template <class Body>
  void below(Step step, Body body) {
    const std::uint64_t step_bytes = step.field.size() + step.key.size();
    path_bytes_ += step_bytes;
    path_.push_back(std::move(step));
    body();
    path_.pop_back();
    path_bytes_ -= step_bytes;
  }

  void objects(const Object& from, const Object& to) {
    const bool has_same_keys = std::equal(from.begin(), from.end(), to.begin(), to.end(),
                                          [](const Member& a, const Member& b) { return a.key == b.key; });
    if (has_same_keys) return same_members(from, to);
    std::unordered_map<std::string_view, const Member*> wanted;
    for (const Member& each : to) wanted.emplace(each.key, &each);
    std::unordered_map<std::string_view, const Member*> known;
    for (const Member& each : from) {
      known.emplace(each.key, &each);
      if (wanted.contains(each.key)) continue;
      below({"", each.key}, [&] { add(Edit::Kind::remove, nullptr, {}); });
    }
    for (const Member& each : to) {
      const auto old = known.find(each.key);
      if (old != known.end() && old->second->value == each.value) continue;
      below({"", each.key}, [&] {
        if (old == known.end()) {
          set(each.value);
        } else {
          compare(old->second->value, each.value);
        }
      });
    }
  }

  // Mostly a value differs, and nothing has to be looked up.
  void same_members(const Object& from, const Object& to) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (from[i].value != to[i].value) below({"", to[i].key}, [&] { compare(from[i].value, to[i].value); });
    }
  }

  void arrays(const ValuePtr& from, const ValuePtr& to) {
    const Array& old = *from->array();
    const Array& wanted = *to->array();
    const std::string field(key_field(wanted.empty() ? old : wanted));
    const bool is_keyed = !field.empty() && (old.empty() || key_field(old) == field);
    if (is_keyed) {
      keyed(old, wanted, field);
    } else if (!equal(from, to)) {
      set(to);
    }
  }

  void keyed(const Array& from, const Array& to, const std::string& field) {
    std::unordered_map<std::string, std::size_t> known;
    for (std::size_t i = 0; i < from.size(); ++i) known.emplace(key_of(*from[i], field), i);
    std::vector<std::size_t> places;
    std::vector<bool> is_kept(from.size(), false);
    for (const ValuePtr& each : to) {
      const auto old = known.find(key_of(*each, field));
      if (old == known.end()) continue;
      places.push_back(old->second);
      is_kept[old->second] = true;
    }
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (is_kept[i]) continue;
      below({field, key_of(*from[i], field)}, [&] { add(Edit::Kind::remove, nullptr, {}); });
    }
    const std::vector<bool> staying = stays(places);
    std::size_t kept = 0;
    std::string after;
    for (const ValuePtr& each : to) {
      std::string key = key_of(*each, field);
      const auto old = known.find(key);
      below({field, key}, [&] {
        if (old == known.end()) {
          add(Edit::Kind::set, each, after);
        } else {
          if (!staying[kept++]) add(Edit::Kind::place, nullptr, after);
          compare(from[old->second], each);
        }
      });
      after = std::move(key);
    }
  }

  Edits edits_;
  Path path_;
  std::uint64_t path_bytes_ = 0;
  std::uint64_t size_bytes_ = 0;  // Of what was found.
};

}  // namespace

Edits edits_between(const ValuePtr& from, const ValuePtr& to) {
  const Edit whole{Edit::Kind::set, {}, to, {}};
  if (from == nullptr) return {whole};
  Finder finder;
  finder.compare(from, to);
  return finder.is_too_long() ? Edits{whole} : std::move(finder).take();
}

std::optional<Edits> edits_at(const ValuePtr& document, const Tokens& at, const ValuePtr& value) {
  if (at.empty()) return std::nullopt;
  Finder finder;
  ValuePtr here = document;
  for (const std::string& key : at) {
    if (here == nullptr || here->object() == nullptr) return std::nullopt;
    here = here->member(key);
    finder.enter(key);
  }
  if (here == nullptr) {
    finder.set(value);
  } else {
    finder.compare(here, value);
  }
  if (finder.is_too_long()) return std::nullopt;
  return std::move(finder).take();
}

bool overlap(const Path& a, const Path& b) {
  const std::size_t common = std::min(a.size(), b.size());
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin());
}

std::string pointer_text(const Path& path) {
  std::string text;
  for (const Step& step : path) {
    const bool is_text = !step.field.empty() && step.key.starts_with('"');
    const auto key = is_text ? parse(step.key) : Result<ValuePtr>(ValuePtr());
    append_token(key && *key ? *(*key)->string() : step.key, text);
  }
  return text;
}

ValuePtr find(const ValuePtr& root, const Path& path) {
  ValuePtr at = root;
  for (const Step& step : path) {
    if (at == nullptr) return nullptr;
    at = child(at, step);
  }
  return at;
}

// --- Applying them ---------------------------------------------------------------------------------------------------

// Rebuilds what lies on the way to an edit's place; everything beside it is shared with the version before.
class Growth::Applier {
 public:
  Applier(Growth& growth, const Edit& edit) : growth_(growth), edit_(edit) {}

  // Null: it cannot be done.
  ValuePtr rebuilt(const ValuePtr& node, std::size_t depth) {
    return edit_.path[depth].field.empty() ? object(*node, depth) : array(*node, depth);
  }

 private:
  bool is_last(std::size_t depth) const { return depth + 1 == edit_.path.size(); }

  // What to go on with below, which may be there or have been taken away.
  ValuePtr entered(const ValuePtr& here, std::size_t depth) {
    const Step& next = edit_.path[depth + 1];
    if (here != nullptr && can_be_entered(here, next)) return rebuilt(here, depth + 1);
    const ValuePtr before = edit_.kind == Edit::Kind::set ? growth_.exhumed(edit_.path, depth + 1) : nullptr;
    return before != nullptr && can_be_entered(before, next) ? rebuilt(before, depth + 1) : nullptr;
  }

  ValuePtr object(const Value& node, std::size_t depth) {
    const Object& members = *node.object();
    const std::string& key = edit_.path[depth].key;
    const auto member =
        std::find_if(members.begin(), members.end(), [&](const Member& each) { return each.key == key; });
    const ValuePtr here = member == members.end() ? nullptr : member->value;
    ValuePtr wanted = is_last(depth) ? edit_.value : entered(here, depth);
    if (!is_last(depth) && wanted == nullptr) return nullptr;
    if (is_last(depth)) {
      if (edit_.kind == Edit::Kind::place || (wanted == nullptr && here == nullptr)) return nullptr;
      growth_.bury(edit_.path, depth + 1, here);
    }
    const auto place = member - members.begin();
    if (wanted != nullptr && here != nullptr) {
      return with_part(node, static_cast<std::size_t>(place), std::move(wanted));
    }
    Object copy = members;
    if (wanted == nullptr) {
      copy.erase(copy.begin() + place);
    } else {
      copy.push_back({key, std::move(wanted)});
    }
    return make_value(std::move(copy));
  }

  ValuePtr array(const Value& node, std::size_t depth) {
    const Array& elements = *node.array();
    const std::size_t place = place_of(elements, edit_.path[depth]);
    const ValuePtr here = place == elements.size() ? nullptr : elements[place];
    if (is_last(depth)) return with_element(node, depth, place, here);
    ValuePtr wanted = entered(here, depth);
    if (wanted == nullptr) return nullptr;
    if (here != nullptr) return with_part(node, place, std::move(wanted));
    Array copy = elements;
    copy.push_back(std::move(wanted));
    return make_value(std::move(copy));
  }

  ValuePtr with_element(const Value& node, std::size_t depth, std::size_t place, const ValuePtr& here) {
    if (here == nullptr && edit_.kind != Edit::Kind::set) return nullptr;
    if (edit_.kind != Edit::Kind::place) growth_.bury(edit_.path, depth + 1, here);
    if (edit_.kind == Edit::Kind::set && here != nullptr) return with_part(node, place, edit_.value);
    Array copy = *node.array();
    if (here != nullptr) copy.erase(copy.begin() + static_cast<std::ptrdiff_t>(place));
    if (edit_.kind != Edit::Kind::remove) insert(copy, here == nullptr ? edit_.value : here, depth);
    return make_value(std::move(copy));
  }

  // Behind the element it was behind, wherever that is now; at the end when that is gone.
  void insert(Array& array, ValuePtr value, std::size_t depth) {
    std::size_t place = 0;
    if (!edit_.after.empty()) {
      place = std::min(place_of(array, {edit_.path[depth].field, edit_.after}) + 1, array.size());
    }
    array.insert(array.begin() + static_cast<std::ptrdiff_t>(place), std::move(value));
  }

  Growth& growth_;
  const Edit& edit_;
};

bool Growth::apply(const Edit& edit) {
  if (edit.path.empty()) {
    if (edit.kind != Edit::Kind::set) return false;
    root_ = edit.value;
    return true;
  }
  if (root_ == nullptr || !can_be_entered(root_, edit.path.front())) return false;
  ValuePtr changed = Applier(*this, edit).rebuilt(root_, 0);
  if (changed == nullptr) return false;
  root_ = std::move(changed);
  return true;
}

bool Growth::shows(const Edit& edit) const {
  if (edit.kind == Edit::Kind::place) return true;
  return equal(find(root_, edit.path), edit.value);
}

void Growth::bury(const Path& path, std::size_t depth, const ValuePtr& value) {
  if (value == nullptr || !is_container(value) || value->size_bytes() > kGraveBytesMax) return;
  Grave grave{place_text(path, depth), value, value->size_bytes()};
  const auto same = std::find_if(graves_.begin(), graves_.end(),
                                 [&](const Grave& each) { return each.place == grave.place; });
  if (same != graves_.end()) {
    graves_bytes_ -= same->size_bytes;
    graves_.erase(same);
  }
  graves_bytes_ += grave.size_bytes;
  graves_.push_back(std::move(grave));
  while (graves_.size() > kGravesMax || graves_bytes_ > kGravesBytesMax) {
    graves_bytes_ -= graves_.front().size_bytes;
    graves_.erase(graves_.begin());
  }
}

ValuePtr Growth::exhumed(const Path& path, std::size_t depth) {
  if (graves_.empty()) return nullptr;
  const std::string place = place_text(path, depth);
  const auto found =
      std::find_if(graves_.begin(), graves_.end(), [&](const Grave& each) { return each.place == place; });
  if (found == graves_.end()) return nullptr;
  ++exhumed_count_;
  return found->value;
}

std::string Growth::print() const {
  std::string out = "{\"root\":[";
  if (root_ != nullptr) append_text(*root_, out);
  out += "],\"graves\":[";
  for (const Grave& each : graves_) {
    if (&each != &graves_.front()) out += ',';
    append_quoted(each.place, out);
    out += ',';
    append_text(*each.value, out);
  }
  return out + "]}";
}

Result<Growth> Growth::parse(std::string_view text) {
  // The document may be nested as deep as it may be; it stands two deeper here.
  const auto value = document::parse_deeper(text, 2);
  if (!value) return value.error();
  const ValuePtr root = (*value)->member("root");
  const ValuePtr graves = (*value)->member("graves");
  const bool is_sound = root != nullptr && root->array() != nullptr && root->array()->size() <= 1 &&
                        graves != nullptr && graves->array() != nullptr && graves->array()->size() % 2 == 0;
  if (!is_sound) return Error{Outcome::failed, "damaged"};
  Growth growth;
  if (!root->array()->empty()) growth.root_ = root->array()->front();
  const Array& list = *graves->array();
  for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
    if (list[i]->string() == nullptr) return Error{Outcome::failed, "damaged"};
    const std::uint64_t size_bytes = list[i + 1]->size_bytes();
    growth.graves_.push_back({*list[i]->string(), list[i + 1], size_bytes});
    growth.graves_bytes_ += size_bytes;
  }
  return growth;
}

}  // namespace callboard::document
