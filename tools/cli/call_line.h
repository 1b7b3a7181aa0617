#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call/call_description.h"
#include "base/result.h"

namespace callboard::cli {

// One line of `callboard shell`: a name and words, as `callboard call` gets them.
struct CallLine {
  std::string name;
  std::vector<CallWord> words;
};

// "kick(rigging)", "name(arg, \"quoted, arg\")", "name arg 'quoted arg'". Within quotes a comma, a space and a bracket are
// themselves, and a = makes no name of what stands before it; in double ones \" and \\ stand for " and \; lists and maps are JSON. nullopt: nothing, or a # remark.
// Outcome::usage: a quote or bracket that is not closed, an argument that is missing.
Result<std::optional<CallLine>> call_line_from(std::string_view line);

}  // namespace callboard::cli
