#include "tools/cli/schema_file.h"

#include <fcntl.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/file_content.h"
#include "base/text.h"
#include "tools/cli/toml_text.h"

namespace callboard::cli {

Result<document::Schema> read_schema(const std::string& path) {
  if (path.empty()) return document::Schema::built_in();
  const std::string name = "schema " + callboard::quoted(path);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return os_error("open " + name, errno);
  const auto bytes = read_content(file.get(), kSchemaMax);
  if (!bytes) return bytes.error().prefixed(name);
  std::string json(as_text(*bytes));
  if (path.ends_with(".toml")) {
    const auto value = value_from_toml(json);
    if (!value) return value.error().prefixed(name);
    json = document::print(**value);
  }
  auto schema = document::Schema::from(json);
  if (!schema) return schema.error().prefixed(name);
  return schema;
}

}  // namespace callboard::cli
