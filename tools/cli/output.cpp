#include "tools/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"

namespace callboard::cli {
namespace {

bool is_capable_terminal(std::FILE* stream) {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(stream)) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

// https://no-color.org: set and not empty.
bool is_colour_wanted() {
  const char* no_colour = std::getenv("NO_COLOR");
  return no_colour == nullptr || *no_colour == '\0';
}

std::string coloured(Style style, std::string_view text, bool colour) {
  static constexpr std::array<std::string_view, 5> kCodes{"", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m"};
  if (!colour || style == Style::plain) return std::string(text);
  return std::string(kCodes[static_cast<std::size_t>(style)]) + std::string(text) + "\x1b[0m";
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// The blocks that terminals agree on, not the whole of Unicode's tables: a column off in a rare script is only ugly.
constexpr std::array kWide{Range{0x1100, 0x115F},   Range{0x2E80, 0x303E},   Range{0x3041, 0x33FF},
                           Range{0x3400, 0x4DBF},   Range{0x4E00, 0x9FFF},   Range{0xA000, 0xA4CF},
                           Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE4F},
                           Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F},
                           Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1F9FF}, Range{0x20000, 0x3FFFD}};
constexpr std::array kWithoutWidth{Range{0x0300, 0x036F}, Range{0x200B, 0x200F}, Range{0x20D0, 0x20FF},
                                   Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}};

template <class Ranges>
bool is_in(const Ranges& ranges, std::uint32_t code_point) {
  return std::ranges::any_of(ranges, [&](Range r) { return r.first <= code_point && code_point <= r.last; });
}

// The code point that begins at `at`, which then is the next one's beginning. The text is valid UTF-8.
std::uint32_t next_code_point(std::string_view utf8, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(utf8[at++]);
  if (lead < 0x80) return lead;
  std::uint32_t value = lead >= 0xF0 ? lead & 0x07u : lead >= 0xE0 ? lead & 0x0Fu : lead & 0x1Fu;
  while (at < utf8.size() && (static_cast<unsigned char>(utf8[at]) & 0xC0u) == 0x80u) {
    value = value << 6 | (static_cast<unsigned char>(utf8[at++]) & 0x3Fu);
  }
  return value;
}

}  // namespace

Output::Output(Streams streams) : streams_(streams) {
  err_is_terminal_ = is_capable_terminal(streams_.err);
  err_has_colour_ = err_is_terminal_ && is_colour_wanted();
  out_has_colour_ = is_capable_terminal(streams_.out) && is_colour_wanted();
}

void Output::line(std::string_view text) {
  if (!json_) write_line(streams_.out, text);
}

void Output::object(const JsonObject& object) {
  if (!json_) return;
  write_line(streams_.out, object.text());
}

void Output::table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(escaped(row[i])));
  }
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::string text;
    for (std::size_t i = 0; i < rows[row].size(); ++i) {
      const auto cell = escaped(rows[row][i]);
      const bool is_last = i + 1 == rows[row].size();
      text += cell + (is_last ? "" : std::string(widths[i] - display_width(cell) + 2, ' '));
    }
    line(row == 0 ? styled(Style::bold, text) : text);
  }
}

void Output::raw(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (std::fwrite(bytes.data(), 1, bytes.size(), streams_.out) != bytes.size() ||
      std::fflush(streams_.out) != 0) {
    write_failed_ = true;
  }
}

void Output::message(std::string_view text) { write_line(streams_.err, text); }

void Output::warning(std::string_view text) { message_with("warning: ", Style::bold, text); }

void Output::error(std::string_view text) { message_with("error: ", Style::bad, text); }

void Output::message_with(std::string_view label, Style style, std::string_view text) {
  write_line(streams_.err, coloured(style, label, err_has_colour_) + std::string(text));
}

void Output::bar(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!err_is_terminal_ || text == bar_) return;
  bar_ = text;
  std::fprintf(streams_.err, "\r\x1b[K%s", bar_.c_str());
  std::fflush(streams_.err);
}

std::string Output::styled(Style style, std::string_view text) const {
  return coloured(style, text, out_has_colour_);
}

bool Output::is_complete() const {
  const std::lock_guard lock(mutex_);
  return !write_failed_;
}

void Output::write_line(std::FILE* stream, std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!bar_.empty()) std::fputs("\r\x1b[K", streams_.err);
  const std::string whole = std::string(text) + "\n";
  const bool good =
      std::fwrite(whole.data(), 1, whole.size(), stream) == whole.size() && std::fflush(stream) == 0;
  if (!good && stream == streams_.out) write_failed_ = true;
  if (!bar_.empty()) std::fputs(bar_.c_str(), streams_.err);
}

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto code_point = next_code_point(utf8, at);
    if (!is_in(kWithoutWidth, code_point)) width += is_in(kWide, code_point) ? 2u : 1u;
  }
  return width;
}

std::string files_text(std::uint64_t count) { return count_text(count, "file"); }

std::string count_text(std::uint64_t count, std::string_view word) {
  return std::to_string(count) + " " + std::string(word) + (count == 1 ? "" : "s");
}

}  // namespace callboard::cli
