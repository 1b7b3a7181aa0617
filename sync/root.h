#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "sync/file_status.h"
#include "sync/relative_path.h"

namespace callboard::sync {

// Beneath `.callboard`: where bytes wait until they are verified, a folder for each transfer, and in it what those left that ended.
inline constexpr std::string_view kTmpFolder = "tmp";
inline constexpr std::string_view kKeptFolder = "kept";

// A project folder that stays open. Everything is resolved beneath it and never through a symbolic link,
// whatever others do to the folder meanwhile: a path whose directory was replaced by a link is refused, not
// followed. Keeps no descriptor but the folder's own. Thread: any; all methods may run at once. Errors name
// the path as an item.
class Root {
 public:
  // `folder` is a path of the operating system and may be, or lead through, a link.
  static Result<Root> open(const std::string& folder);

  int fd() const { return folder_fd_.get(); }
  const std::string& folder() const { return folder_; }

  // For reading. Refused unless it is a regular file; never blocks on a pipe.
  Result<Fd> open_file(const RelativePath& path) const;
  Result<Fd> open_directory(const RelativePath& path) const;
  // The directory that holds `path`, which is not the project folder itself: for renameat, unlinkat,
  // symlinkat … with path.name(), which do not follow a link in the last place.
  Result<Fd> open_parent(const RelativePath& path) const;
  Result<FileStatus> status(const RelativePath& path) const;
  Result<std::string> read_link(const RelativePath& path) const;

  // Makes `path` and what is missing above it, with permissions `mode` less the umask, and opens it.
  Result<Fd> make_directories(const RelativePath& path, std::uint16_t mode = 0777) const;

  // `.callboard`, made when missing (0700), opened.
  Result<Fd> private_directory() const;
  // `.callboard/<name>`, made when missing (0700), opened. `name` is one component: "tmp", "versions".
  Result<Fd> private_directory(std::string_view name) const;
  // Path for libraries that take nothing else: "<folder>/.callboard/<name>".
  std::string private_path(std::string_view name) const;

 private:
  Root(Fd folder_fd, std::string folder) : folder_fd_(std::move(folder_fd)), folder_(std::move(folder)) {}

  Fd folder_fd_;
  std::string folder_;
};

}  // namespace callboard::sync
