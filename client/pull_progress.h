#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace callboard::client {

// What is wanted grows while the giver's folder is still being listed; `listed` says that it is final. Totals are known
// with the giver's first answer: until `listed` all of what differs somewhere, which is more than will be wanted; then what is
// wanted. What is wanted is done (received) or reused (made of files that were here).
struct PullProgress {
  std::uint64_t files_total = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t files_reused = 0;
  std::uint64_t bytes_reused = 0;
  std::uint64_t bytes_per_second = 0;  // Received over the last seconds.
  std::uint64_t files_wanted = 0;
  std::uint64_t files_done = 0;
  std::uint64_t bytes_wanted = 0;
  std::uint64_t bytes_done = 0;
  bool listed = false;
  std::string paused = {};   // Why nothing moves at the moment; empty when it does.
  std::string current = {};  // Path of the file under way; raw bytes.

  friend bool operator==(const PullProgress&, const PullProgress&) = default;

  std::uint64_t files_left() const { return left_of(files_total, files_done, files_reused); }
  std::uint64_t bytes_left() const { return left_of(bytes_total, bytes_done, bytes_reused); }
  // At the present rate; nullopt while nothing comes.
  std::optional<std::uint64_t> seconds_left() const {
    if (bytes_left() == 0) return 0;
    if (bytes_per_second == 0) return std::nullopt;
    return (bytes_left() + bytes_per_second - 1) / bytes_per_second;
  }

 private:
  static std::uint64_t left_of(std::uint64_t total, std::uint64_t done, std::uint64_t reused) {
    const std::uint64_t rest = total - (done < total ? done : total);
    return rest - (reused < rest ? reused : rest);
  }
};

}  // namespace callboard::client
