#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/store/file_stamp.h"

namespace callboard::server {

// The file `roles.json`, beside the board of a project, in which a studio says what its own roles permit. Written by hand. Blocking.
class RolesFile {
 public:
  RolesFile(const std::filesystem::path& data, std::string_view project);

  // Its text; "{}" where there is none. refused: others can write it, who could make themselves whatever they like.
  Result<std::string> read() const;
  FileStamp stamp() const { return stamp_of(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace callboard::server
