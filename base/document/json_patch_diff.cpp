// How a patch is found. Arrays: what is the same at both ends is left alone; of the rest, elements with an "id" or "name"
// are followed wherever they went, others are compared place by place.
#include <algorithm>
#include <limits>

#include "base/document/json_patch.h"
#include "base/document/sequence.h"
#include "base/text_hash.h"

namespace callboard::document {
namespace {

class Differ {
 public:
  std::string patch(const ValuePtr& from, const ValuePtr& to) {
    compare(from, to);
    return "[" + out_ + "]";
  }

 private:
  void operation(std::string_view name, const std::string& at) {
    if (!out_.empty()) out_ += ',';
    out_ += "{\"op\":\"";
    out_ += name;
    out_ += "\",\"path\":";
    append_quoted(at, out_);
  }
  void with_value(std::string_view name, const std::string& at, const Value& value) {
    operation(name, at);
    out_ += ",\"value\":";
    append_text(value, out_);
    out_ += '}';
  }
  void remove(const std::string& at) {
    operation("remove", at);
    out_ += '}';
  }
  void move(const std::string& from, const std::string& to) {
    operation("move", to);
    out_ += ",\"from\":";
    append_quoted(from, out_);
    out_ += '}';
  }
  std::string at(std::string_view token) const {
    std::string place = place_;
    append_token(token, place);
    return place;
  }
  std::string at(std::size_t index) const { return at(std::to_string(index)); }

  template <class Body>
  void below(std::string_view token, Body body) {
    const std::size_t size = place_.size();
    append_token(token, place_);
    body();
    place_.resize(size);
  }

  // What encloses this place will be told as a value.
  bool is_too_long() const { return out_.size() > longest_; }

  // A patch longer than the value it makes is no use: then the value itself is told. Long paths are in every operation, so
  // that it would become much longer: nothing more is looked for then.
  void compare(const ValuePtr& from, const ValuePtr& to) {
    if (from == to || is_too_long()) return;
    const std::size_t start = out_.size();
    const std::size_t enclosing = longest_;
    longest_ = std::min(enclosing, start + to->size_bytes() + 64);
    parts(from, to);
    longest_ = enclosing;
    const bool is_container = to->object() != nullptr || to->array() != nullptr;
    if (!is_container || out_.size() - start <= to->size_bytes() + 64) return;
    out_.resize(start);
    with_value("replace", place_, *to);
  }

  void parts(const ValuePtr& from, const ValuePtr& to) {
    if (from->object() != nullptr && to->object() != nullptr) {
      objects(*from->object(), *to->object());
    } else if (from->array() != nullptr && to->array() != nullptr) {
      arrays(*from->array(), *to->array());
    } else {
      if (!equal(from, to)) with_value("replace", place_, *to);
    }
  }

  void objects(const Object& from, const Object& to) {
    TextViewMap<const Member*> wanted;
    for (const Member& each : to) wanted.emplace(each.key, &each);
    TextViewMap<const Member*> known;
    for (const Member& each : from) {
      known.emplace(each.key, &each);
      if (!wanted.contains(each.key) && !is_too_long()) remove(at(each.key));
    }
    for (const Member& each : to) {
      if (is_too_long()) return;
      const auto old = known.find(each.key);
      if (old == known.end()) {
        with_value("add", at(each.key), *each.value);
      } else if (old->second->value != each.value) {
        below(each.key, [&] { compare(old->second->value, each.value); });
      }
    }
  }

  struct Ends {
    std::size_t first = 0;  // Elements at the beginning that are the same …
    std::size_t last = 0;   // … and at the end.
  };

  static Ends same_ends(const Array& from, const Array& to) {
    Ends ends;
    const std::size_t most = std::min(from.size(), to.size());
    while (ends.first < most && equal(from[ends.first], to[ends.first])) ++ends.first;
    while (ends.last < most - ends.first &&
           equal(from[from.size() - 1 - ends.last], to[to.size() - 1 - ends.last]))
      ++ends.last;
    return ends;
  }

  void arrays(const Array& from, const Array& to) {
    const Ends ends = same_ends(from, to);
    const auto cut = [&](const Array& array) {
      return Array(array.begin() + static_cast<std::ptrdiff_t>(ends.first),
                   array.end() - static_cast<std::ptrdiff_t>(ends.last));
    };
    const Array old = cut(from);
    const Array wanted = cut(to);
    const std::string_view field = wanted.empty() ? key_field(old) : key_field(wanted);
    if (!field.empty() && (old.empty() || key_field(old) == field))
      return keyed(old, wanted, field, ends.first);
    positions(old, wanted, ends.first);
  }

  void positions(const Array& from, const Array& to, std::size_t first) {
    for (std::size_t i = from.size(); i > to.size() && !is_too_long(); --i) remove(at(first + i - 1));
    for (std::size_t i = 0; i < to.size() && !is_too_long(); ++i) {
      if (i < from.size()) {
        below(std::to_string(first + i), [&] { compare(from[i], to[i]); });
      } else {
        with_value("add", at(first + i), *to[i]);
      }
    }
  }

  // The old array, changed step by step as whoever applies the patch will: entries are places in the old one.
  void keyed(const Array& from, const Array& to, std::string_view field, std::size_t first) {
    TextMap<std::size_t> wanted;
    for (std::size_t i = 0; i < to.size(); ++i) wanted.emplace(key_of(*to[i], field), i);
    TextMap<std::size_t> known;
    std::vector<std::size_t> working;
    for (std::size_t i = 0; i < from.size(); ++i) {
      std::string key = key_of(*from[i], field);
      if (!wanted.contains(key)) continue;
      known.emplace(std::move(key), i);
      working.push_back(i);
    }
    for (std::size_t i = from.size(); i-- > 0 && !is_too_long();) {
      if (!wanted.contains(key_of(*from[i], field))) remove(at(first + i));
    }
    std::vector<std::size_t> places;  // In the old array, of what is kept, in the new order.
    for (const ValuePtr& each : to) {
      const auto old = known.find(key_of(*each, field));
      if (old != known.end()) places.push_back(old->second);
    }
    const std::vector<bool> staying = stays(places);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < to.size() && !is_too_long(); ++i) {
      const auto old = known.find(key_of(*to[i], field));
      if (old == known.end()) {
        with_value("add", at(first + i), *to[i]);
        working.insert(working.begin() + static_cast<std::ptrdiff_t>(i), from.size());
        continue;
      }
      bring(working, i, old->second, staying[kept++], first);
      below(std::to_string(first + i), [&] { compare(from[old->second], to[i]); });
    }
  }

  // One that stays is uncovered: what stands before it goes to the end, and is brought from there in its turn.
  void bring(std::vector<std::size_t>& working, std::size_t i, std::size_t wanted, bool is_staying,
             std::size_t first) {
    while (working[i] != wanted && !is_too_long()) {
      const auto found = std::find(working.begin() + static_cast<std::ptrdiff_t>(i), working.end(), wanted);
      const auto j = static_cast<std::size_t>(found - working.begin());
      const std::size_t from = is_staying ? i : j;
      const std::size_t to = is_staying ? working.size() - 1 : i;
      move(at(first + from), at(first + to));
      const std::size_t moved = working[from];
      working.erase(working.begin() + static_cast<std::ptrdiff_t>(from));
      working.insert(working.begin() + static_cast<std::ptrdiff_t>(to), moved);
    }
  }

  std::string out_;
  std::string place_;
  std::size_t longest_ =
      std::numeric_limits<std::size_t>::max();  // Of out_, before something is told as a value.
};

}  // namespace

std::string diff(const ValuePtr& from, const ValuePtr& to) { return Differ().patch(from, to); }

}  // namespace callboard::document
