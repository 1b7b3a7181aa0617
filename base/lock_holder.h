#pragma once

#include <string>

namespace callboard {

// A file that a process holds the lock of has its number in it, for those who find it locked: for their message alone, since the
// lock itself is the kernel's.

// "process 123", or "another process" where the file does not say.
std::string lock_holder_in(int fd);
// This process. A full disk keeps nobody from starting: without the number only that message is poorer.
void write_lock_holder(int fd);

}  // namespace callboard
