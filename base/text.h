#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace callboard {

// Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// Its longest beginning of at most `max_bytes` that does not end within a character.
std::string_view cut(std::string_view utf8, std::size_t max_bytes);

// Code points in valid UTF-8.
std::size_t code_point_count(std::string_view utf8);

// True for C0, DEL, C1, and the line and paragraph separators: what may not stand in a name that is printed on one line.
bool has_control_character(std::string_view utf8);

// For a terminal or a log, never for a machine: control characters and bytes that are not UTF-8 become \n, \t, \x1b …,
// a backslash becomes \\, and what is longer than `max_code_points` is cut and ends in "…".
std::string escaped(std::string_view bytes, std::size_t max_code_points = 4096);

// escaped(), cut at 64, in double quotes: how peer text and paths appear in error texts.
// An object, so that std::quoted() is not considered where <iomanip> happens to be included.
struct Quoted {
  std::string operator()(std::string_view bytes) const;
};
inline constexpr Quoted quoted;

// A value in a line of the log: one plain word as it is, anything else escaped, cut at 256, and in double quotes.
std::string log_value(std::string_view text);

// "1.5 GiB", "312 B": three significant digits.
std::string human_bytes(std::uint64_t size_bytes);

// Lower-case hexadecimal, two digits a byte.
std::string to_hex(std::string_view bytes);
// The bytes again, or nullopt for an odd length or a character that is no hex digit.
std::optional<std::string> from_hex(std::string_view hex);

}  // namespace callboard
