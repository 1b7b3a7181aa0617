#include "client/last_server.h"

#include <fstream>
#include <utility>

#include "base/limits.h"
#include "client/hint_file.h"

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
  if (!path_.empty()) write_hint(path_, net::to_text(endpoint) + '\n');
}

}  // namespace callboard::client
