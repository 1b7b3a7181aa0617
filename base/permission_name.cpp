#include "base/permission_name.h"

#include <algorithm>
#include <string>

#include "base/limits.h"
#include "base/text.h"

namespace callboard {

Result<void> check_permission_name(std::string_view name) {
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  if (!name.empty() && name.size() <= kPermissionNameMax && std::ranges::all_of(name, is_good)) return {};
  return Error{Outcome::usage, "permission " + quoted(name) + ": expected 1-" +
                                   std::to_string(kPermissionNameMax) + " of a-z, 0-9, '.', '_' and '-'"};
}

}  // namespace callboard
