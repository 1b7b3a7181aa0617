#include "client/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/fd.h"
#include "base/file_content.h"
#include "base/limits.h"
#include "base/text.h"

namespace callboard::client {

Result<AccessKey> read_key_file(const std::string& path) {
  const std::string doing = "key " + quoted(path);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return os_error("open " + doing, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return os_error("look at " + doing, errno);
  if (!S_ISREG(status.st_mode)) return Error{Outcome::refused, doing + ": expected a file"};
  if (status.st_size == 0) {
    return Error{Outcome::refused, doing +
                                       ": it is empty; put the line in it that `callboard key add` printed, "
                                       "or remove it: with > a shell "
                                       "empties a file before it runs what is to write to it"};
  }
  if ((status.st_mode & 077) != 0) {
    return Error{Outcome::refused, doing + ": others can read it; run: chmod 600 '" + escaped(path) + "'"};
  }
  const auto bytes = read_content(file.get(), 4 * KiB);
  if (!bytes) return bytes.error().prefixed(doing);
  auto key = access_key_from(as_text(*bytes));
  if (!key) return key.error().prefixed(doing);
  return key;
}

Result<std::optional<AccessKey>> key_of_folder(const std::string& folder) {
  auto key = read_key_file(folder + "/.callboard/key");
  if (key) return std::optional<AccessKey>(std::move(*key));
  if (key.error().outcome == Outcome::not_found) return std::optional<AccessKey>();
  return key.error();
}

}  // namespace callboard::client
