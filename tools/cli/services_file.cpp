#include "tools/cli/services_file.h"

#include "base/text.h"
#include "server/services/service_list.h"
#include "tools/cli/described_file.h"

namespace callboard::cli {

Result<std::vector<server::Service>> read_services(const std::string& path) {
  if (path.empty()) return std::vector<server::Service>();
  const std::string name = "services " + callboard::quoted(path);
  const auto json = read_described(name, path, server::kServicesFileMax);
  if (!json) return json.error();
  auto services = server::services_from(*json);
  if (!services) return services.error().prefixed(name);
  return services;
}

}  // namespace callboard::cli
