#include "tools/cli/call_line.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"

namespace callboard::cli {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Takes a line apart from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view line) : line_(line) {}

  void skip_spaces() {
    while (at_ < line_.size() && is_space(line_[at_])) ++at_;
  }
  bool is_at_end() const { return at_ == line_.size(); }
  char peek() const { return is_at_end() ? '\0' : line_[at_]; }
  bool take(char c) {
    if (is_at_end() || line_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view rest() const { return line_.substr(at_); }

  std::string name() {
    const std::size_t from = at_;
    while (!is_at_end() && !is_space(peek()) && peek() != '(') ++at_;
    return std::string(line_.substr(from, at_ - from));
  }

  // Up to a comma or the closing bracket, or up to a space.
  enum class Ends { at_comma, at_space };
  Result<CallWord> word(Ends ends) {
    std::string word;
    bool has_equals = false;  // Outside quotes.
    std::size_t size = 0;     // Without the spaces behind it.
    int depth = 0;
    for (; !is_at_end() && !(depth == 0 && ends_here(ends)); ++at_) {
      const char c = peek();
      if (c == '"' || (c == '\'' && depth == 0)) {
        if (!quoted(word, depth > 0)) return Error{Outcome::usage, fmt::format("{} is not closed", c)};
        size = word.size();
        continue;
      }
      if (c == '[' || c == '{') ++depth;
      if (c == ']' || c == '}') --depth;
      word += c;
      has_equals = has_equals || (c == '=' && word.find('=') == word.size() - 1);
      if (!is_space(c)) size = word.size();
    }
    if (depth > 0) return Error{Outcome::usage, "[ or { is not closed"};
    word.resize(size);
    return CallWord(std::move(word), !has_equals);
  }

 private:
  bool ends_here(Ends ends) const {
    if (ends == Ends::at_space) return is_space(peek());
    return peek() == ',' || peek() == ')';
  }
  // Stops at the closing quote. In JSON they belong to it.
  bool quoted(std::string& word, bool is_json) {
    const char quote = peek();
    if (is_json) word += quote;
    for (++at_; !is_at_end() && peek() != quote; ++at_) {
      const bool is_escape = quote == '"' && peek() == '\\' && at_ + 1 < line_.size();
      const bool is_kept = is_json || (is_escape && line_[at_ + 1] != '"' && line_[at_ + 1] != '\\');
      if (is_escape && is_kept) word += '\\';
      if (is_escape) ++at_;
      word += peek();
    }
    if (is_json) word += quote;
    return !is_at_end();
  }

  std::string_view line_;
  std::size_t at_ = 0;
};

Result<void> read_bracketed(Scanner& scanner, CallLine& line) {
  scanner.skip_spaces();
  if (scanner.take(')')) return {};
  for (;;) {
    scanner.skip_spaces();
    if (scanner.peek() == ',' || scanner.peek() == ')') {
      return Error{Outcome::usage,
                   fmt::format("{}: argument {} is missing", line.name, line.words.size() + 1)};
    }
    auto word = scanner.word(Scanner::Ends::at_comma);
    if (!word) return word.error().prefixed(line.name);
    line.words.push_back(std::move(*word));
    if (scanner.take(')')) return {};
    if (!scanner.take(',')) return Error{Outcome::usage, line.name + ": ( is not closed"};
  }
}

Result<void> read_words(Scanner& scanner, CallLine& line) {
  for (scanner.skip_spaces(); !scanner.is_at_end(); scanner.skip_spaces()) {
    auto word = scanner.word(Scanner::Ends::at_space);
    if (!word) return word.error().prefixed(line.name);
    line.words.push_back(std::move(*word));
  }
  return {};
}

}  // namespace

Result<std::optional<CallLine>> call_line_from(std::string_view text) {
  Scanner scanner(text);
  scanner.skip_spaces();
  if (scanner.is_at_end() || scanner.peek() == '#') return std::optional<CallLine>();
  CallLine line{scanner.name(), {}};
  if (line.name.empty()) return Error{Outcome::usage, "expected the name of a call before ("};
  scanner.skip_spaces();
  if (!scanner.take('(')) {
    if (auto read = read_words(scanner, line); !read) return read.error();
    return std::optional(std::move(line));
  }
  if (auto read = read_bracketed(scanner, line); !read) return read.error();
  scanner.skip_spaces();
  if (!scanner.is_at_end()) {
    return Error{Outcome::usage,
                 fmt::format("{}: {} behind its arguments", line.name, quoted(scanner.rest()))};
  }
  return std::optional(std::move(line));
}

}  // namespace callboard::cli
