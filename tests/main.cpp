#define CATCH_CONFIG_MAIN
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/skip.h"

namespace callboard::support {
namespace {

bool running_test_is_skipped = false;

// Ends every run with lines that tests/run adds up: "tally: passed=3 failed=0 skipped=1" and "slow: 0.532 s
// NAME".
class Tally : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& test) override {
    TestEventListenerBase::testCaseStarting(test);
    running_test_is_skipped = false;
    started_ = std::chrono::steady_clock::now();
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started_;
    took_.emplace_back(took.count(), stats.testInfo.name);
    if (stats.totals.assertions.failed > 0) {
      ++failed_;
    } else if (running_test_is_skipped) {
      ++skipped_;
    } else {
      ++passed_;
    }
    TestEventListenerBase::testCaseEnded(stats);
  }

  void testRunEnded(const Catch::TestRunStats& stats) override {
    TestEventListenerBase::testRunEnded(stats);
    std::sort(took_.rbegin(), took_.rend());
    constexpr std::size_t kShown = 5;
    for (std::size_t i = 0; i < took_.size() && i < kShown; ++i) {
      std::printf("slow: %.3f s %s\n", took_[i].first, took_[i].second.c_str());
    }
    std::printf("tally: passed=%d failed=%d skipped=%d\n", passed_, failed_, skipped_);
    std::fflush(stdout);
  }

 private:
  std::chrono::steady_clock::time_point started_;
  std::vector<std::pair<double, std::string>> took_;
  int passed_ = 0;
  int failed_ = 0;
  int skipped_ = 0;
};

}  // namespace

void skip_test(std::string_view reason) {
  running_test_is_skipped = true;
  const auto name = Catch::getResultCapture().getCurrentTestName();
  std::printf("skipped: %s: %.*s\n", name.c_str(), static_cast<int>(reason.size()), reason.data());
}

}  // namespace callboard::support

namespace callboard::support {
CATCH_REGISTER_LISTENER(Tally)
}
