// How edits are applied. A few one by one: each rebuilds what lies on the way to its place and shares the rest. Many in an
// open document, with the same result: what one finds there, puts there and buries is the same, in the same order.
#include <algorithm>

#include "base/document/edits.h"
#include "base/document/guide.h"
#include "base/document/open_value.h"
#include "base/document/parse.h"
#include "base/document/pointer.h"
#include "base/limits.h"

namespace callboard::document {
namespace {

// Opening and closing an array costs what a few changes of it do.
constexpr std::size_t kFewEdits = 8;

bool is_container(const ValuePtr& value) { return value->array() != nullptr || value->object() != nullptr; }

bool can_be_entered(const ValuePtr& node, const Step& by) {
  return by.field.empty() ? node->object() != nullptr : node->array() != nullptr;
}

bool can_be_entered(const OpenValue& node, const Step& by) {
  return by.field.empty() ? node.is_object() : node.is_array();
}

std::string place_text(const Path& path, std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) {
    append_token(path[i].field, text);
    append_token(path[i].key, text);
  }
  return text;
}

}  // namespace

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

// The same in an open document.
class Growth::Batch {
 public:
  explicit Batch(Growth& growth) : growth_(growth), root_(growth.root_) {}

  bool apply(const Edit& edit) {
    edit_ = &edit;
    if (edit.path.empty()) {
      if (edit.kind != Edit::Kind::set) return false;
      root_ = OpenValue(edit.value);
      return true;
    }
    return can_be_entered(root_, edit.path.front()) && enter(root_, 0);
  }
  const ValuePtr& result() { return root_.closed(); }

 private:
  const Step& step(std::size_t depth) const { return edit_->path[depth]; }
  bool is_last(std::size_t depth) const { return depth + 1 == edit_->path.size(); }

  bool enter(OpenValue& node, std::size_t depth) {
    return step(depth).field.empty() ? object(node.object(), depth) : array(node.array(), depth);
  }

  // What was taken away where there is nothing to be entered, with what the edit does in it; nullopt: it cannot be done.
  std::optional<OpenValue> brought_back(std::size_t depth) {
    const ValuePtr before =
        edit_->kind == Edit::Kind::set ? growth_.exhumed(edit_->path, depth + 1) : nullptr;
    if (before == nullptr || !can_be_entered(before, step(depth + 1))) return std::nullopt;
    OpenValue node(before);
    if (!enter(node, depth + 1)) return std::nullopt;
    return node;
  }

  bool object(OpenObject& members, std::size_t depth) {
    const std::string& key = step(depth).key;
    OpenValue* here = members.find(key);
    if (is_last(depth)) return set_member(members, here, depth);
    if (here != nullptr && can_be_entered(*here, step(depth + 1))) return enter(*here, depth + 1);
    auto before = brought_back(depth);
    if (!before) return false;
    if (here != nullptr) {
      *here = std::move(*before);
    } else {
      members.add(key, before->closed());
    }
    return true;
  }

  bool set_member(OpenObject& members, OpenValue* here, std::size_t depth) {
    const bool is_nothing = edit_->value == nullptr && here == nullptr;
    if (edit_->kind == Edit::Kind::place || is_nothing) return false;
    if (here != nullptr) growth_.bury(edit_->path, depth + 1, here->closed());
    if (edit_->value == nullptr) {
      members.remove(step(depth).key);
    } else if (here != nullptr) {
      *here = OpenValue(edit_->value);
    } else {
      members.add(step(depth).key, edit_->value);
    }
    return true;
  }

  bool array(OpenArray& elements, std::size_t depth) {
    OpenArray::Element* here = elements.find(step(depth).field, step(depth).key);
    if (is_last(depth)) return set_element(elements, here, depth);
    if (here != nullptr && can_be_entered(here->value, step(depth + 1)))
      return change(elements, *here, depth);
    auto before = brought_back(depth);
    if (!before) return false;
    if (here != nullptr) {
      elements.replace(*here, std::move(*before));
    } else {
      elements.insert_before(nullptr, std::move(*before));
    }
    return true;
  }

  bool change(OpenArray& elements, OpenArray::Element& element, std::size_t depth) {
    const bool is_key = step(depth + 1).field.empty() && elements.is_found_by(step(depth + 1).key);
    if (is_key) elements.forget_keys(element);
    const bool is_done = enter(element.value, depth + 1);
    if (is_key) elements.learn_keys(element);
    return is_done;
  }

  bool set_element(OpenArray& elements, OpenArray::Element* here, std::size_t depth) {
    const bool is_set = edit_->kind == Edit::Kind::set;
    if (here == nullptr && !is_set) return false;
    if (edit_->kind != Edit::Kind::place && here != nullptr)
      growth_.bury(edit_->path, depth + 1, here->value.closed());
    if (is_set && here != nullptr) {
      elements.replace(*here, OpenValue(edit_->value));
      return true;
    }
    OpenValue value = here != nullptr ? elements.take(*here) : OpenValue(edit_->value);
    if (edit_->kind != Edit::Kind::remove) insert(elements, std::move(value), depth);
    return true;
  }

  void insert(OpenArray& elements, OpenValue value, std::size_t depth) {
    if (edit_->after.empty()) return elements.insert_behind(nullptr, std::move(value));
    const OpenArray::Element* other = elements.find(step(depth).field, edit_->after);
    if (other != nullptr) return elements.insert_behind(other, std::move(value));
    elements.insert_before(nullptr, std::move(value));
  }

  Growth& growth_;
  OpenValue root_;
  const Edit* edit_ = nullptr;  // The one that is applied.
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

bool Growth::apply(const Edits& edits) {
  bool is_done = true;
  if (edits.size() <= kFewEdits) {
    for (const Edit& edit : edits) is_done = apply(edit) && is_done;
    return is_done;
  }
  Batch batch(*this);
  for (const Edit& edit : edits) is_done = batch.apply(edit) && is_done;
  root_ = batch.result();
  return is_done;
}

bool Growth::shows(const Edit& edit) const {
  const ValuePtr there = find(root_, edit.path);
  return edit.kind == Edit::Kind::place ? there != nullptr : equal(there, edit.value);
}

bool Growth::shows(const Edits& edits) const {
  Guide guide(root_);
  return std::all_of(edits.begin(), edits.end(), [&](const Edit& edit) {
    const ValuePtr there = guide.find(edit.path);
    return edit.kind == Edit::Kind::place ? there != nullptr : equal(there, edit.value);
  });
}

void Growth::bury(const Path& path, std::size_t depth, const ValuePtr& value) {
  if (value == nullptr || !is_container(value)) return;
  // Of what is too large it is remembered that it was there.
  const ValuePtr kept = value->size_bytes() > kGraveBytesMax ? make_null() : value;
  Grave grave{place_text(path, depth), kept, kept->size_bytes()};
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

bool Growth::is_gone_for_good(const Path& path) const {
  const std::string place = place_text(path, path.size());
  return std::any_of(graves_.begin(), graves_.end(),
                     [&](const Grave& each) { return each.place == place && !is_container(each.value); });
}

ValuePtr Growth::exhumed(const Path& path, std::size_t depth) {
  if (graves_.empty()) return nullptr;
  const std::string place = place_text(path, depth);
  const auto found =
      std::find_if(graves_.begin(), graves_.end(), [&](const Grave& each) { return each.place == place; });
  if (found == graves_.end() || !is_container(found->value)) return nullptr;
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
