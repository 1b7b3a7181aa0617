#include "sync/patterns.h"

#include <algorithm>
#include <optional>

#include "base/limits.h"
#include "base/text.h"

namespace callboard::sync {
namespace {

// One element of a pattern for a single component: how far it reaches and whether it takes the character in hand.
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

// Position after the closing bracket of the set that starts at pattern[0] == '['; nullopt when it is never closed.
std::optional<std::size_t> set_size(std::string_view pattern) {
  std::size_t at = 1;
  if (at < pattern.size() && pattern[at] == '!') ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;  // First in a set, a bracket is one of its bytes.
  at = pattern.find(']', at);
  if (at == std::string_view::npos) return std::nullopt;
  return at + 1;
}

bool set_has(std::string_view set, unsigned char c) {
  set = set.substr(1, set.size() - 2);
  const bool negated = set.front() == '!' && set.size() > 1;
  if (negated) set.remove_prefix(1);
  bool found = false;
  while (!set.empty()) {
    const bool range = set.size() >= 3 && set[1] == '-';
    const auto first = static_cast<unsigned char>(set[0]);
    const auto last = static_cast<unsigned char>(range ? set[2] : set[0]);
    found = found || (first <= c && c <= last);
    set.remove_prefix(range ? 3 : 1);
  }
  return found != negated;
}

// The element at the start of `pattern` (not '*') against the start of `text` (not empty).
Element match_element(std::string_view pattern, std::string_view text) {
  switch (pattern.front()) {
    case '?':
      return {1, character_size(text)};
    case '[': {
      const std::size_t size_bytes = set_size(pattern).value_or(pattern.size());
      const bool has = set_has(pattern.substr(0, size_bytes), static_cast<unsigned char>(text.front()));
      return {size_bytes, has ? std::size_t{1} : 0};
    }
    case '\\':
      if (pattern.size() > 1) return {2, pattern[1] == text.front() ? std::size_t{1} : 0};
      return {1, text.front() == '\\' ? std::size_t{1} : 0};
    default:
      return {1, pattern.front() == text.front() ? std::size_t{1} : 0};
  }
}

// Only the last '*' is ever gone back to, so the work is at most pattern × text.
bool matches_component(std::string_view pattern, std::string_view text) {
  std::optional<std::string_view> star_pattern;
  std::string_view star_text;
  while (true) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      star_pattern = pattern;
      star_text = text;
      continue;
    }
    if (pattern.empty() && text.empty()) return true;
    const Element element = !pattern.empty() && !text.empty() ? match_element(pattern, text) : Element{};
    if (element.text_bytes > 0) {
      pattern.remove_prefix(element.pattern_bytes);
      text.remove_prefix(element.text_bytes);
      continue;
    }
    if (!star_pattern || star_text.empty()) return false;
    star_text.remove_prefix(1);
    pattern = *star_pattern;
    text = star_text;
  }
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

// A leading '/' anchors, a trailing one is only how people write directories.
std::string normalised(std::string_view pattern) {
  while (pattern.size() > 1 && pattern.back() == '/') pattern.remove_suffix(1);
  if (pattern.front() == '/') return std::string(pattern.substr(1));
  if (pattern.find('/') == std::string_view::npos) return "**/" + std::string(pattern);
  return std::string(pattern);
}

Result<std::string> checked(const std::string& pattern) {
  const Error usage{Outcome::usage, "pattern " + quoted(pattern) + ": "};
  if (pattern.empty() || pattern == "/") return Error{usage.outcome, usage.text + "is empty"};
  if (pattern.size() > kPathMaxBytes) {
    return Error{usage.outcome,
                 usage.text + "expected at most 4096 bytes, got " + std::to_string(pattern.size())};
  }
  for (std::size_t at = 0; at < pattern.size();) {
    if (pattern[at] == '[') {
      const auto size_bytes = set_size(std::string_view(pattern).substr(at));
      const bool closed = size_bytes && pattern.substr(at, *size_bytes).find('/') == std::string::npos;
      if (!closed) return Error{usage.outcome, usage.text + "'[' without ']'"};
      at += *size_bytes;
    } else {
      at += pattern[at] == '\\' ? std::size_t{2} : 1;
    }
  }
  return normalised(pattern);
}

Result<std::vector<std::string>> all_checked(const std::vector<std::string>& patterns) {
  std::vector<std::string> out;
  for (const std::string& pattern : patterns) {
    Result<std::string> one = checked(pattern);
    if (!one) return one.error();
    out.push_back(*std::move(one));
  }
  return out;
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view path) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& p) { return matches(p, path); });
}

}  // namespace

bool matches(std::string_view pattern, std::string_view path) {
  const std::vector<std::string_view> wanted = components(pattern);
  const std::vector<std::string_view> names = components(path);
  // The same walk as within a component, with "**" in the place of '*'.
  std::size_t p = 0;
  std::size_t n = 0;
  std::optional<std::size_t> after_stars;
  std::size_t retry = 0;
  while (true) {
    if (p < wanted.size() && wanted[p] == "**") {
      after_stars = ++p;
      retry = n;
      continue;
    }
    if (p == wanted.size() && n == names.size()) return true;
    if (p < wanted.size() && n < names.size() && matches_component(wanted[p], names[n])) {
      ++p;
      ++n;
      continue;
    }
    if (!after_stars || retry == names.size()) return false;
    n = ++retry;
    p = *after_stars;
  }
}

Result<Patterns> Patterns::from(const std::vector<std::string>& include,
                                const std::vector<std::string>& exclude) {
  Patterns patterns;
  Result<std::vector<std::string>> included = all_checked(include);
  if (!included) return included.error();
  Result<std::vector<std::string>> excluded = all_checked(exclude);
  if (!excluded) return excluded.error();
  patterns.include_ = *std::move(included);
  patterns.exclude_ = *std::move(excluded);
  return patterns;
}

bool Patterns::is_excluded(const RelativePath& path) const { return any_matches(exclude_, path.bytes()); }

bool Patterns::is_included(const RelativePath& path) const {
  if (include_.empty()) return true;
  const std::string_view bytes = path.bytes();
  for (std::size_t end = bytes.find('/'); end != std::string_view::npos; end = bytes.find('/', end + 1)) {
    if (any_matches(include_, bytes.substr(0, end))) return true;
  }
  return any_matches(include_, bytes);
}

}  // namespace callboard::sync
