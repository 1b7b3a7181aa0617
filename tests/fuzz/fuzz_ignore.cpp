// An ignore file, a NUL, a path: rules of any kind are read, and decide in bounded time and as each line does by itself.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ensure.h"
#include "sync/ignore.h"
#include "sync/relative_path.h"

using namespace callboard::sync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = input.find('\0');
  const std::string text(input.substr(0, nul));
  const auto rules = Ignore::with_file(Ignore::built_in(), {}, text);
  const auto path =
      RelativePath::from_bytes(nul == std::string_view::npos ? std::string_view() : input.substr(nul + 1));
  if (!path || path->is_root()) return 0;
  const bool ignored = rules->is_ignored(path->parent(), path->name(), true);
  // What holds for a file holds for a folder, but for rules that are for folders alone.
  if (rules->is_ignored(path->parent(), path->name(), false) != ignored) {
    ENSURE(text.find('/') != std::string::npos ||
           Ignore::built_in()->is_ignored(path->parent(), path->name(), true));
  }
  // The name itself, quoted, is a rule that decides as the last one, and its opposite takes it back.
  std::string literal = "/";
  for (const char c : path->bytes()) {
    if (c == '\n' || c == '\r') return 0;
    if (c != '/') literal += '\\';
    literal += c;
  }
  if (literal.size() > 4096) return 0;
  ENSURE(Ignore::with_file(rules, {}, literal)->is_ignored(path->parent(), path->name(), false));
  ENSURE(!Ignore::with_file(rules, {}, "!" + literal)->is_ignored(path->parent(), path->name(), false));
  // A file above decides what this one does not speak of.
  ENSURE(Ignore::with_file(rules, {}, "# nothing\n\n")->is_ignored(path->parent(), path->name(), true) ==
         ignored);
  return 0;
}
