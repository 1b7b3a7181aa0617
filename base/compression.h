#pragma once

#include <optional>
#include <string_view>

namespace callboard {

// Whether the contents of a transfer travel compressed, as its taker wants it.
enum class Compression {
  never,
  automatic,  // Where it pays: of a file that becomes shorter, on a link that is slower than compressing.
  always,     // Of a file that becomes shorter, on every link.
};

constexpr std::string_view to_text(Compression compression) {
  if (compression == Compression::never) return "never";
  return compression == Compression::automatic ? "auto" : "always";
}
constexpr std::optional<Compression> compression_from(std::string_view text) {
  for (const Compression known : {Compression::never, Compression::automatic, Compression::always}) {
    if (text == to_text(known)) return known;
  }
  return std::nullopt;
}

}  // namespace callboard
