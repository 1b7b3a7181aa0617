#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "base/result.h"

namespace callboard::server {

// Where a database is written before it is whole and gets the name `file`: NAME.PID-COUNT.part beside it, another one each time, and
// nothing of it is there yet.
std::filesystem::path part_of(const std::filesystem::path& file);
// Removes it, and what SQLite puts beside it. What is left of it is named so that people see what it is.
void remove_part(const std::filesystem::path& part);

// Removes those of processes that are no more, whose NAME `is_ours`. Nothing that this process writes there yet is removed, unless
// it writes nothing there now: then what has its number is of one before it.
enum class OwnParts { stay, go };
void remove_dead_parts(const std::filesystem::path& folder,
                       const std::function<bool(std::string_view name)>& is_ours, OwnParts own);
// The same of `file` in a folder that is anybody's: what may be something else stays, and what another machine may be at.
void remove_dead_parts_of(const std::filesystem::path& file);

// Refused when a write-ahead log or a journal lies there of a database `file` that is not there any more: it would be read into
// the one that takes its name.
Result<void> check_nothing_left_of(const std::filesystem::path& file);

}  // namespace callboard::server
