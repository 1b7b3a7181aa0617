#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sync/relative_path.h"

namespace callboard::sync {

// Where in the project a library's path leads to, as the .blend file `from` has it written. "//" is the
// folder of `from`, "\" is "/", and ".." goes up, in the text alone: no link is followed. An absolute path
// counts where it lies in one of `folders`, the project folder's own absolute paths. Outcome::refused for
// what leads elsewhere, and for what is neither.
Result<RelativePath> library_place(std::string_view path, const RelativePath& from,
                                   std::span<const std::string> folders);

}  // namespace callboard::sync
