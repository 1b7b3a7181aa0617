#include "tools/cli/toml_text.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cmath>
#include <string>
#include <utility>

#include "base/document/build.h"
#include "base/escaped_again.h"
#include "tools/cli/output.h"

namespace callboard::cli {
namespace {

Error bad_toml(std::uint32_t line, std::string_view what) {
  return {Outcome::usage, fmt::format("line {}: {}", line, what)};
}

// Far beyond what anybody writes by hand, and what a JSON document may have.
constexpr int kTomlDepthMax = 32;

Result<document::ValuePtr> value_of(const toml::node& node, int depth);

Result<document::ValuePtr> object_of(const toml::table& table, int depth) {
  document::Object object;
  for (const auto& [key, node] : table) {
    auto value = value_of(node, depth);
    if (!value) return value;
    object.push_back({std::string(key.str()), std::move(*value)});
  }
  return document::make_value(std::move(object));
}

Result<document::ValuePtr> array_of(const toml::array& array, int depth) {
  document::Array elements;
  for (const toml::node& node : array) {
    auto value = value_of(node, depth);
    if (!value) return value;
    elements.push_back(std::move(*value));
  }
  return document::make_array(std::move(elements));
}

Result<document::ValuePtr> value_of(const toml::node& node, int depth) {
  const auto line = static_cast<std::uint32_t>(node.source().begin.line);
  if (depth > kTomlDepthMax) return bad_toml(line, "nested too deep");
  if (const auto* table = node.as_table()) return object_of(*table, depth + 1);
  if (const auto* array = node.as_array()) return array_of(*array, depth + 1);
  if (const auto* text = node.as_string()) return document::make_text(text->get());
  if (const auto* truth = node.as_boolean()) return document::make_bool(truth->get());
  if (const auto* number = node.as_integer()) return document::make_number(number->get());
  const auto* number = node.as_floating_point();
  if (number == nullptr) return bad_toml(line, "a date: a time is milliseconds since 1970, without quotes");
  if (!std::isfinite(number->get())) return bad_toml(line, "expected a number, got inf or nan");
  return document::make_value(document::Number{fmt::format("{}", number->get())});
}

}  // namespace

Result<document::ValuePtr> value_from_toml(std::string_view text) {
  try {
    const toml::table root = toml::parse(text);
    return object_of(root, 0);
  } catch (const toml::parse_error& problem) {
    return bad_toml(static_cast<std::uint32_t>(problem.source().begin.line),
                    escaped_again(problem.description().substr(0, 256)));
  }
}

}  // namespace callboard::cli
