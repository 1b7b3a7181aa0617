#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace callboard {
namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t size_bytes = 0;  // 0: not UTF-8 here.
};

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
// What a sequence of this many bytes may encode; below it is an overlong form.
constexpr std::array<Range, 5> kRangeOfLength{
    {{0, 0}, {0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xffff}, {0x10000, 0x10ffff}}};

CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = (lead >> 5) == 0x6 ? 2 : (lead >> 4) == 0xe ? 3 : (lead >> 3) == 0x1e ? 4 : 0;
  if (length == 0 || text.size() < length) return {};
  std::uint32_t value = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3fU);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kRangeOfLength[length].first || value > kRangeOfLength[length].last || surrogate) return {};
  return {value, length};
}

// Bytes at the front that are ASCII: mostly all are, and are looked at eight at a time.
std::size_t ascii_bytes(std::string_view text) {
  std::size_t size_bytes = 0;
  for (std::uint64_t word = 0; text.size() - size_bytes >= sizeof word; size_bytes += sizeof word) {
    std::memcpy(&word, text.data() + size_bytes, sizeof word);
    if ((word & 0x8080'8080'8080'8080) != 0) break;
  }
  while (size_bytes < text.size() && static_cast<std::uint8_t>(text[size_bytes]) < 0x80) ++size_bytes;
  return size_bytes;
}

// Bytes at the front that are ASCII and no control characters: mostly all are.
std::size_t printable_ascii(std::string_view text) {
  const auto is_printable = [](char c) { return c >= 0x20 && c < 0x7f; };
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_printable) - text.begin());
}

bool is_control(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

std::string escape_bytes(std::string_view bytes) {
  if (bytes == "\n") return "\\n";
  if (bytes == "\t") return "\\t";
  if (bytes == "\r") return "\\r";
  std::string out;
  for (const char c : bytes) {
    char text[8];
    std::snprintf(text, sizeof text, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += text;
  }
  return out;
}

bool is_continuation(char c) { return (static_cast<std::uint8_t>(c) & 0xc0) == 0x80; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    text.remove_prefix(ascii_bytes(text));
    if (text.empty()) return true;
    const CodePoint c = decode(text);
    if (c.size_bytes == 0) return false;
    text.remove_prefix(c.size_bytes);
  }
  return true;
}

std::string_view cut(std::string_view utf8, std::size_t max_bytes) {
  if (utf8.size() <= max_bytes) return utf8;
  while (max_bytes > 0 && is_continuation(utf8[max_bytes])) --max_bytes;
  return utf8.substr(0, max_bytes);
}

std::size_t code_point_count(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8) count += is_continuation(c) ? 0U : 1U;
  return count;
}

bool has_control_character(std::string_view utf8) {
  while (!utf8.empty()) {
    utf8.remove_prefix(printable_ascii(utf8));
    if (utf8.empty()) return false;
    const CodePoint c = decode(utf8);
    if (c.size_bytes == 0 || is_control(c.value)) return true;
    utf8.remove_prefix(c.size_bytes);
  }
  return false;
}

std::string escaped(std::string_view bytes, std::size_t max_code_points) {
  std::string out;
  for (std::size_t count = 0; !bytes.empty(); ++count) {
    if (count == max_code_points) return out + "…";
    const CodePoint c = decode(bytes);
    const std::size_t size_bytes = c.size_bytes == 0 ? 1 : c.size_bytes;
    const std::string_view one = bytes.substr(0, size_bytes);
    if (c.size_bytes == 0 || is_control(c.value)) {
      out += escape_bytes(one);
    } else {
      out += one == "\\" ? "\\\\" : one;
    }
    bytes.remove_prefix(size_bytes);
  }
  return out;
}

std::string Quoted::operator()(std::string_view bytes) const { return '"' + escaped(bytes, 64) + '"'; }

std::string log_value(std::string_view text) {
  constexpr std::size_t kShown = 256;
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@%+,-[]";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
  std::string value = "\"";
  for (const char c : escaped(text, kShown)) {
    if (c == '"') value += '\\';
    value += c;
  }
  return value + "\"";
}

std::string human_bytes(std::uint64_t size_bytes) {
  constexpr std::array<const char*, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (size_bytes < 1024) return std::to_string(size_bytes) + " B";
  auto value = static_cast<double>(size_bytes);
  std::size_t unit = 0;
  // 999.5 would print as "1e+03"-like four digits; the next unit reads better.
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text,
                value < 9.995   ? "%.2f %s"
                : value < 99.95 ? "%.1f %s"
                                : "%.0f %s",
                value, kUnits[unit]);
  return text;
}

std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<std::uint8_t>(c) >> 4];
    out += kDigits[static_cast<std::uint8_t>(c) & 0xf];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_value(hex[i]);
    const int low = hex_value(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

}  // namespace callboard
