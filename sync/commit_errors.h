#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/result.h"
#include "base/text.h"
#include "sync/relative_path.h"

namespace callboard::sync {

// The file system itself cannot go on; no other name would fare better.
inline bool is_fatal(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

inline Error failure(std::string_view verb, const RelativePath& path, int errno_value) {
  return os_error(std::string(verb) + " " + quoted(path.to_item()), errno_value);
}

inline Error changed_meanwhile(const RelativePath& path) {
  return Error{Outcome::superseded,
               "write " + quoted(path.to_item()) + ": it was changed here while it was pulled"};
}

}  // namespace callboard::sync
