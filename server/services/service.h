#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/document/value.h"
#include "base/limits.h"

// A service is a call on a schedule. Pure.
namespace callboard::server {

// Services of one server: built in, and the studio's own. Each costs a timer's look and two records.
inline constexpr std::size_t kServicesMax = 256;
// One that fails and fails is tried again after its period, doubled each time up to this, or its period where that is longer.
inline constexpr auto kServiceBackOffMax = 1h;
// How it went is kept on disk for the next server: no more often than this, so that one that runs all the time writes little.
inline constexpr auto kServiceKeptPeriod = 10min;

// Of every server: no other is called so.
inline constexpr std::array<std::string_view, 4> kBuiltInServices{"backup", "ping", "retention", "verify"};
// Of a studio's own: there is room for the built-in ones, whichever are switched off at this start.
inline constexpr std::size_t kOwnServicesMax = kServicesMax - kBuiltInServices.size();

struct Service {
  // Due while the former run is under way: that run is left out, or it begins when the former one is over.
  enum class Overlap { skip, wait };

  std::string name;  // A component of a path.
  std::string call;
  document::ValuePtr arguments{};  // Null: none.
  Duration period{1h};
  Duration jitter{0};  // Each run is so much later at most, so that not all begin at once.
  Overlap overlap = Overlap::skip;
  bool is_enabled = true;  // To begin with.
};

// How a service has gone so far.
struct ServiceRuns {
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;  // In a row, the last ones.
  std::uint64_t left_out = 0;  // Were due while one was under way.
  Timestamp last_run{};
  std::chrono::milliseconds last_duration{0};
  std::string last_error{};  // Empty: the last one went well, or it was enabled since.
  std::string
      last_result{};  // What the last one that went well has done, as JSON; empty: nothing, or more than is shown.
};

// What is seen of a service, in its record of class "service" and in the list of all.
struct ServiceView {
  const Service& service;
  const ServiceRuns& runs;
  bool is_enabled = true;
  bool is_running = false;
  Timestamp next_run{};
};

// Whether a record can be called after it.
bool is_service_name(const std::string& name);
// From the moment a run was due to the next one, without jitter.
Duration pause_of(const Service& service, std::uint64_t failures);
// The fields of its record.
document::Object fields_of(const ServiceView& view);
// How it went, from such fields; nothing of what is missing, or makes no sense.
ServiceRuns runs_in(const document::Value& fields);

}  // namespace callboard::server
