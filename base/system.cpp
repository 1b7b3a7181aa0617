#include <ctime>

#include <chrono>
#include <random>

#include "base/clock.h"
#include "base/clock_distance.h"
#include "base/id.h"

// What comes from the operating system: time and chance. Alone in a file, so that a simulation is linked with its own.
namespace callboard {
namespace {

class SystemClock final : public Clock {
 public:
  Timestamp wall() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return Timestamp{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
  }
  Instant monotonic() const override {
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

Duration clock_distance() {
#ifdef CLOCK_BOOTTIME
  constexpr clockid_t kSinceStart = CLOCK_BOOTTIME;
#else
  constexpr clockid_t kSinceStart = CLOCK_MONOTONIC;
#endif
  timespec started{};
  if (::clock_gettime(kSinceStart, &started) != 0) return {};
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return wall - std::chrono::seconds(started.tv_sec) - std::chrono::nanoseconds(started.tv_nsec);
}

RandomSource system_random() {
  return [] {
    // libstdc++ reads the kernel's generator; one per thread, because random_device may not be shared.
    thread_local std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
  };
}

}  // namespace callboard
