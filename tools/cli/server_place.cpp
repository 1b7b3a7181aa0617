#include "tools/cli/server_place.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "base/fd.h"
#include "base/text.h"
#include "server/held_data.h"
#include "tools/cli/data_folder.h"

namespace callboard::cli {
namespace {

std::filesystem::path file_of(const ServerPlace& place) { return place.folder / "running"; }

bool is_missing(const std::filesystem::path& path) {
  std::error_code unimportant;
  return std::filesystem::status(path, unimportant).type() == std::filesystem::file_type::not_found;
}

// Tried, since of some folders, such as those in /proc, nothing else says it. Under a name that no log has.
Result<void> check_room_in(const std::filesystem::path& folder) {
  const std::filesystem::path probe = folder / (".callboard-check-" + std::to_string(::getpid()));
  if (!Fd(::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)))
    return os_error("make a file in " + callboard::quoted(folder.native()), errno);
  ::unlink(probe.c_str());
  return {};
}

}  // namespace

Result<ServerPlace> ServerPlace::of(const Settings& settings) {
  auto project = settings.required(Key::project);
  if (!project) return project.error();
  auto data = data_folder(settings);
  if (!data) return data.error();
  std::filesystem::path folder = server::project_folder(*data, *project);
  return ServerPlace{*std::move(project), *std::move(data), std::move(folder)};
}

Result<std::optional<pid_t>> ServerPlace::holder() const { return server::holder(data, project); }

std::filesystem::path log_before(const std::filesystem::path& log) {
  std::filesystem::path before = log;
  before.replace_extension();
  before += ".1";
  before += log.extension();
  return before;
}

Result<void> check_log(const std::filesystem::path& log) {
  if (!is_missing(log)) {
    std::error_code unimportant;
    if (std::filesystem::is_directory(log, unimportant))
      return Error{Outcome::failed, callboard::quoted(log.native()) + " is a folder, not a file"};
    if (::access(log.c_str(), W_OK) != 0) return os_error("write " + callboard::quoted(log.native()), errno);
    return {};
  }
  // The folders that are missing are made with it.
  std::filesystem::path folder = log.parent_path();
  while (folder.has_relative_path() && is_missing(folder)) folder = folder.parent_path();
  return check_room_in(folder.empty() ? std::filesystem::path(".") : folder);
}

// A line for the address, the run and the port, with spaces between them; the rest is the path, whatever is in it. Without the
// file less is told, and nothing else.
void RunningNote::write(const ServerPlace& place) const {
  std::ofstream(file_of(place), std::ios::binary) << address << ' ' << run << ' ' << data_port << '\n'
                                                  << log.native();
}

std::optional<RunningNote> RunningNote::read(const ServerPlace& place) {
  std::ifstream file(file_of(place), std::ios::binary);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  RunningNote note;
  // One by one: the run may be empty, and the port is not there in the note of another version.
  std::istringstream fields(line);
  std::getline(fields, note.address, ' ');
  std::getline(fields, note.run, ' ');
  fields >> note.data_port;
  note.log = std::string(std::istreambuf_iterator<char>(file), {});
  return note;
}

void RunningNote::remove(const ServerPlace& place) {
  std::error_code unimportant;
  std::filesystem::remove(file_of(place), unimportant);
}

}  // namespace callboard::cli
