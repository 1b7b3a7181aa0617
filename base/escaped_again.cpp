#include "base/escaped_again.h"

#include "base/text.h"

namespace callboard {

std::string escaped_again(std::string_view text) {
  std::string shown;
  for (;;) {
    const auto backslash = text.find('\\');
    shown += escaped(text.substr(0, backslash));
    if (backslash == std::string_view::npos) return shown;
    shown += '\\';
    text.remove_prefix(backslash + 1);
  }
}

}  // namespace callboard
