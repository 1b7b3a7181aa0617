#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/rate_meter.h"
#include "tools/cli/output.h"

namespace callboard::cli {

struct ProgressState {
  std::uint64_t files_done = 0;
  std::uint64_t files_wanted = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_wanted = 0;
  // False while the other side is still listing: then there is no percentage yet, and what is wanted is the most that it
  // may come to (0: not even that is known).
  bool is_total_known = false;
  std::string current;  // The path under way; any bytes.
};

// "0:16", "2:00:07".
std::string time_text(std::uint64_t seconds);

// "43 %  [####------]  1.2 GiB of 2.8 GiB  312 of 5000 files  98.1 MiB/s  0:16 left  shots/0001.exr" in `columns`: where that
// does not fit the bar gets shorter, then it goes, then the files.
std::string progress_line(const ProgressState& state, std::uint64_t bytes_per_second, std::size_t columns);

// Shows how far a pull is: a bar on a terminal, redrawn at most ten times a second; elsewhere a plain line every five
// seconds; nothing with --json. One thread.
class Progress {
 public:
  explicit Progress(Output& output) : output_(output) {}
  ~Progress();  // Clears the bar.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const ProgressState& state, Instant now);

 private:
  Output& output_;
  RateMeter rate_;
  bool has_shown_ = false;
  Instant shown_at_;
};

}  // namespace callboard::cli
