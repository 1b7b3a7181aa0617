#include "client/last_server.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/limits.h"

namespace callboard::client {

LastServer::LastServer(std::string folder) {
  if (folder.empty()) return;
  path_ = std::move(folder) + "/.callboard/last_server";
  std::ifstream file(path_);
  std::string line;
  if (!std::getline(file, line)) return;
  auto endpoint = net::endpoint_from(line, kSessionPort);
  if (endpoint) endpoint_ = std::move(*endpoint);
}

void LastServer::set(const net::Endpoint& endpoint) {
  if (endpoint_ == endpoint) return;
  endpoint_ = endpoint;
  if (path_.empty()) return;
  // Written aside and renamed: another command may be reading it.
  std::error_code ignored;
  std::filesystem::create_directory(std::filesystem::path(path_).parent_path(), ignored);
  const std::string aside = path_ + ".new";
  {
    std::ofstream file(aside, std::ios::trunc);
    file << net::to_text(endpoint) << '\n';
    if (!file.flush()) return;
  }
  std::filesystem::rename(aside, path_, ignored);
}

}  // namespace callboard::client
