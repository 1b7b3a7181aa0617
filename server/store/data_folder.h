#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace callboard::server {

// In a project's folder: its log and all that is on its board.
inline constexpr std::string_view kBoardFile = "board.sqlite";

// What its service `backup` makes: the folder, and how their names begin and end.
inline constexpr std::string_view kBackupFolder = "backups";
inline constexpr bool is_backup_name(std::string_view name) {
  return name.starts_with("board-") && name.ends_with("Z.sqlite");
}

// The folder of one project beneath the data folder, held by one process at a time. The hold ends with the object, or
// with the process however it dies.
class DataFolder {
 public:
  // Creates what is missing. Refused, naming the process, when another one holds the project.
  static Result<DataFolder> open(const std::filesystem::path& data, std::string_view project);
  // The process that holds it now; nullopt when none does.
  static Result<std::optional<pid_t>> holder(const std::filesystem::path& data, std::string_view project);
  // Refused in the same words, when another one holds it at this moment; fails where there can be none. Creates nothing.
  static Result<void> check(const std::filesystem::path& data, std::string_view project);
  // Calls `act` while this process holds it; the same refusal where another one does. Makes no folder, and leaves a lock only
  // where there was one: without the folder nothing is called.
  static Result<void> while_free(const std::filesystem::path& data, std::string_view project,
                                 const std::function<void()>& act);

  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&& other) noexcept;
  ~DataFolder();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path database() const { return path_ / kBoardFile; }

 private:
  DataFolder(std::filesystem::path path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  std::filesystem::path path_;
  int lock_fd_ = -1;
};

// Makes what is missing of the folder of a project, and of those above it.
Result<void> make_data_folder(const std::filesystem::path& folder);

// A project's name as a folder's: bytes other than letters, digits, '-', '_', space and UTF-8's become %XX; long names
// are cut and told apart by a hash. Different projects have different folders.
std::string folder_name(std::string_view project);

}  // namespace callboard::server
