#include "server/calls/call.h"

#include <charconv>

#include "base/ensure.h"

namespace callboard::server {

std::string CallArguments::text(std::string_view name) const {
  const document::ValuePtr found = value(name);
  if (!found) return "";
  ENSURE(found->string() != nullptr);
  return *found->string();
}

bool CallArguments::flag(std::string_view name) const {
  const document::ValuePtr found = value(name);
  if (!found) return false;
  const bool* truth = std::get_if<bool>(&found->content());
  ENSURE(truth != nullptr);
  return *truth;
}

std::int64_t CallArguments::integer(std::string_view name) const {
  const document::ValuePtr found = value(name);
  if (!found) return 0;
  const auto* number = std::get_if<document::Number>(&found->content());
  ENSURE(number != nullptr);
  std::int64_t whole = 0;
  const char* end = number->text.data() + number->text.size();
  const auto read = std::from_chars(number->text.data(), end, whole);
  ENSURE(read.ec == std::errc() && read.ptr == end);
  return whole;
}

std::span<const document::ValuePtr> CallArguments::list(std::string_view name) const {
  const document::ValuePtr found = value(name);
  if (!found) return {};
  // The object holds it as long as the arguments are there.
  ENSURE(found->array() != nullptr);
  return *found->array();
}

}  // namespace callboard::server
