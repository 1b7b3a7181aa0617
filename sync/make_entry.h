#pragma once

#include <string>

#include "base/entry.h"
#include "sync/file_status.h"
#include "sync/relative_path.h"

namespace callboard::sync {

// Entries as they are made of what lies on the disk.

// Makes `entry` a refused one, in place.
void refuse(Entry& entry, std::string reason);
// Without a digest.
Entry file_entry(std::string name, const FileStatus& status);
// Reads where it points; refused when it leads out of the project.
Entry link_entry(const RelativePath& directory, int directory_fd, std::string name);
// Why a name that exists has no RelativePath; empty when it has one.
std::string unaddressable(const RelativePath& directory, const std::string& name);

}  // namespace callboard::sync
