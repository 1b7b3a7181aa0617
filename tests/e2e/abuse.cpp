#include "tests/e2e/abuse.h"

#include <fmt/format.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/limits.h"
#include "tests/e2e/stranger.h"

namespace callboard::e2e {
namespace {

using namespace std::chrono_literals;

// What an allocator may keep after the largest flood, and a sanitizer's memory of what was freed.
#ifdef CALLBOARD_ASAN
constexpr std::uint64_t kMemoryKept = 512 * MiB;
#else
constexpr std::uint64_t kMemoryKept = 24 * MiB;
#endif
// Ten kinds of abuse are some 3,000 lines at most; without limits one of them would be more.
constexpr std::uint64_t kLogMax = 4 * MiB;
constexpr auto kPromised = 50ms;
constexpr auto kGivenBackWithin = 20s;

std::chrono::milliseconds asked_duration() {
  const char* asked = std::getenv("CALLBOARD_ABUSE_MS");
  return std::chrono::milliseconds(asked != nullptr ? std::atoi(asked) : 400);
}

bool is_asked(const std::string& name) {
  const char* asked = std::getenv("CALLBOARD_ABUSE_ONLY");
  return asked == nullptr || name.find(asked) != std::string::npos;
}

bool is_strict() { return std::getenv("CALLBOARD_ABUSE_STRICT") != nullptr; }

}  // namespace

void Abuse::wait(std::chrono::milliseconds time) const {
  std::this_thread::sleep_until(std::min(until, std::chrono::steady_clock::now() + time));
}

void Abuse::go_on() const { std::this_thread::sleep_until(until); }

AbuseReport::AbuseReport(Studio& studio, Company& company, std::string log)
    : studio_(studio), company_(company), log_(std::move(log)) {
  company_.take(5);
  resident_before_ = resident_bytes_of(studio_.server().id());
}

void AbuseReport::run(const std::string& name, const std::function<void(const Abuse&)>& abuse) {
  if (!is_asked(name)) return;
  INFO(name);
  company_.take(0);
  const Abuse now{studio_.server_address(), studio_.project(), studio_.discovery_port(),
                  std::chrono::steady_clock::now() + asked_duration()};
  abuse(now);
  const RoundTrips trips = company_.take();
  std::printf("%-24s %8zu: %s\n", name.c_str(), now.count, trips.text().c_str());
  for (const std::string& failure : trips.failures) FAIL_CHECK(failure);
  if (is_strict()) CHECK(trips.part(0.99) < kPromised);
}

void AbuseReport::check_end() {
  // Strangers' connections end within the time of a goodbye.
  Json status;
  const auto limit = std::chrono::steady_clock::now() + support::kPatience;
  do {
    status = events(studio_.run(Company::name_of(0), {"status", "--json"}).out, "status").at(0);
  } while (status.at("users") != Company::kPeople && std::chrono::steady_clock::now() < limit);
  CHECK(status.at("users") == Company::kPeople);
  CHECK(company_.take().failures.empty());
  company_.leave();
  check_memory();
  CHECK(std::filesystem::file_size(log_) < kLogMax);
  studio_.server().send_signal(SIGTERM);
  CHECK(exit_code(studio_.server()) == 0);
}

// It is given back some seconds after the last have come or gone.
void AbuseReport::check_memory() {
  const auto limit = std::chrono::steady_clock::now() + kGivenBackWithin;
  std::uint64_t resident = 0;
  do {
    std::this_thread::sleep_for(20ms);
    resident = resident_bytes_of(studio_.server().id());
  } while (resident > resident_before_ + kMemoryKept && std::chrono::steady_clock::now() < limit);
  std::printf("memory %.1f MiB before, %.1f MiB after\n", static_cast<double>(resident_before_) / MiB,
              static_cast<double>(resident) / MiB);
  CHECK(resident <= resident_before_ + kMemoryKept);
}

}  // namespace callboard::e2e
