#pragma once

#include <string>
#include <string_view>

#include "base/entry.h"
#include "base/error.h"
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
// Blender reserves the frames it will render by empty files, for as long as the rendering takes: an image or a movie without
// a byte is never finished.
bool is_placeholder(std::string_view name, const FileStatus& status);
inline constexpr std::string_view kPlaceholderReason = "is an empty frame, still to be rendered";
inline constexpr std::string_view kWritingReason = "is being written";
// The reason to refuse a directory, which the entry names.
std::string unreadable(const RelativePath& directory, const Error& why);
// Why a name that exists has no RelativePath; empty when it has one.
std::string unaddressable(const RelativePath& directory, const std::string& name);

}  // namespace callboard::sync
