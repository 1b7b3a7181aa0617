#include "server/services/service.h"

#include <algorithm>
#include <utility>

#include "base/document/build.h"
#include "base/document/parse.h"

namespace callboard::server {

Duration pause_of(const Service& service, std::uint64_t failures) {
  const Duration longest = std::max<Duration>(service.period, kServiceBackOffMax);
  Duration pause = service.period;
  for (std::uint64_t i = 0; i < failures && pause < longest; ++i) pause *= 2;
  return std::min(pause, longest);
}

document::ValuePtr to_value(const Service& service, const ServiceRuns& runs, bool is_enabled,
                            bool is_running) {
  using document::make_bool;
  using document::make_number;
  using document::make_text;
  document::Object object{
      {"name", make_text(service.name)},
      {"call", make_text(service.call)},
      {"enabled", make_bool(is_enabled)},
      {"running", make_bool(is_running)},
      {"period_ms",
       make_number(std::chrono::duration_cast<std::chrono::milliseconds>(service.period).count())},
      {"runs", make_number(runs.runs)},
      {"failures", make_number(runs.failures)},
      {"left_out", make_number(runs.left_out)},
      {"duration_ms", make_number(runs.last_duration.count())}};
  if (runs.runs > 0) object.push_back({"last_run", make_number(runs.last_run.ms)});
  if (!runs.last_error.empty()) object.push_back({"error", make_text(runs.last_error)});
  if (!runs.last_result.empty()) {
    if (auto result = document::parse(runs.last_result)) object.push_back({"result", std::move(*result)});
  }
  return document::make_value(std::move(object));
}

}  // namespace callboard::server
