#include "sync/ignore.h"

#include <algorithm>
#include <utility>

#include "sync/glob.h"
#include "sync/ignore_built_in.h"

namespace callboard::sync {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kSpecial = "*?[\\";

// Spaces at the end count only behind a backslash.
std::string_view without_trailing_spaces(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < line.size();) {
    const bool escaped = line[at] == '\\' && at + 1 < line.size();
    const bool is_space = line[at] == ' ';
    at += escaped ? 2 : 1;
    if (!is_space) end = at;
  }
  return line.substr(0, end);
}

// The last element of the last component; nullopt when the pattern can match nothing.
std::optional<std::string_view> last_element(std::string_view pattern) {
  std::string_view last;
  bool component_is_empty = true;
  while (!pattern.empty()) {
    if (pattern.front() == '/') {
      if (component_is_empty) return std::nullopt;
      component_is_empty = true;
      pattern.remove_prefix(1);
      continue;
    }
    last = pattern.substr(0, element_size(pattern));
    if (last.empty() || last == "\\" || last.find('/') != std::string_view::npos) return std::nullopt;
    component_is_empty = false;
    pattern.remove_prefix(last.size());
  }
  return component_is_empty ? std::nullopt : std::optional(last);
}

std::string folder_of(std::string_view pattern) {
  const std::size_t end = pattern.rfind('/');
  if (end == std::string_view::npos) return {};
  const std::string_view above = pattern.substr(0, end);
  const std::string_view folder = above.substr(above.rfind('/') + 1);  // npos + 1 is 0.
  return folder == "**" || folder == "*" ? std::string() : std::string(folder);
}

bool has_special(std::string_view pattern) {
  return pattern.find_first_of(kSpecial) != std::string_view::npos;
}

}  // namespace

struct Ignore::Subject {
  const RelativePath& directory;
  std::string_view name;
  bool is_directory;
  std::size_t directory_bytes;  // Of the file whose rules are looked at.
  std::string path;             // From the project folder, once it was needed.

  std::string_view path_from_file() {
    if (path.empty()) {
      path = directory.bytes();
      if (!path.empty()) path += '/';
      path += name;
    }
    return std::string_view(path).substr(std::min(directory_bytes, path.size()));
  }
};

const Ignore::Pointer& Ignore::built_in() {
  static const Pointer rules(new Ignore(nullptr, {}, kBuiltInRules));
  return rules;
}

Ignore::Pointer Ignore::with_file(Pointer above, const RelativePath& directory, std::string_view text) {
  return Pointer(new Ignore(std::move(above), directory, text));
}

Ignore::Ignore(Pointer above, const RelativePath& directory, std::string_view text)
    : above_(std::move(above)), directory_bytes_(directory.is_root() ? 0 : directory.bytes().size() + 1) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    add_line(line);
  }
}

void Ignore::add_line(std::string_view line) {
  if (line.starts_with('#')) return;
  std::optional<Rule> rule = parse(without_trailing_spaces(line));
  if (!rule) return;
  const std::optional<std::string_view> last = last_element(rule->pattern);
  if (!last) return;
  const std::string last_text(*last);
  // Of a folder that a pattern ends in "/**" for, everything in it is meant, not the folder.
  if (rule->has_slash && rule->pattern.ends_with("/**")) rule->pattern += "/*";
  if (rule->has_slash && rule->pattern == "**") rule->pattern = "**/*";
  if (rule->has_slash) rule->folder = folder_of(rule->pattern);
  if (!rule->has_slash && !has_special(rule->pattern)) rule->form = Rule::Form::exact;
  if (!rule->has_slash && rule->pattern.front() == '*' && !has_special(rule->pattern.substr(1))) {
    rule->form = Rule::Form::suffix;
    rule->pattern.erase(0, 1);
  }
  add(std::move(*rule), last_text);
}

std::optional<Ignore::Rule> Ignore::parse(std::string_view line) {
  Rule rule;
  rule.is_negated = line.starts_with('!');
  if (rule.is_negated) line.remove_prefix(1);
  rule.directories_only = line.ends_with('/');
  if (rule.directories_only) line.remove_suffix(1);
  rule.has_slash = line.find('/') != std::string_view::npos;
  if (line.starts_with('/')) line.remove_prefix(1);
  if (line.empty() || line.size() > kPathMaxBytes) return std::nullopt;
  rule.pattern = line;
  return rule;
}

void Ignore::add(Rule rule, std::string_view last_element) {
  const auto number = static_cast<std::uint32_t>(rules_.size());
  // Both may take more than one byte.
  const bool any = last_element == "*" || last_element == "?";
  for (std::size_t byte = 0; byte < by_last_byte_.size(); ++byte) {
    const char c = static_cast<char>(byte);
    if (any || matches_name(last_element, std::string_view(&c, 1))) by_last_byte_[byte].push_back(number);
  }
  rules_.push_back(std::move(rule));
}

bool Ignore::matches_rule(const Rule& rule, Subject& subject) {
  if (rule.directories_only && !subject.is_directory) return false;
  if (rule.has_slash) {
    if (!rule.folder.empty() && !matches_name(rule.folder, subject.directory.name())) return false;
    return matches(rule.pattern, subject.path_from_file());
  }
  switch (rule.form) {
    case Rule::Form::exact:
      return subject.name == rule.pattern;
    case Rule::Form::suffix:
      return subject.name.ends_with(rule.pattern);
    case Rule::Form::glob:
      return matches_name(rule.pattern, subject.name);
  }
  return false;
}

bool Ignore::is_ignored(const RelativePath& directory, std::string_view name, bool is_directory) const {
  if (name.empty()) return false;
  if (is_private_name(name)) return true;
  Subject subject{directory, name, is_directory, 0, {}};
  const auto last_byte = static_cast<unsigned char>(name.back());
  for (const Ignore* rules = this; rules != nullptr; rules = rules->above_.get()) {
    subject.directory_bytes = rules->directory_bytes_;
    const std::vector<std::uint32_t>& candidates = rules->by_last_byte_[last_byte];
    for (auto number = candidates.rbegin(); number != candidates.rend(); ++number) {
      const Rule& rule = rules->rules_[*number];
      if (matches_rule(rule, subject)) return !rule.is_negated;
    }
  }
  return false;
}

}  // namespace callboard::sync
