#include "protocol/json_tree.h"

#include <limits>
#include <utility>

#include "base/ensure.h"
#include "base/json_scanner.h"
#include "base/limits.h"

namespace callboard::protocol {

using Kind = JsonValue::Kind;

namespace {

// Of short texts that mostly differ in their size or first letter: a call to compare memory would cost more.
bool is_same(std::string_view key, std::string_view name) {
  if (key.size() != name.size()) return false;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] != name[i]) return false;
  }
  return true;
}

}  // namespace

const JsonValue* JsonValue::member(std::string_view name) const {
  const JsonValue* found = nullptr;
  if (kind != Kind::object) return found;
  const JsonValue* each = first();
  for (std::uint32_t i = 0; i < count; ++i, each = each->next()) {
    if (is_same(each->key, name)) found = each;
  }
  return found;
}

const char* JsonValue::kind_name() const {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "boolean";
    case Kind::number:
      return "number";
    case Kind::string:
      return "string";
    case Kind::array:
      return "array";
    case Kind::object:
      return "object";
  }
  return "";
}

class JsonTreeParser {
 public:
  JsonTreeParser(std::string_view text, std::size_t values_max, JsonTree& tree)
      : scanner_(text), values_left_(values_max), tree_(tree) {}

  bool parse() {
    if (!value({}, 0)) return false;
    scanner_.skip_spaces();
    return scanner_.is_at_end() || scanner_.fail_syntax();
  }
  const std::string& error() const { return error_.empty() ? scanner_.error() : error_; }

 private:
  bool take_one() {
    if (values_left_ == 0) return fail("too many values");
    --values_left_;
    return true;
  }
  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  bool value(std::string_view key, int depth) {
    if (!take_one()) return false;
    scanner_.skip_spaces();
    JsonValue made;
    made.key = key;
    switch (scanner_.peek()) {
      case '{':
        made.kind = Kind::object;
        return parts(made, depth);
      case '[':
        made.kind = Kind::array;
        return parts(made, depth);
      case '"':
        made.kind = Kind::string;
        return text(made.text) && add(made);
      case 't':
      case 'f':
        made.kind = Kind::boolean;
        made.truth = scanner_.peek() == 't';
        return (scanner_.take_word(made.truth ? "true" : "false") || scanner_.fail_syntax()) && add(made);
      case 'n':
        return (scanner_.take_word("null") || scanner_.fail_syntax()) && add(made);
      default:
        made.kind = Kind::number;
        return scanner_.take_number(made.text) && add(made);
    }
  }

  bool add(const JsonValue& made) {
    tree_.values_.push_back(made);
    return true;
  }

  bool parts(const JsonValue& container, int depth) {
    if (depth == kJsonDepthMax) return fail("nested deeper than " + std::to_string(kJsonDepthMax));
    const char end = container.kind == Kind::object ? '}' : ']';
    const std::size_t place = tree_.values_.size();
    add(container);
    scanner_.take(scanner_.peek());
    std::uint32_t count = 0;
    scanner_.skip_spaces();
    for (bool is_over = scanner_.take(end); !is_over; ++count) {
      if (!part(container.kind, depth)) return false;
      scanner_.skip_spaces();
      is_over = scanner_.take(end);
      if (!is_over && !scanner_.take(',')) return scanner_.fail_syntax();
    }
    const std::size_t size = tree_.values_.size() - place;
    ENSURE(size <= std::numeric_limits<std::uint32_t>::max());
    tree_.values_[place].count = count;
    tree_.values_[place].size = static_cast<std::uint32_t>(size);
    return true;
  }

  bool part(Kind within, int depth) {
    if (within == Kind::array) return value({}, depth + 1);
    std::string_view key;
    scanner_.skip_spaces();
    if (!text(key) || !take_one()) return false;
    scanner_.skip_spaces();
    return (scanner_.take(':') || scanner_.fail_syntax()) && value(key, depth + 1);
  }

  bool text(std::string_view& taken) {
    if (scanner_.take_plain_string(taken)) return true;
    std::string unescaped;
    if (!scanner_.take_string(unescaped, taken)) return false;
    if (taken.data() == unescaped.data()) taken = tree_.unescaped_.emplace_back(std::move(unescaped));
    return true;
  }

  JsonScanner scanner_;
  std::size_t values_left_;
  std::string error_;
  JsonTree& tree_;
};

Result<void> parse_json(std::string_view json, std::size_t values_max, JsonTree& tree) {
  tree.values_.clear();
  tree.values_.reserve(16);  // Most messages.
  tree.unescaped_.clear();
  if (auto sound = JsonScanner::check_bytes(json); !sound) return sound;
  JsonTreeParser parser(json, values_max, tree);
  if (parser.parse()) return {};
  return Error{Outcome::refused, "expected JSON, got " + parser.error()};
}

}  // namespace callboard::protocol
