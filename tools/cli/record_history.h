#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/document/value.h"
#include "base/result.h"
#include "tools/cli/program.h"
#include "tools/cli/visit.h"

// What records were: of verb_history.cpp, for paths in place of documents.
namespace callboard::cli {

// Whether `text` names a record, or a version of one: both begin with "/".
inline bool names_record(std::string_view text) { return text.starts_with('/'); }
// Whether it names a version of one: "/reviews/sc01@41".
bool names_record_version(const std::string& text);

// For people: a text as it is, a time of a built-in class like all times, anything else as JSON.
std::string field_text(std::string_view record_class, const document::Member& field);

// Newest first, at most `count` of those from `since` on.
Result<void> list_record(Run& run, Visit& visit, const std::string& path, Timestamp since,
                         std::uint64_t count);
// "/reviews/sc01@41": its fields, and with --json the rest of it.
Result<void> show_record(Run& run, const std::string& version);
// It is again what it was then, in a new revision.
Result<void> restore_record(Run& run, const std::string& version);
Result<void> diff_records(Run& run, const std::string& from, const std::string& to);

}  // namespace callboard::cli
