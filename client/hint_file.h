#pragma once

#include <string>

namespace callboard::client {

// Writes a small file in a project's `.callboard`, which is made, aside and renames it: another command may be reading it. Neither
// synced nor checked: without it things are only slower, or asked once more.
void write_hint(const std::string& path, const std::string& text);

}  // namespace callboard::client
