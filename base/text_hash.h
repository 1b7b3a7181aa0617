#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace callboard {

// A hash of texts that others choose (SipHash-1-3 under a key of this process's own): std::hash is the same everywhere, so that
// somebody can choose a million texts with one hash, which make a table as slow as a list. Thread: any.
struct TextHash {
  using is_transparent = void;
  // Not noexcept: libstdc++ keeps the hash of each key beside it then, in place of making it anew for every key that a look-up
  // passes.
  std::size_t operator()(std::string_view text) const;
};

// Their order differs from one process to the next: only for looking up.
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;
template <class Value>
using TextViewMap = std::unordered_map<std::string_view, Value, TextHash, std::equal_to<>>;
using TextSet = std::unordered_set<std::string, TextHash, std::equal_to<>>;

// SipHash-1-3 as its authors describe it; for TextHash and its test.
std::uint64_t sip_hash(std::uint64_t key_low, std::uint64_t key_high, std::string_view text);

}  // namespace callboard
