#include "tools/cli/item_from.h"

#include "sync/relative_path.h"

namespace callboard::cli {

Result<std::string> item_from(const std::string& text) {
  if (text.empty()) return text;
  const auto path = sync::RelativePath::from_item(text);
  if (!path) return Error{Outcome::usage, path.error().text};
  return path->to_item();
}

}  // namespace callboard::cli
