#include "server/calls/built_in_calls.h"

#include <algorithm>
#include <string>

#include "base/ensure.h"

namespace callboard::server {
namespace {

constexpr std::string_view kRepeated = "…";

CallArgument argument_from(std::string_view word) {
  CallArgument argument;
  if (word.ends_with('?')) {
    argument.is_optional = true;
    word.remove_suffix(1);
  } else if (word.ends_with(kRepeated)) {
    argument.is_repeated = true;
    word.remove_suffix(kRepeated.size());
  }
  const auto colon = word.find(':');
  const auto type = document::value_type_from(word.substr(colon + 1));
  ENSURE(colon != std::string_view::npos && type);
  argument.name = word.substr(0, colon);
  argument.type = *type;
  return argument;
}

}  // namespace

CallDescription description_of(const BuiltInCall& call) {
  CallDescription description{.name = std::string(call.name)};
  for (std::string_view rest = call.arguments; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    description.arguments.push_back(argument_from(word));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return description;
}

Result<void> check_built_in_arguments(std::string_view call, const document::ValuePtr& given) {
  const auto known = std::ranges::find(kBuiltInCalls, call, &BuiltInCall::name);
  if (known == kBuiltInCalls.end()) return {};
  const auto complete = complete_arguments(description_of(*known), given);
  return complete ? Result<void>() : Result<void>(complete.error());
}

}  // namespace callboard::server
