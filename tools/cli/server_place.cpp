#include "tools/cli/server_place.h"

#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "server/held_data.h"
#include "tools/cli/data_folder.h"

namespace callboard::cli {
namespace {

std::filesystem::path file_of(const ServerPlace& place) { return place.folder / "running"; }

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

// A line for the address; the rest is the path, whatever is in it. Without the file less is told, and nothing else.
std::filesystem::path log_before(const std::filesystem::path& log) {
  std::filesystem::path before = log;
  before.replace_extension();
  before += ".1";
  before += log.extension();
  return before;
}

void RunningNote::write(const ServerPlace& place) const {
  std::ofstream(file_of(place), std::ios::binary) << address << '\n' << log.native();
}

std::optional<RunningNote> RunningNote::read(const ServerPlace& place) {
  std::ifstream file(file_of(place), std::ios::binary);
  RunningNote note;
  if (!std::getline(file, note.address)) return std::nullopt;
  note.log = std::string(std::istreambuf_iterator<char>(file), {});
  return note;
}

void RunningNote::remove(const ServerPlace& place) {
  std::error_code unimportant;
  std::filesystem::remove(file_of(place), unimportant);
}

}  // namespace callboard::cli
