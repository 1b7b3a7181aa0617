#include "tools/cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"

namespace callboard::cli {
namespace {

constexpr auto kBarPeriod = 100ms;
constexpr auto kLinePeriod = 5s;
constexpr std::size_t kBarColumns = 20;

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// Of bytes, or of files where there is nothing but empty ones. In thousandths: 99.99 % is not yet 100 %.
std::uint64_t thousandths_done(const ProgressState& state) {
  const bool by_bytes = state.bytes_wanted > 0;
  const auto wanted = by_bytes ? state.bytes_wanted : state.files_wanted;
  const auto done = std::min(by_bytes ? state.bytes_done : state.files_done, wanted);
  if (wanted == 0) return 1000;
  return static_cast<std::uint64_t>(static_cast<double>(done) / static_cast<double>(wanted) * 1000.0);
}

std::string bar_of(std::uint64_t thousandths, std::size_t columns) {
  const auto full = static_cast<std::size_t>(thousandths) * columns / 1000;
  return "[" + std::string(full, '#') + std::string(columns - full, '-') + "]";
}

// All but the path.
struct Parts {
  std::size_t bar_columns = 0;
  bool has_files = true;
};

std::string numbers_line(const ProgressState& state, std::uint64_t bytes_per_second, const Parts& parts) {
  std::string line;
  const auto of = [&](std::uint64_t wanted, const std::string& total) {
    if (state.is_total_known) return " of " + total;
    return wanted > 0 ? " of up to " + total : "";
  };
  if (state.is_total_known) {
    const auto done = thousandths_done(state);
    line += fmt::format("{:3} %  ", done / 10);
    if (parts.bar_columns > 0) line += bar_of(done, parts.bar_columns) + "  ";
  }
  line += human_bytes(state.bytes_done) + of(state.bytes_wanted, human_bytes(state.bytes_wanted));
  if (parts.has_files) {
    line += fmt::format("  {}{} files", state.files_done,
                        of(state.files_wanted, std::to_string(state.files_wanted)));
  }
  if (bytes_per_second == 0) return line;
  line += fmt::format("  {}/s", human_bytes(bytes_per_second));
  if (state.is_total_known && state.bytes_wanted > state.bytes_done)
    line += fmt::format("  {} left", time_text((state.bytes_wanted - state.bytes_done) / bytes_per_second));
  return line;
}

}  // namespace

std::string time_text(std::uint64_t seconds) {
  if (seconds >= 3600) return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string progress_line(const ProgressState& state, std::uint64_t bytes_per_second, std::size_t columns) {
  // Where there is little room the numbers that people look for come last of all to go: rate and time left.
  constexpr Parts kChoices[] = {
      {kBarColumns, true}, {kBarColumns / 2, true}, {kBarColumns / 4, true}, {0, true}, {0, false}};
  std::string line;
  for (const Parts& parts : kChoices) {
    line = numbers_line(state, bytes_per_second, parts);
    if (line.size() <= columns) break;
  }
  // The path takes what room is left, and none when that is little. Its width may be twice its code points.
  const auto used = line.size() + 2;
  if (!state.current.empty() && columns > used + 20) {
    const auto room = columns - used;
    auto path = escaped(state.current, room);
    for (auto limit = room; limit > 1 && display_width(path) > room; --limit)
      path = escaped(state.current, limit - 1);
    line += "  " + path;
  }
  if (line.size() > columns && display_width(line) > columns) line.resize(columns);
  return line;
}

Progress::~Progress() { output_.bar(""); }

void Progress::show(const ProgressState& state, Instant now) {
  if (output_.is_json()) return;
  rate_.add(now, state.bytes_done);
  const bool has_bar = output_.has_bar();
  // Plain lines begin after one period: a quick pull needs none.
  if (!has_shown_ && !has_bar) shown_at_ = now;
  const bool is_first = !std::exchange(has_shown_, true);
  const Duration period = has_bar ? Duration(kBarPeriod) : Duration(kLinePeriod);
  if (now - shown_at_ < period && !(is_first && has_bar)) return;
  shown_at_ = now;
  if (has_bar) {
    // The last column stays free: some terminals wrap when it is written.
    output_.bar(progress_line(state, rate_.bytes_per_second(), terminal_columns() - 1));
  } else {
    output_.message(progress_line(state, rate_.bytes_per_second(), 160));
  }
}

}  // namespace callboard::cli
