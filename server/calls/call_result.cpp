#include "server/calls/call_result.h"

#include "base/document/build.h"
#include "base/document/parse.h"

namespace callboard::server {
namespace {

// A list or a map may be large, and begins as nothing else does.
bool is_seen_to_be(ValueType type, std::string_view json) {
  const auto begin = json.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  return (type == ValueType::list && json[begin] == '[') || (type == ValueType::map && json[begin] == '{');
}

Error misfit(const CallDescription& description, const Error& why) {
  return {Outcome::failed, description.name + ": result: " + why.text};
}

bool is_anything(const CallDescription& description) {
  return !description.result || *description.result == ValueType::json;
}

}  // namespace

Result<void> check_result(const CallDescription& description, const document::ValuePtr& result) {
  if (is_anything(description)) return {};
  const document::ValuePtr value = result ? result : document::make_null();
  if (auto fits = check_type(*description.result, *value); !fits) return misfit(description, fits.error());
  return {};
}

Result<void> check_result(const CallDescription& description, const protocol::Document& result) {
  if (is_anything(description)) return {};
  if (result == nullptr) return check_result(description, document::ValuePtr());
  if (is_seen_to_be(*description.result, *result)) return {};
  const auto value = document::parse(*result);
  if (!value) return misfit(description, value.error());
  return check_result(description, *value);
}

}  // namespace callboard::server
