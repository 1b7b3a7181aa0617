#include "sync/relative_path.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"

namespace callboard::sync {
namespace {

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Error refused(std::string_view bytes, std::string_view cause) {
  return Error{Outcome::refused, "path " + quoted(bytes) + ": " + std::string(cause)};
}

Result<void> check_in_path(std::string_view component) {
  if (is_private_name(component)) return Error{Outcome::refused, "\".callboard\" is private"};
  return check_component(component);
}

Result<void> check_all(std::string_view bytes) {
  std::size_t depth = 0;
  for (std::size_t begin = 0; begin <= bytes.size();) {
    const std::size_t end = std::min(bytes.find('/', begin), bytes.size());
    if (auto checked = check_in_path(bytes.substr(begin, end - begin)); !checked) return checked;
    if (++depth > kPathDepthMax) return Error{Outcome::refused, "deeper than 128 folders"};
    begin = end + 1;
  }
  return {};
}

}  // namespace

bool is_private_name(std::string_view component) {
  return component.size() == kPrivateFolder.size() &&
         std::equal(component.begin(), component.end(), kPrivateFolder.begin(),
                    [](char a, char b) { return lowered(a) == b; });
}

Result<void> check_component(std::string_view component) {
  if (component.empty()) return Error{Outcome::refused, "empty component"};
  if (component == "." || component == "..") return Error{Outcome::refused, "\".\" or \"..\" as a component"};
  if (component.size() > kPathComponentMaxBytes) {
    return Error{Outcome::refused, "component longer than 255 bytes"};
  }
  if (component.find('/') != std::string_view::npos) return Error{Outcome::refused, "slash in a component"};
  if (component.find('\0') != std::string_view::npos) return Error{Outcome::refused, "NUL byte"};
  return {};
}

Result<RelativePath> RelativePath::from_bytes(std::string_view bytes) {
  if (bytes.empty()) return RelativePath();
  if (bytes.size() > kPathMaxBytes) return refused(bytes, "longer than 4096 bytes");
  if (bytes.front() == '/') return refused(bytes, "absolute");
  if (auto checked = check_all(bytes); !checked) return refused(bytes, checked.error().text);
  return RelativePath(std::string(bytes));
}

Result<RelativePath> RelativePath::from_item(std::string_view item) {
  if (item.empty()) return Error{Outcome::usage, "item \"\": expected a path such as \"/dev/chr/Moria\""};
  std::string_view bytes = item;
  if (bytes.front() == '/') bytes.remove_prefix(1);
  if (bytes.size() > 1 && bytes.back() == '/') bytes.remove_suffix(1);
  return from_bytes(bytes);
}

int RelativePath::depth() const {
  return bytes_.empty() ? 0 : 1 + static_cast<int>(std::count(bytes_.begin(), bytes_.end(), '/'));
}

RelativePath RelativePath::parent() const {
  const std::size_t slash = bytes_.rfind('/');
  return slash == std::string::npos ? RelativePath() : RelativePath(bytes_.substr(0, slash));
}

std::string_view RelativePath::name() const {
  const std::size_t slash = bytes_.rfind('/');
  return slash == std::string::npos ? std::string_view(bytes_) : std::string_view(bytes_).substr(slash + 1);
}

Result<RelativePath> RelativePath::joined(std::string_view component) const {
  if (auto checked = check_in_path(component); !checked) return refused(component, checked.error().text);
  std::string bytes = is_root() ? std::string(component) : bytes_ + '/' + std::string(component);
  if (bytes.size() > kPathMaxBytes) return refused(bytes, "longer than 4096 bytes");
  if (depth() >= static_cast<int>(kPathDepthMax)) return refused(bytes, "deeper than 128 folders");
  return RelativePath(std::move(bytes));
}

bool RelativePath::is_beneath(const RelativePath& ancestor) const {
  if (ancestor.is_root()) return true;
  if (!bytes_.starts_with(ancestor.bytes_)) return false;
  return bytes_.size() == ancestor.bytes_.size() || bytes_[ancestor.bytes_.size()] == '/';
}

}  // namespace callboard::sync
