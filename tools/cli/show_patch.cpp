#include "tools/cli/show_patch.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/document/json_patch.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/document/pointer.h"
#include "base/text.h"

namespace callboard::cli {
namespace {

// Of a value, in code points.
constexpr std::size_t kShown = 120;
// Of what two long values have alike before they differ, in bytes.
constexpr std::size_t kShownAlike = 40;

std::string text_of(const document::ValuePtr& value) {
  return value == nullptr ? "nothing" : document::print(*value);
}

std::string short_text(const document::ValuePtr& value) { return escaped(text_of(value), kShown); }

// From there on.
std::string cut_text(std::string_view text, std::size_t from) {
  return (from == 0 ? "" : "…") + escaped(text.substr(from), kShown);
}

// What was and what is, each cut to where they begin to differ.
std::string change_in_words(const document::ValuePtr& old, const document::ValuePtr& fresh) {
  const std::string before = text_of(old);
  const std::string after = text_of(fresh);
  const auto differ = std::ranges::mismatch(before, after).in1 - before.begin();
  auto from = static_cast<std::size_t>(differ);
  from = from + kShownAlike <= kShown ? 0 : from - kShownAlike;
  // Not in the middle of a character.
  while (from > 0 && (static_cast<unsigned char>(before[from]) & 0xc0U) == 0x80U) --from;
  return cut_text(before, from) + " -> " + cut_text(after, from);
}

// One operation of a patch in a person's words, `before` being the document it changes.
std::string patch_in_words(const document::ValuePtr& before, const document::Value& operation,
                           const Output& output) {
  const std::string op = document::text_in(operation, "op");
  const std::string path = document::text_in(operation, "path");
  const std::string place = path.empty() ? "(the whole)" : escaped(path);
  const auto tokens = document::parse_pointer(path);
  const auto old = tokens ? document::find(before, *tokens) : nullptr;
  if (op == "add") {
    return output.styled(Style::good, fmt::format("+ {}: {}", place, short_text(operation.member("value"))));
  }
  if (op == "remove") return output.styled(Style::bad, fmt::format("- {}: {}", place, short_text(old)));
  if (op == "move") {
    return fmt::format("> {} is now {}", escaped(document::text_in(operation, "from")), place);
  }
  return fmt::format("~ {}: {}", place, change_in_words(old, operation.member("value")));
}

}  // namespace

Result<void> show_patch(Output& output, const std::string& old, const std::string& patch) {
  auto before = document::parse(old);
  const auto operations = document::parse(patch);
  if (!before || !operations || (*operations)->array() == nullptr) {
    return Error{Outcome::failed, "the server's answer is no JSON Patch"};
  }
  if ((*operations)->array()->empty()) output.line("they are equal");
  for (const document::ValuePtr& each : *(*operations)->array()) {
    output.line(patch_in_words(*before, *each, output));
    auto after = document::apply_patch(*before, "[" + document::print(*each) + "]");
    if (!after) return after.error();
    *before = std::move(*after);
  }
  return {};
}

}  // namespace callboard::cli
