#include "client/hint_file.h"

#include <filesystem>
#include <fstream>

namespace callboard::client {

void write_hint(const std::string& path, const std::string& text) {
  std::error_code ignored;
  std::filesystem::create_directory(std::filesystem::path(path).parent_path(), ignored);
  const std::string aside = path + ".new";
  {
    std::ofstream file(aside, std::ios::trunc);
    file << text;
    if (!file.flush()) return;
  }
  std::filesystem::rename(aside, path, ignored);
}

}  // namespace callboard::client
