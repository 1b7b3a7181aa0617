#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/document/value.h"
#include "base/result.h"

namespace callboard::server {

// The states of stateful calls, a file each in the folder `states` beside a project's database, for its owner alone. A file
// appears whole or not at all, and is on disk when write() returns. Blocking; one at a time.
class StateFiles {
 public:
  StateFiles(const std::filesystem::path& data, std::string_view project);

  // By their paths. A file that makes no sense is an error: its state must not begin anew in silence.
  Result<std::map<std::string, document::ValuePtr>> read() const;
  Result<void> write(const std::string& path, const document::ValuePtr& state) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace callboard::server
