#include "server/services/service.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/document/build.h"
#include "base/document/members.h"
#include "base/document/parse.h"
#include "server/board/zone_name.h"
#include "server/own_records.h"

namespace callboard::server {

// It stands in the path of its record, and of the one below that.
bool is_service_name(const std::string& name) {
  const auto parts = record_path(std::string(kServicesFolder) + "/" + name + "/state");
  return parts && parts->size() == 3;
}

Duration pause_of(const Service& service, std::uint64_t failures) {
  const Duration longest = std::max<Duration>(service.period, kServiceBackOffMax);
  Duration pause = service.period;
  for (std::uint64_t i = 0; i < failures && pause < longest; ++i) pause *= 2;
  return std::min(pause, longest);
}

document::Object fields_of(const ServiceView& view) {
  using document::make_bool;
  using document::make_number;
  using document::make_text;
  const ServiceRuns& runs = view.runs;
  const auto period = std::chrono::duration_cast<std::chrono::milliseconds>(view.service.period);
  document::Object fields{
      {"call", make_text(view.service.call)},   {"enabled", make_bool(view.is_enabled)},
      {"running", make_bool(view.is_running)},  {"period_ms", make_number(period.count())},
      {"runs", make_number(runs.runs)},         {"failures", make_number(runs.failures)},
      {"left_out", make_number(runs.left_out)}, {"duration_ms", make_number(runs.last_duration.count())}};
  if (runs.last_run.ms > 0) fields.push_back({"last_run", make_number(runs.last_run.ms)});
  if (view.is_enabled) fields.push_back({"next_run", make_number(view.next_run.ms)});
  if (!runs.last_error.empty()) fields.push_back({"error", make_text(runs.last_error)});
  if (auto result = document::parse(runs.last_result); !runs.last_result.empty() && result)
    fields.push_back({"result", std::move(*result)});
  return fields;
}

ServiceRuns runs_in(const document::Value& fields) {
  ServiceRuns runs;
  runs.runs = document::number_in<std::uint64_t>(fields, "runs");
  runs.failures = document::number_in<std::uint64_t>(fields, "failures");
  runs.left_out = document::number_in<std::uint64_t>(fields, "left_out");
  runs.last_run.ms = document::number_in<std::int64_t>(fields, "last_run");
  runs.last_duration = std::chrono::milliseconds(document::number_in<std::int64_t>(fields, "duration_ms"));
  runs.last_error = document::text_in(fields, "error");
  if (const document::ValuePtr result = fields.member("result")) runs.last_result = document::print(*result);
  return runs;
}

}  // namespace callboard::server
