#include "tools/cli/described_file.h"

#include <fcntl.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/document/parse_once.h"
#include "base/fd.h"
#include "base/file_content.h"
#include "tools/cli/toml_text.h"

namespace callboard::cli {

Result<std::string> read_described(std::string_view name, const std::string& path, std::uint64_t bytes_max) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return os_error("open " + std::string(name), errno);
  const auto bytes = read_content(file.get(), bytes_max);
  if (!bytes) return bytes.error().prefixed(name);
  std::string text(as_text(*bytes));
  if (!path.ends_with(".toml")) {
    const auto value = document::parse_once(text);
    return value ? Result<std::string>(std::move(text)) : value.error().prefixed(name);
  }
  const auto value = value_from_toml(text);
  if (!value) return value.error().prefixed(name);
  return document::print(**value);
}

}  // namespace callboard::cli
