#include "sync/library_place.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace callboard::sync {
namespace {

using Components = std::vector<std::string_view>;

enum class AboveTop { refused, stays };

// False when ".." leads above the first component, and that is refused.
bool go(Components& components, std::string_view path, AboveTop above_top) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view component = path.substr(begin, end - begin);
    begin = end + 1;
    if (component.empty() || component == ".") continue;
    if (component != "..") {
      components.push_back(component);
    } else if (!components.empty()) {
      components.pop_back();
    } else if (above_top == AboveTop::refused) {
      return false;
    }
  }
  return true;
}

Result<RelativePath> joined_components(std::span<const std::string_view> components) {
  if (components.empty()) return Error{Outcome::refused, "names no file"};
  std::string bytes;
  for (const std::string_view component : components) {
    if (!bytes.empty()) bytes += '/';
    bytes += component;
  }
  return RelativePath::from_bytes(bytes);
}

Result<RelativePath> absolute_place(std::string_view path, std::span<const std::string> folders) {
  Components components;
  go(components, path, AboveTop::stays);
  for (const std::string& folder : folders) {
    Components above;
    go(above, folder, AboveTop::stays);
    if (above.size() >= components.size()) continue;
    if (!std::equal(above.begin(), above.end(), components.begin())) continue;
    return joined_components(std::span(components).subspan(above.size()));
  }
  return Error{Outcome::refused, "is not in the project folder"};
}

}  // namespace

Result<RelativePath> library_place(std::string_view path, const RelativePath& from,
                                   std::span<const std::string> folders) {
  // A share of a Windows machine, which turned would begin as what is relative.
  if (path.starts_with("\\\\")) return Error{Outcome::refused, "is not in the project folder"};
  std::string turned(path);
  std::ranges::replace(turned, '\\', '/');
  if (turned.starts_with("//")) {
    Components components;
    const RelativePath folder = from.parent();
    go(components, folder.bytes(), AboveTop::stays);
    if (!go(components, std::string_view(turned).substr(2), AboveTop::refused))
      return Error{Outcome::refused, "leads out of the project folder"};
    return joined_components(components);
  }
  if (turned.starts_with('/')) return absolute_place(turned, folders);
  const bool has_drive = turned.size() > 2 && turned[1] == ':' && turned[2] == '/';
  return Error{Outcome::refused,
               has_drive ? "is not in the project folder" : "is neither absolute nor relative to its file"};
}

}  // namespace callboard::sync
