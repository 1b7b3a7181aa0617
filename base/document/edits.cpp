#include "base/document/edits.h"

#include <algorithm>

#include "base/document/parse.h"
#include "base/document/pointer.h"
#include "base/document/sequence.h"
#include "base/limits.h"
#include "base/text_hash.h"

namespace callboard::document {
namespace {

// --- Finding edits ---------------------------------------------------------------------------------------------------

class Finder {
 public:
  Edits take() && { return std::move(edits_); }
  // What was found is not all that differs.
  bool is_too_long() const { return size_bytes_ > kEditsBytesMax || edits_.size() > kEditsMax; }

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
    size_bytes_ += path_bytes_ + after.size() + size_of(value);
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
    TextViewMap<const Member*> wanted;
    for (const Member& each : to) wanted.emplace(each.key, &each);
    TextViewMap<const Member*> known;
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
    TextMap<std::size_t> known;
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

Path common_path(const Edits& edits) {
  if (edits.empty()) return {};
  Path common = edits.front().path;
  for (const Edit& each : edits) common.erase(std::ranges::mismatch(common, each.path).in1, common.end());
  return common;
}

std::string pointer_text(const Path& path) {
  std::string text;
  for (const Step& step : path) {
    const bool is_text = !step.field.empty() && step.key.starts_with('"');
    const auto key = is_text ? parse(step.key) : Result<ValuePtr>(ValuePtr());
    const std::string token = key && *key ? *(*key)->string() : step.key;
    // A number by itself would be an index.
    const bool is_like_index = !step.field.empty() && index_from(token);
    append_token(is_like_index ? step.field + "=" + token : token, text);
  }
  return text;
}

}  // namespace callboard::document
