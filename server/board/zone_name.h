#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace callboard::server {

// "/reviews/sc01" is {"reviews", "sc01"}; "/" is {}.
using PathParts = std::vector<std::string>;

// usage: it begins with "/", has no empty, "." or ".." component and at most kPathDepthMax of them, and no "*".
Result<PathParts> record_path(std::string_view path);
// A zone: all records at a path and below it, where the component "*" stands for any one. "/" is everything.
Result<PathParts> zone_name(std::string_view zone);
// The same of one that somebody asks for: usage where "*" is a part of a component, which stands for nothing.
Result<PathParts> asked_zone(std::string_view zone);
std::string to_path(const PathParts& parts);

bool is_in_zone(const PathParts& zone, std::string_view path);
// What the paths of all records in the zone begin with.
std::string fixed_part(const PathParts& zone);

}  // namespace callboard::server
