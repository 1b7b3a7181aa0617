#include "tools/cli/progress.h"

#include <stdio.h>

#include <catch2/catch.hpp>

namespace callboard::cli::progress_test {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;

TEST_CASE("a progress line tells share, amount, files, rate, time left and path") {
  const ProgressState state{.files_done = 312,
                            .files_wanted = 5000,
                            .bytes_done = 256 * kMiB,
                            .bytes_wanted = 1024 * kMiB,
                            .is_total_known = true,
                            .current = "shots/0001.exr"};
  CHECK(progress_line(state, 48 * kMiB, 200) ==
        " 25 %  [#####---------------]  256 MiB of 1.00 GiB  312 of 5000 files  48.0 MiB/s  0:16 left  "
        "shots/0001.exr");
}

TEST_CASE("on a narrow terminal the bar goes first, then the files, and the time left stays") {
  const ProgressState state{.files_done = 312,
                            .files_wanted = 5000,
                            .bytes_done = 256 * kMiB,
                            .bytes_wanted = 1024 * kMiB,
                            .is_total_known = true,
                            .current = "shots/0001.exr"};
  CHECK(progress_line(state, 48 * kMiB, 82) ==
        " 25 %  [##--------]  256 MiB of 1.00 GiB  312 of 5000 files  48.0 MiB/s  0:16 left");
  CHECK(progress_line(state, 48 * kMiB, 79) ==
        " 25 %  [#----]  256 MiB of 1.00 GiB  312 of 5000 files  48.0 MiB/s  0:16 left");
  CHECK(progress_line(state, 48 * kMiB, 76) ==
        " 25 %  256 MiB of 1.00 GiB  312 of 5000 files  48.0 MiB/s  0:16 left");
  CHECK(progress_line(state, 48 * kMiB, 60) == " 25 %  256 MiB of 1.00 GiB  48.0 MiB/s  0:16 left");
}

TEST_CASE("while the other side still lists there is the most it may come to, no share and no time left") {
  ProgressState state{
      .files_done = 3, .files_wanted = 9, .bytes_done = 1024, .bytes_wanted = 4096, .current = ""};
  CHECK(progress_line(state, 1024, 200) == "1.00 KiB of up to 4.00 KiB  3 of up to 9 files  1.00 KiB/s");
  state.files_wanted = state.bytes_wanted = 0;
  CHECK(progress_line(state, 1024, 200) == "1.00 KiB  3 files  1.00 KiB/s");
}

TEST_CASE("a progress line never says 100 % before everything is there") {
  ProgressState state{.files_done = 1,
                      .files_wanted = 1,
                      .bytes_done = 99'999,
                      .bytes_wanted = 100'000,
                      .is_total_known = true,
                      .current = ""};
  CHECK_THAT(progress_line(state, 0, 200), Catch::StartsWith(" 99 %"));
  state.bytes_done = 100'000;
  CHECK_THAT(progress_line(state, 0, 200), Catch::StartsWith("100 %"));
}

TEST_CASE("nothing but empty files counts by files, and nothing at all is complete") {
  CHECK_THAT(
      progress_line({.files_done = 1, .files_wanted = 4, .is_total_known = true, .current = ""}, 0, 200),
      Catch::StartsWith(" 25 %"));
  CHECK_THAT(progress_line({.is_total_known = true, .current = ""}, 0, 200), Catch::StartsWith("100 %"));
}

TEST_CASE("a progress line fits the terminal at every width, whatever the path") {
  ProgressState state{.files_done = 3,
                      .files_wanted = 9,
                      .bytes_done = 1,
                      .bytes_wanted = 2,
                      .is_total_known = true,
                      .current = ""};
  state.current = GENERATE(as<std::string>{}, "映画映画映画映画映画映画映画映画映画映画映画映画映画",
                           "a\nb\x1b[2J\xff", "short");
  for (std::size_t columns = 10; columns < 200; ++columns) {
    INFO("columns " << columns);
    CHECK(display_width(progress_line(state, kMiB, columns)) <= columns);
  }
}

TEST_CASE("the rate is that of the last seconds, not of the whole time") {
  RateMeter meter;
  const Instant start{};
  CHECK(meter.bytes_per_second() == 0);
  meter.add(start, 0);
  CHECK(meter.bytes_per_second() == 0);
  meter.add(start + 1s, 1000);
  CHECK(meter.bytes_per_second() == 1000);
  for (int second = 2; second <= 20; ++second) {
    meter.add(start + std::chrono::seconds(second), 1000 + static_cast<std::uint64_t>(second - 1) * 10);
  }
  CHECK(meter.bytes_per_second() == 10);
}

TEST_CASE("the rate does not depend on how often it is looked at, and a pause shows as it lasts") {
  RateMeter often;
  RateMeter rarely;
  const Instant start{};
  for (int ms = 0; ms <= 10'000; ++ms) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(ms) * 50;
    often.add(start + std::chrono::milliseconds(ms), bytes);
    if (ms % 1000 == 0) rarely.add(start + std::chrono::milliseconds(ms), bytes);
  }
  CHECK(often.bytes_per_second() == 50'000);
  CHECK(rarely.bytes_per_second() == 50'000);
  rarely.add(start + 12'500ms, 500'000);
  CHECK(rarely.bytes_per_second() < 30'000);
  rarely.add(start + 18s, 500'000);
  rarely.add(start + 19s, 500'000);
  CHECK(rarely.bytes_per_second() == 0);
}

TEST_CASE("without a terminal a line is printed every five seconds, and none for a quick pull") {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* err = open_memstream(&text, &size);
  {
    Output output({.out = stdout, .err = err});
    Progress progress(output);
    const Instant start = Instant{} + 100s;
    const ProgressState state{.files_done = 1, .current = ""};
    progress.show(state, start);
    progress.show(state, start + 4999ms);
    fflush(err);
    CHECK(size == 0);
    progress.show(state, start + 5s);
    progress.show(state, start + 9s);
  }
  fflush(err);
  CHECK(std::string(text, size) == "0 B  1 files\n");
  fclose(err);
  free(text);
}

}  // namespace
}  // namespace callboard::cli::progress_test
