#include "tools/cli/schema_file.h"

#include "base/text.h"
#include "tools/cli/described_file.h"

namespace callboard::cli {

Result<document::Schema> read_schema(const std::string& path) {
  if (path.empty()) return document::Schema::built_in();
  const std::string name = "schema " + callboard::quoted(path);
  const auto json = read_described(name, path, kSchemaMax);
  if (!json) return json.error();
  auto schema = document::Schema::from(*json);
  if (!schema) return schema.error().prefixed(name);
  return schema;
}

}  // namespace callboard::cli
