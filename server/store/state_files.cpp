#include "server/store/state_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/document/build.h"
#include "base/document/parse.h"
#include "base/fd.h"
#include "base/file_content.h"
#include "base/limits.h"
#include "base/text.h"
#include "server/store/data_folder.h"

namespace callboard::server {
namespace {

namespace fs = std::filesystem;

// What a task's line may hold, with the path around it.
constexpr std::uint64_t kStateFileMax = 4 * MiB;

Result<std::pair<std::string, document::ValuePtr>> read_state(const fs::path& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return os_error("open " + callboard::quoted(path.native()), errno);
  const auto bytes = read_content(file.get(), kStateFileMax);
  if (!bytes) return bytes.error();
  auto kept = document::parse_deeper(as_text(*bytes), 1);
  if (!kept) return kept.error();
  const document::ValuePtr name = (*kept)->member("path");
  const document::ValuePtr state = (*kept)->member("state");
  if (!name || !name->string() || !state) return Error{Outcome::failed, "expected path and state"};
  return std::pair(*name->string(), state);
}

Result<void> write_synced(const fs::path& path, ByteView bytes) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return os_error("open " + callboard::quoted(path.native()), errno);
  if (auto written = write_content(file.get(), bytes); !written) return written;
  if (::fsync(file.get()) != 0) return os_error("sync " + callboard::quoted(path.native()), errno);
  return {};
}

Result<void> sync_folder(const fs::path& path) {
  const Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0)
    return os_error("sync " + callboard::quoted(path.native()), errno);
  return {};
}

}  // namespace

StateFiles::StateFiles(const fs::path& data, std::string_view project)
    : folder_(data / folder_name(project) / "states") {}

Result<std::map<std::string, document::ValuePtr>> StateFiles::read() const {
  std::map<std::string, document::ValuePtr> states;
  std::error_code problem;
  if (!fs::exists(folder_, problem)) return states;
  for (const auto& entry : fs::directory_iterator(folder_, problem)) {
    if (entry.path().extension() != ".json") continue;
    auto state = read_state(entry.path());
    if (!state) return state.error().prefixed("state " + callboard::quoted(entry.path().native()));
    states.insert(std::move(*state));
  }
  if (problem) return os_error("read " + callboard::quoted(folder_.native()), problem.value());
  return states;
}

Result<void> StateFiles::write(const std::string& path, const document::ValuePtr& state) const {
  std::error_code problem;
  fs::create_directories(folder_, problem);
  if (problem) return os_error("create " + callboard::quoted(folder_.native()), problem.value());
  const fs::path whole = folder_ / (folder_name(path) + ".json");
  const fs::path fresh = whole.native() + ".new";
  const std::string json =
      document::print(*document::make_object({{"path", document::make_text(path)}, {"state", state}}));
  if (auto written = write_synced(fresh, as_bytes(json)); !written) return written;
  if (std::rename(fresh.c_str(), whole.c_str()) != 0) {
    return os_error("write " + callboard::quoted(whole.native()), errno);
  }
  return sync_folder(folder_);
}

}  // namespace callboard::server
