#include "server/services/backup_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

#include "base/document/build.h"
#include "base/text.h"
#include "server/backup.h"
#include "server/store/board_files.h"
#include "server/store/data_folder.h"

namespace callboard::server {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kKeptMax = 1000;

// "board-20261128T195600.123Z.sqlite": in the order of their names they are in that of their times.
std::string backup_name(Timestamp now) {
  const auto seconds = static_cast<std::time_t>(now.ms / 1000);
  std::tm utc{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &utc) != nullptr) std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%S", &utc);
  return fmt::format("board-{}.{:03}Z.sqlite", text.data(), now.ms % 1000);
}

// All but the newest of them.
Result<void> forget_old(const fs::path& folder, std::size_t kept) {
  std::vector<fs::path> backups;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (is_backup_name(entry.path().filename().native())) backups.push_back(entry.path());
  }
  if (problem) return os_error("read " + callboard::quoted(folder.native()), problem.value());
  std::ranges::sort(backups);
  for (std::size_t i = 0; i + kept < backups.size(); ++i) {
    fs::remove(backups[i], problem);
    if (problem) return os_error("remove " + callboard::quoted(backups[i].native()), problem.value());
  }
  return {};
}

CallValue back_up_beside(const fs::path& data, const std::string& project, std::int64_t kept,
                         const std::stop_token& stop) {
  if (kept < 1 || kept > kKeptMax)
    return Error{Outcome::usage, fmt::format("backup: keep: expected 1-{}, got {}", kKeptMax, kept)};
  const fs::path folder = data / folder_name(project) / kBackupFolder;
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) return os_error("create " + callboard::quoted(folder.native()), problem.value());
  remove_dead_parts(folder, is_backup_name, OwnParts::stay);
  const fs::path file = folder / backup_name(system_clock().wall());
  if (auto done = back_up(data, project, file, stop); !done) return done.error();
  if (auto done = forget_old(folder, static_cast<std::size_t>(kept)); !done) return done.error();
  const std::uintmax_t size_bytes = fs::file_size(file, problem);
  return document::make_object(
      {{"file", document::make_text(escaped(file.native()))},
       {"size_bytes", document::make_number(problem ? std::uintmax_t{0} : size_bytes)}});
}

}  // namespace

void add_backup_call(CallRegistry& registry, const fs::path& data, const std::string& project) {
  registry.add_built_in(
      {{.name = "backup",
        .summary = "copies the board into the folder backups beside it, on the server's machine",
        .category = "server",
        .permission = "services",
        .arguments = {{.name = "keep",
                       .type = ValueType::integer,
                       .summary = "how many of the newest copies stay",
                       .fallback = document::make_number(7)}},
        .result = ValueType::map},
       WorkerRun([data, project](const Caller&, const CallArguments& arguments, const WorkerRoom& room) {
         return back_up_beside(data, project, arguments.integer("keep"), room.stop);
       })});
}

}  // namespace callboard::server
