#include "base/document/parse.h"

#include <string>
#include <utility>

#include "base/document/parse_once.h"
#include "base/json_scanner.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/text_hash.h"

namespace callboard::document {
namespace {

// Members with one key: the last counts, where the first stood. False: it is such a one.
bool add_member(Object& object, TextMap<std::size_t>& places, Member member) {
  constexpr std::size_t kFew = 16;
  if (object.size() < kFew) {
    for (Member& each : object) {
      if (each.key != member.key) continue;
      each.value = std::move(member.value);
      return false;
    }
  } else {
    if (places.empty()) {
      for (std::size_t i = 0; i < object.size(); ++i) places.emplace(object[i].key, i);
    }
    const auto [place, is_new] = places.emplace(member.key, object.size());
    if (!is_new) {
      object[place->second].value = std::move(member.value);
      return false;
    }
  }
  object.push_back(std::move(member));
  return true;
}

enum class Repeats { last_counts, are_refused };

// Null: see error().
class Parser {
 public:
  Parser(std::string_view text, int depth_max, std::uint32_t values_max, Repeats repeats)
      : scanner_(text), depth_max_(depth_max), values_left_(values_max), repeats_(repeats) {}

  ValuePtr whole() {
    ValuePtr value = any(0);
    scanner_.skip_spaces();
    if (value && !scanner_.is_at_end()) return fail();
    return value;
  }
  const std::string& error() const { return scanner_.error(); }

 private:
  ValuePtr fail() {
    scanner_.fail_syntax();
    return nullptr;
  }
  ValuePtr fail_deep() {
    scanner_.fail("nested deeper than " + std::to_string(depth_max_));
    return nullptr;
  }
  ValuePtr fail_repeated(std::string_view key) {
    scanner_.fail("the key " + quoted(key) + " twice");
    return nullptr;
  }

  ValuePtr any(int depth) {
    if (values_left_ == 0) {
      scanner_.fail("more values than a document may have");
      return nullptr;
    }
    --values_left_;
    scanner_.skip_spaces();
    switch (scanner_.peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"': {
        std::string text;
        return string(text) ? make_value(std::move(text)) : nullptr;
      }
      case 't':
        return scanner_.take_word("true") ? make_value(true) : fail();
      case 'f':
        return scanner_.take_word("false") ? make_value(false) : fail();
      case 'n':
        return scanner_.take_word("null") ? make_null() : fail();
      default:
        return number();
    }
  }

  ValuePtr array(int depth) {
    if (depth == depth_max_) return fail_deep();
    scanner_.take('[');
    Array elements;
    scanner_.skip_spaces();
    if (scanner_.take(']')) return make_value(std::move(elements));
    for (;;) {
      ValuePtr element = any(depth + 1);
      if (!element) return nullptr;
      elements.push_back(std::move(element));
      scanner_.skip_spaces();
      if (scanner_.take(']')) return make_value(std::move(elements));
      if (!scanner_.take(',')) return fail();
    }
  }

  ValuePtr object(int depth) {
    if (depth == depth_max_) return fail_deep();
    scanner_.take('{');
    Object members;
    TextMap<std::size_t> places;
    scanner_.skip_spaces();
    if (scanner_.take('}')) return make_value(std::move(members));
    for (;;) {
      Member member;
      scanner_.skip_spaces();
      if (!string(member.key)) return nullptr;
      scanner_.skip_spaces();
      if (!scanner_.take(':')) return fail();
      member.value = any(depth + 1);
      if (!member.value) return nullptr;
      const std::string key = repeats_ == Repeats::are_refused ? member.key : "";
      const bool is_first = add_member(members, places, std::move(member));
      if (!is_first && repeats_ == Repeats::are_refused) return fail_repeated(key);
      scanner_.skip_spaces();
      if (scanner_.take('}')) return make_value(std::move(members));
      if (!scanner_.take(',')) return fail();
    }
  }

  bool string(std::string& out) {
    std::string_view value;
    if (!scanner_.take_string(out, value)) return false;
    if (value.data() != out.data()) out = value;
    return true;
  }

  ValuePtr number() {
    std::string_view text;
    return scanner_.take_number(text) ? make_value(Number{std::string(text)}) : nullptr;
  }

  JsonScanner scanner_;
  int depth_max_;
  std::uint32_t values_left_;
  Repeats repeats_;
};

}  // namespace

namespace {

Result<ValuePtr> parse_with(std::string_view json, int levels, std::uint32_t values_max,
                            Repeats repeats = Repeats::last_counts) {
  if (auto sound = JsonScanner::check_bytes(json); !sound) return sound.error();
  Parser parser(json, kJsonDepthMax + levels, values_max, repeats);
  if (ValuePtr value = parser.whole()) return value;
  return Error{Outcome::refused, "expected JSON, got " + parser.error()};
}

}  // namespace

Result<ValuePtr> parse(std::string_view json, std::uint32_t values_max) {
  return parse_with(json, 0, values_max);
}

Result<ValuePtr> parse_once(std::string_view json) {
  return parse_with(json, 0, UINT32_MAX, Repeats::are_refused);
}

Result<ValuePtr> parse_deeper(std::string_view json, int levels) {
  return parse_with(json, levels, UINT32_MAX);
}

}  // namespace callboard::document
