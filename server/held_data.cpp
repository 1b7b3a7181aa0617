#include "server/held_data.h"

#include "server/store/data_folder.h"

namespace callboard::server {

std::filesystem::path project_folder(const std::filesystem::path& data, const std::string& project) {
  return data / folder_name(project);
}

Result<void> make_project_folder(const std::filesystem::path& data, const std::string& project) {
  return make_data_folder(project_folder(data, project));
}

Result<void> check_free(const std::filesystem::path& data, const std::string& project) {
  return DataFolder::check(data, project);
}

Result<std::optional<pid_t>> holder(const std::filesystem::path& data, const std::string& project) {
  return DataFolder::holder(data, project);
}

}  // namespace callboard::server
