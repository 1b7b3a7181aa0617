#include "server/store/session_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/fd.h"
#include "base/file_content.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/store/data_folder.h"

namespace callboard::server {
namespace {

// Of kAwayMax sessions and as many that are here, each with a path of kPathMaxBytes.
constexpr std::uint64_t kFileMax = 64 * MiB;

}  // namespace

SessionFile::SessionFile(const std::filesystem::path& data, std::string_view project)
    : path_(data / folder_name(project) / "sessions") {}

Result<KeptSessions> SessionFile::read() const {
  const std::string doing = "sessions " + callboard::quoted(path_.native());
  const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) return KeptSessions{};
  if (!file) return os_error("open " + callboard::quoted(path_.native()), errno);
  const auto bytes = read_content(file.get(), kFileMax);
  if (!bytes) return bytes.error().prefixed(doing);
  auto kept = kept_sessions_from(*bytes);
  if (!kept) return kept.error().prefixed(doing);
  return kept;
}

Result<void> SessionFile::write(ByteView bytes) const {
  const std::filesystem::path fresh = path_.native() + ".new";
  const std::string doing = "write " + callboard::quoted(path_.native());
  {
    const Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return os_error(doing, errno);
    if (auto written = write_content(file.get(), bytes); !written)
      return written.error().prefixed("sessions " + callboard::quoted(path_.native()));
  }
  if (std::rename(fresh.c_str(), path_.c_str()) != 0) return os_error(doing, errno);
  return {};
}

Result<void> SessionFile::remove() const {
  if (::unlink(path_.c_str()) == 0 || errno == ENOENT) return {};
  return os_error("remove " + callboard::quoted(path_.native()), errno);
}

}  // namespace callboard::server
