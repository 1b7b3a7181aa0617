#include "tools/cli/show_patch.h"

#include <fmt/format.h>

#include <utility>

#include "base/document/json_patch.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "base/document/pointer.h"
#include "base/text.h"

namespace callboard::cli {
namespace {

std::string short_text(const document::ValuePtr& value) {
  return value == nullptr ? "nothing" : escaped(document::print(*value), 120);
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
  return fmt::format("~ {}: {} -> {}", place, short_text(old), short_text(operation.member("value")));
}

}  // namespace

Result<void> show_patch(Run& run, const std::string& old, const std::string& patch) {
  auto before = document::parse(old);
  const auto operations = document::parse(patch);
  if (!before || !operations || (*operations)->array() == nullptr) {
    return Error{Outcome::failed, "the server's answer is no JSON Patch"};
  }
  if ((*operations)->array()->empty()) run.output.line("they are equal");
  for (const document::ValuePtr& each : *(*operations)->array()) {
    run.output.line(patch_in_words(*before, *each, run.output));
    auto after = document::apply_patch(*before, "[" + document::print(*each) + "]");
    if (!after) return after.error();
    *before = std::move(*after);
  }
  return {};
}

}  // namespace callboard::cli
