// A file of services: whatever is read can be put on a schedule, and whatever is not says why.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/ensure.h"
#include "server/services/service_list.h"

using namespace callboard;
using namespace callboard::server;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto services = services_from({reinterpret_cast<const char*>(data), size});
  if (!services) {
    ENSURE(!services.error().text.empty());
    return 0;
  }
  ENSURE(services->size() <= kOwnServicesMax);
  for (const Service& each : *services) {
    ENSURE(is_service_name(each.name) && !each.call.empty());
    ENSURE(std::ranges::count(*services, each.name, &Service::name) == 1);
    ENSURE(each.period >= kServicePeriodMin && each.period <= kServicePeriodMax);
    // However often it fails.
    for (const std::uint64_t failures : {0U, 1U, 63U, 4'000'000'000U}) {
      ENSURE(pause_of(each, failures) >= each.period);
    }
  }
  return 0;
}
