#include "tools/cli/data_folder.h"

#include <cstdlib>
#include <utility>

namespace callboard::cli {

namespace fs = std::filesystem;

// https://specifications.freedesktop.org/basedir-spec
Result<fs::path> data_folder(const Settings& settings) {
  if (settings.is_given(Key::data)) return fs::path(settings.text(Key::data));
  for (const auto& [variable, below] : {std::pair{"XDG_DATA_HOME", ""}, std::pair{"HOME", ".local/share"}}) {
    const char* const value = std::getenv(variable);
    if (value != nullptr && *value == '/') return fs::path(value) / below / "callboard";
  }
  return Error{Outcome::usage, "no home folder to keep the board in: give --data DIR"};
}

}  // namespace callboard::cli
