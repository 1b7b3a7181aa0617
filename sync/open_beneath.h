#pragma once

#include <string>

namespace callboard::sync {

// Like openat(2): a descriptor, or -1 and errno. Resolves `path` (as in RelativePath; empty is the folder) beneath
// `folder_fd` and through no symbolic link; a link anywhere, the last component included, is ELOOP. `flags` without
// O_CREAT; O_NOFOLLOW and O_CLOEXEC are added. Uses the kernel's own rule where it has one, else the walk.
int open_beneath(int folder_fd, const std::string& path, int flags);

// The same, one component at a time, on any POSIX system.
int open_beneath_by_walking(int folder_fd, const std::string& path, int flags);

}  // namespace callboard::sync
