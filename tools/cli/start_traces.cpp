#include "tools/cli/start_traces.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/fd.h"
#include "server/held_data.h"

namespace callboard::cli {
namespace {

namespace fs = std::filesystem;

// A link is there, wherever it leads.
bool is_missing(const fs::path& path) {
  std::error_code unknown;
  return fs::symlink_status(path, unknown).type() == fs::file_type::not_found;
}

}  // namespace

StartTraces::StartTraces(ServerPlace place) : place_(std::move(place)) {
  for (fs::path folder = place_.folder; folder.has_relative_path() && is_missing(folder);
       folder = folder.parent_path())
    folders_.push_back(folder);
}

void StartTraces::make_log(const fs::path& log) {
  if (log != place_.default_log()) return;
  const Fd made(::open(log.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  struct stat found {};
  if (made && ::fstat(made.get(), &found) == 0) log_ = Made{found.st_dev, found.st_ino};
}

void StartTraces::remove() const {
  if (!server::while_free(place_.data, place_.project, [this] { remove_log(); })) return;
  // Only what is empty: another one that is started at this moment makes them again.
  for (const fs::path& folder : folders_) ::rmdir(folder.c_str());
}

void StartTraces::remove_log() const {
  const fs::path log = place_.default_log();
  struct stat found {};
  if (!log_ || ::lstat(log.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return;
  if (found.st_dev == log_->device && found.st_ino == log_->inode) ::unlink(log.c_str());
}

}  // namespace callboard::cli
