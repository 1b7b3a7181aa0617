#include "server/store/roles_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/fd.h"
#include "base/file_content.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/store/data_folder.h"

namespace callboard::server {
namespace {

// As many roles as there may be, each with 60 permissions of the longest name.
constexpr std::uint64_t kRolesFileMax = 1 * MiB;

}  // namespace

RolesFile::RolesFile(const std::filesystem::path& data, std::string_view project)
    : path_(data / folder_name(project) / "roles.json") {}

Result<std::string> RolesFile::read() const {
  const std::string doing = "roles " + callboard::quoted(path_.native());
  const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return std::string("{}");
  if (!file) return os_error("open " + doing, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return os_error("look at " + doing, errno);
  if ((status.st_mode & 022) != 0) {
    return Error{Outcome::refused,
                 doing + ": others can write it; run: chmod go-w '" + escaped(path_.native()) + "'"};
  }
  const auto bytes = read_content(file.get(), kRolesFileMax);
  if (!bytes) return bytes.error().prefixed(doing);
  return std::string(as_text(*bytes));
}

}  // namespace callboard::server
