#pragma once

#include <array>
#include <cstdint>

#include "base/compression.h"
#include "base/limits.h"

namespace callboard::client {

// How fast content moved of late, window by window.
class RateWindows {
 public:
  // A window ends at whichever comes first: more than buffers on the way usually take, or longer than a hiccup.
  static constexpr std::uint64_t kWindowBytes = 4 * MiB;
  static constexpr double kWindowSeconds = 0.05;

  // True when a window ended.
  bool add(std::uint64_t bytes, double seconds);
  std::uint64_t ended() const { return ended_; }
  std::uint64_t last_bytes() const { return last().bytes; }
  double last_seconds() const { return last().seconds; }
  // Bytes a second: the mean of the last eight or fewer, the slowest left out: where a link takes much at once and then nothing for a while, as
  // a server's limit has it, single windows are far apart.
  double mean() const;
  void clear() { *this = {}; }

 private:
  struct Window {
    std::uint64_t bytes = 0;
    double seconds = 0;
    double rate() const;
  };
  const Window& last() const { return windows_[(ended_ - 1) % windows_.size()]; }
  std::array<Window, 8> windows_ = {};
  std::uint64_t ended_ = 0;
  Window current_;
};

// What was written to the connection at a time.
struct SqueezeSample {
  std::uint64_t content_bytes = 0;  // Before it was squeezed.
  double seconds = 0;               // Squeezing and writing together …
  double squeeze_seconds = 0;       // … and squeezing alone.
  bool is_squeezed = false;         // False also for what was tried and did not become shorter.
};

// Whether squeezing pays on the link at hand: decided by how fast content moved without, how fast the squeezer is, and
// then by how fast content moves with. A fast link on a busy machine stands still now and then, but shows its speed
// in between, which a slow one never does. Whatever else may be the bottleneck (the taker's disk, another transfer) shows
// when squeezing makes nothing faster. Pure: no clock, no socket. Thread: one at a time.
//
//   plain       no window for a while was faster than half the squeezer (kPays)       -> squeezing
//   squeezing   content moves no faster than it did (kGain)                           -> plain, for a moment or longer
//               the squeezer was all that was waited for, for some windows            -> plain, for a moment
//
// With Compression::always it is always on, and never with Compression::never.
class SqueezePolicy {
 public:
  // Squeezing is worth its CPU where content leaves less than this share as fast as the squeezer, in so many windows in a row,
  // or in fewer that took so long together …
  static constexpr double kPays = 0.5;
  static constexpr int kSlowWindows = 5;
  static constexpr double kSlowSeconds = 0.5;
  static constexpr int kSlowWindowsMin = 2;
  // … and then goes this much faster than without.
  static constexpr double kGain = 1.1;
  // Until it is measured. On one core of a machine of 2020, level 1.
  static constexpr double kSqueezeRate = 400e6;
  // Windows for which squeezing, after it has not paid, is not tried: 1.6 s on a slow link. Doubled with each time in a row. When
  // it had paid before, the link has changed, and is measured anew at once.
  static constexpr int kHoldMin = 32;
  static constexpr int kHoldMax = 1024;
  // Windows of squeezing before it is judged.
  static constexpr std::uint64_t kTried = 4;
  // Windows in which mostly the squeezer was waited for: what the link can do is not known then, and is looked at again.
  // Doubled with each look that finds it slow.
  static constexpr int kProbeMin = 4;
  static constexpr int kProbeMax = 64;
  // Such a look is over after fewer slow windows; and one fast one says nothing in it, because buffers on the way that squeezing
  // had let run empty take that much at once.
  static constexpr int kSlowWindowsAgain = 2;
  static constexpr int kFastWindowsAgain = 2;
  static constexpr double kWaitedFor = 0.7;

  explicit SqueezePolicy(Compression compression)
      : compression_(compression), is_on_(compression == Compression::always) {}

  bool is_on() const { return is_on_; }
  bool is_measuring() const { return compression_ == Compression::automatic; }
  void on_sent(const SqueezeSample& sample);

 private:
  void on_plain(const SqueezeSample& sample);
  bool is_link_slow();
  void forget_slow();
  double plain_rate() const;
  void on_squeezed(const SqueezeSample& sample);
  void go_plain(int hold);

  Compression compression_;
  bool is_on_;
  RateWindows plain_;
  RateWindows squeezed_;
  double squeeze_rate_ = kSqueezeRate;
  // Plain windows in a row that were slow.
  int slow_windows_ = 0;
  std::uint64_t slow_bytes_ = 0;
  double slow_seconds_ = 0;
  double squeeze_seconds_ = 0;  // Of the window of squeezing under way.
  int waited_for_ = 0;          // Windows in a row in which mostly the squeezer was.
  int probe_after_ = kProbeMin;
  bool is_probing_ = false;  // Plain only to look at the link again …
  int fast_windows_ = 0;     // … and so many of the windows in a row were fast.
  int hold_ = 0;             // Windows for which it stays off …
  int next_hold_ = kHoldMin;
};

}  // namespace callboard::client
