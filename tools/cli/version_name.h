#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/types.h"
#include "tools/cli/program.h"

namespace callboard::cli {

// A version of a document as people write it: "story@41".
struct VersionName {
  client::DocumentName document = client::DocumentName::story;
  std::uint64_t revision = 0;
};
// Whether `text` is one, or tries to be: "story@…", "analytics@…". A file's path is none.
bool names_version(std::string_view text);
Result<VersionName> version_name(std::string_view text);

// `callboard restore story@41`: makes the document once more what it was.
Result<void> restore_version(Run& run, const std::string& name);

}  // namespace callboard::cli
