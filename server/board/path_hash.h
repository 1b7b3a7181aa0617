#pragma once

#include <cstddef>

#include "base/document/edits.h"
#include "base/text_hash.h"

// Hashes of places in documents: of this process alone, as TextHash is.
namespace callboard::server {

inline constexpr std::size_t kHashOfAll = 1;

inline std::size_t mixed(std::size_t hash, std::size_t more) {
  constexpr std::size_t kMix = 0x9e3779b97f4a7c15;
  return (hash ^ more) * kMix + more;
}

// Of what lies at `step` within the place of that hash.
inline std::size_t hash_within(std::size_t place, const document::Step& step) {
  return mixed(mixed(place, TextHash()(step.field)), TextHash()(step.key));
}

inline std::size_t hash_of(const document::Path& path) {
  std::size_t hash = kHashOfAll;
  for (const document::Step& step : path) hash = hash_within(hash, step);
  return hash;
}

}  // namespace callboard::server
