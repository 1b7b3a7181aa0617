#include "base/clock.h"

#include <ctime>

#include <cstdio>

namespace callboard {
namespace {

// Floor division, so that times before 1970 round towards the past like all others.
std::int64_t floor_seconds(Timestamp timestamp) {
  return timestamp.ms / 1000 - (timestamp.ms % 1000 < 0 ? 1 : 0);
}

}  // namespace

std::string to_iso(Timestamp timestamp) {
  const auto seconds = static_cast<std::time_t>(floor_seconds(timestamp));
  const auto ms = static_cast<int>((timestamp.ms % 1000 + 1000) % 1000);
  std::tm utc{};
  if (gmtime_r(&seconds, &utc) == nullptr) return "out of range";
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, ms);
  return text;
}

std::string to_local_time_of_day(Timestamp timestamp) {
  const auto seconds = static_cast<std::time_t>(floor_seconds(timestamp));
  std::tm local{};
  if (localtime_r(&seconds, &local) == nullptr) return "out of range";
  char text[32];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d", local.tm_hour, local.tm_min, local.tm_sec);
  return text;
}

}  // namespace callboard
