#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "tests/e2e/company.h"
#include "tests/e2e/studio.h"

namespace callboard::e2e {

// Where one kind of abuse goes, and until when.
struct Abuse {
  std::string server;
  std::string project;
  std::uint16_t discovery_port = 0;
  std::chrono::steady_clock::time_point until;
  mutable std::size_t count = 0;  // Of what was tried, for the report.

  bool goes_on() const { return std::chrono::steady_clock::now() < until; }
  // Nothing for a while, or to the end.
  void wait(std::chrono::milliseconds time) const;
  void go_on() const;
};

// Does one kind of abuse after the other while a company works, prints how long its asks took meanwhile, and checks that each
// was answered.
class AbuseReport {
 public:
  // `log`: the server's.
  AbuseReport(Studio& studio, Company& company, std::string log);

  void run(const std::string& name, const std::function<void(const Abuse&)>& abuse);
  // The server is there, has nobody but the company, as much memory as before and a log that is no flood.
  void check_end();

 private:
  void check_memory();

  Studio& studio_;
  Company& company_;
  std::string log_;
  std::uint64_t resident_before_ = 0;
};

}  // namespace callboard::e2e
