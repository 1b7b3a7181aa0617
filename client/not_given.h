#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "sync/relative_path.h"

namespace callboard::client {

inline std::string name_of_giver(std::string_view giver) {
  return giver.empty() ? "the giver" : quoted(giver);
}

// Why an item cannot be had, in words that nobody takes for something that is wrong here. `giver` may be empty: unknown.
// `said` is the giver's own word.
inline Error not_given(std::string_view giver, const sync::RelativePath& item, const Error& said) {
  const std::string who = name_of_giver(giver);
  if (said.outcome == Outcome::not_found)
    return {said.outcome, quoted(item.to_item()) + ": " + who + " has no such file or folder"};
  return {said.outcome, who + ": " + escaped(said.text)};
}

}  // namespace callboard::client
