#pragma once

#include <string_view>

#include "base/result.h"

namespace callboard {

// What something that somebody may do is called: 1 to 64 (kPermissionNameMax, base/limits.h) of a-z, 0-9, '.', '_' and
// '-'. usage: it is none. Thread: any.
Result<void> check_permission_name(std::string_view name);

}  // namespace callboard
