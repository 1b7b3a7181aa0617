#include "server/board/zone_name.h"

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"

namespace callboard::server {
namespace {

constexpr std::string_view kAnyOne = "*";

std::string_view take_component(std::string_view& path) {
  path.remove_prefix(1);
  const auto end = std::min(path.find('/'), path.size());
  const std::string_view component = path.substr(0, end);
  path.remove_prefix(end);
  return component;
}

Result<PathParts> parts_of(std::string_view path, bool may_be_any) {
  const auto bad = [&](const char* expected) {
    return Error{Outcome::usage, "expected " + std::string(expected) + ", got " + quoted(path)};
  };
  if (!path.starts_with('/') || path.size() > kPathMaxBytes) return bad("a path that starts with \"/\"");
  PathParts parts;
  if (path.size() == 1) return parts;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view component = take_component(rest);
    if (component.empty()) return bad("a path without empty components");
    if (component == "." || component == "..") return bad("a path without \".\" and \"..\"");
    if (component == kAnyOne && !may_be_any) return bad("a path of one record, without \"*\"");
    if (component.size() > kPathComponentMaxBytes || has_control_character(component))
      return bad("a path with components of one line of at most 255 bytes");
    if (parts.size() == kPathDepthMax) return bad("a path of at most 128 components");
    parts.emplace_back(component);
  }
  return parts;
}

}  // namespace

Result<PathParts> record_path(std::string_view path) {
  auto parts = parts_of(path, false);
  if (parts && parts->empty()) return Error{Outcome::usage, "expected the path of a record, got \"/\""};
  return parts;
}

Result<PathParts> zone_name(std::string_view zone) { return parts_of(zone, true); }

Result<PathParts> asked_zone(std::string_view zone) {
  auto parts = zone_name(zone);
  if (!parts) return parts;
  const bool is_pattern = std::ranges::any_of(*parts, [](const std::string& each) {
    return each != kAnyOne && each.find(kAnyOne) != std::string::npos;
  });
  if (!is_pattern) return parts;
  return Error{Outcome::usage, "expected \"*\" for a whole component, got " + quoted(zone)};
}

std::string to_path(const PathParts& parts) {
  std::string path;
  for (const std::string& each : parts) path += "/" + each;
  return path.empty() ? "/" : path;
}

bool is_in_zone(const PathParts& zone, std::string_view path) {
  for (const std::string& each : zone) {
    if (path.empty()) return false;
    const std::string_view component = take_component(path);
    if (each != kAnyOne && each != component) return false;
  }
  return true;
}

std::string fixed_part(const PathParts& zone) {
  std::string fixed;
  for (const std::string& each : zone) {
    if (each == kAnyOne) return fixed + "/";
    fixed += "/" + each;
  }
  return fixed;
}

}  // namespace callboard::server
