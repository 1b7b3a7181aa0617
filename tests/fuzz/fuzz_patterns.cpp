// A pattern, a newline, a path: any of them refused or matched, in bounded time.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ensure.h"
#include "sync/items.h"
#include "sync/patterns.h"
#include "sync/relative_path.h"

using namespace callboard::sync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t newline = text.find('\n');
  const std::string pattern(text.substr(0, newline));
  const std::string_view rest =
      newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);

  static_cast<void>(ItemPatterns::from(pattern));
  const auto path = RelativePath::from_bytes(rest);
  const auto patterns = Patterns::from({pattern}, {pattern});
  if (!path || !patterns) return 0;
  // What is excluded is what is included by itself.
  if (patterns->is_excluded(*path)) ENSURE(patterns->is_included(*path));
  // A path is matched by the pattern that quotes each of its bytes.
  std::string literal = "/";
  for (const char c : path->bytes()) {
    if (c != '/') literal += '\\';
    literal += c;
  }
  if (path->is_root() || literal.size() > 4096) return 0;
  ENSURE(Patterns::from({}, {literal}).value().is_excluded(*path));
  return 0;
}
