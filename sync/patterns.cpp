#include "sync/patterns.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "sync/glob.h"

namespace callboard::sync {
namespace {

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
  if (pattern.front() == '!')
    return Error{
        usage.outcome,
        usage.text + "expected no '!' in front, which takes nothing back here (\\! is one in a name)"};
  if (pattern.size() > kPathMaxBytes) {
    return Error{usage.outcome,
                 usage.text + "expected at most 4096 bytes, got " + std::to_string(pattern.size())};
  }
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t size_bytes = element_size(std::string_view(pattern).substr(at));
    const bool is_set = pattern[at] == '[';
    if (size_bytes == 0 || (is_set && pattern.substr(at, size_bytes).find('/') != std::string::npos)) {
      return Error{usage.outcome, usage.text + "'[' without ']'"};
    }
    at += size_bytes;
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
