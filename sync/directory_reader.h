#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sync/file_status.h"

namespace callboard::sync {

struct NamedStatus {
  std::string name;
  FileStatus status;
};

// All names in an open directory but "." and "..", in ascending byte order, with what each is. Names that vanish between
// reading and looking are left out. `fd` stays the caller's; its read position is used.
Result<std::vector<NamedStatus>> read_directory(int fd);

}  // namespace callboard::sync
