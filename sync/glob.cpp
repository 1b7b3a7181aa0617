#include "sync/glob.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"

namespace callboard::sync {
namespace {

// How far one element of a pattern reaches, and whether it takes the character in hand.
struct Element {
  std::size_t pattern_bytes = 0;
  std::size_t text_bytes = 0;  // 0: does not match.
};

// Bytes of the UTF-8 character at the start of `text`; 1 for what is not UTF-8.
std::size_t character_size(std::string_view text) {
  std::size_t size_bytes = 1;
  while (size_bytes < text.size() && size_bytes < 4 &&
         (static_cast<unsigned char>(text[size_bytes]) & 0xc0) == 0x80) {
    ++size_bytes;
  }
  return is_utf8(text.substr(0, size_bytes)) ? size_bytes : 1;
}

constexpr std::string_view kClassBegin = "[:";
constexpr std::string_view kClassEnd = ":]";

// Bytes of the set that starts at pattern[0] == '[', brackets included; nullopt when it is never closed.
std::optional<std::size_t> set_size(std::string_view pattern) {
  std::size_t at = 1;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;  // First in a set, a bracket is one of its bytes.
  while (at < pattern.size() && pattern[at] != ']') {
    std::size_t step = pattern[at] == '\\' ? 2 : 1;
    if (pattern.substr(at).starts_with(kClassBegin)) {
      const std::size_t end = pattern.find(kClassEnd, at + kClassBegin.size());
      if (end != std::string_view::npos) step = end + kClassEnd.size() - at;
    }
    at += step;
  }
  if (at >= pattern.size()) return std::nullopt;
  return at + 1;
}

bool is_in(unsigned char c, unsigned char first, unsigned char last) { return first <= c && c <= last; }
bool is_digit(unsigned char c) { return is_in(c, '0', '9'); }
bool is_lower(unsigned char c) { return is_in(c, 'a', 'z'); }
bool is_upper(unsigned char c) { return is_in(c, 'A', 'Z'); }
bool is_alpha(unsigned char c) { return is_lower(c) || is_upper(c); }
bool is_alnum(unsigned char c) { return is_alpha(c) || is_digit(c); }
bool is_blank(unsigned char c) { return c == ' ' || c == '\t'; }
bool is_space(unsigned char c) { return c == ' ' || is_in(c, '\t', '\r'); }
bool is_cntrl(unsigned char c) { return c < 0x20 || c == 0x7f; }
bool is_graph(unsigned char c) { return is_in(c, '!', '~'); }
bool is_print(unsigned char c) { return is_in(c, ' ', '~'); }
bool is_punct(unsigned char c) { return is_graph(c) && !is_alnum(c); }
bool is_xdigit(unsigned char c) { return is_digit(c) || is_in(c, 'a', 'f') || is_in(c, 'A', 'F'); }

struct Class {
  std::string_view name;
  bool (*has)(unsigned char);
};
constexpr std::array<Class, 12> kClasses{{{"alnum", is_alnum},
                                          {"alpha", is_alpha},
                                          {"blank", is_blank},
                                          {"cntrl", is_cntrl},
                                          {"digit", is_digit},
                                          {"graph", is_graph},
                                          {"lower", is_lower},
                                          {"print", is_print},
                                          {"punct", is_punct},
                                          {"space", is_space},
                                          {"upper", is_upper},
                                          {"xdigit", is_xdigit}}};

// One that nobody knows has nothing in it.
bool class_has(std::string_view name, unsigned char c) {
  return std::any_of(kClasses.begin(), kClasses.end(),
                     [&](const Class& each) { return each.name == name && each.has(c); });
}

unsigned char take_byte(std::string_view& set) {
  if (set.front() == '\\' && set.size() > 1) set.remove_prefix(1);
  const auto byte = static_cast<unsigned char>(set.front());
  set.remove_prefix(1);
  return byte;
}

bool set_has(std::string_view set, unsigned char c) {
  set = set.substr(1, set.size() - 2);
  const bool negated = set.size() > 1 && (set.front() == '!' || set.front() == '^');
  if (negated) set.remove_prefix(1);
  bool found = false;
  while (!set.empty()) {
    const std::size_t class_end =
        set.starts_with(kClassBegin) ? set.find(kClassEnd, kClassBegin.size()) : std::string_view::npos;
    if (class_end != std::string_view::npos) {
      found = found || class_has(set.substr(kClassBegin.size(), class_end - kClassBegin.size()), c);
      set.remove_prefix(class_end + kClassEnd.size());
      continue;
    }
    const unsigned char first = take_byte(set);
    const bool range = set.size() >= 2 && set.front() == '-';
    if (range) set.remove_prefix(1);
    const unsigned char last = range ? take_byte(set) : first;
    found = found || is_in(c, first, last);
  }
  return found != negated;
}

// The element at the start of `pattern` (not '*') against the start of `text` (not empty).
Element match_element(std::string_view pattern, std::string_view text) {
  switch (pattern.front()) {
    case '?':
      return {1, character_size(text)};
    case '[': {
      const std::optional<std::size_t> size_bytes = set_size(pattern);
      if (!size_bytes) return {};
      const bool has = set_has(pattern.substr(0, *size_bytes), static_cast<unsigned char>(text.front()));
      return {*size_bytes, has ? std::size_t{1} : 0};
    }
    case '\\':
      if (pattern.size() > 1) return {2, pattern[1] == text.front() ? std::size_t{1} : 0};
      return {1, text.front() == '\\' ? std::size_t{1} : 0};
    default:
      return {1, pattern.front() == text.front() ? std::size_t{1} : 0};
  }
}

std::string_view first_component(std::string_view path) { return path.substr(0, path.find('/')); }

std::string_view after_component(std::string_view path) {
  path.remove_prefix(std::min(path.size(), first_component(path).size() + 1));
  return path;
}

}  // namespace

// Only the last '*' is ever gone back to, so the work is at most pattern × text.
bool matches_name(std::string_view pattern, std::string_view name) {
  std::optional<std::string_view> star_pattern;
  std::string_view star_name;
  while (true) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      star_pattern = pattern;
      star_name = name;
      continue;
    }
    if (pattern.empty() && name.empty()) return true;
    const Element element = !pattern.empty() && !name.empty() ? match_element(pattern, name) : Element{};
    if (element.text_bytes > 0) {
      pattern.remove_prefix(element.pattern_bytes);
      name.remove_prefix(element.text_bytes);
      continue;
    }
    if (!star_pattern || star_name.empty()) return false;
    star_name.remove_prefix(1);
    pattern = *star_pattern;
    name = star_name;
  }
}

// The same walk as within a component, with "**" in the place of '*'.
bool matches(std::string_view pattern, std::string_view path) {
  std::optional<std::string_view> stars_pattern;
  std::string_view stars_path;
  while (true) {
    if (first_component(pattern) == "**") {
      pattern = after_component(pattern);
      stars_pattern = pattern;
      stars_path = path;
      continue;
    }
    if (pattern.empty() && path.empty()) return true;
    if (!pattern.empty() && !path.empty() && matches_name(first_component(pattern), first_component(path))) {
      pattern = after_component(pattern);
      path = after_component(path);
      continue;
    }
    if (!stars_pattern || stars_path.empty()) return false;
    stars_path = after_component(stars_path);
    pattern = *stars_pattern;
    path = stars_path;
  }
}

std::size_t element_size(std::string_view pattern) {
  switch (pattern.front()) {
    case '[':
      return set_size(pattern).value_or(0);
    case '\\':
      return std::min<std::size_t>(2, pattern.size());
    default:
      return 1;
  }
}

}  // namespace callboard::sync
