#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace callboard::document {

// Which of `places` may stay where they are, so that as few as possible have to move: those on a longest ascending run.
inline std::vector<bool> stays(const std::vector<std::size_t>& places) {
  std::vector<std::size_t>
      ends;  // Of the best run of each length, by its last place: an index into `places`.
  std::vector<std::size_t> before(places.size(), places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto slot =
        std::lower_bound(ends.begin(), ends.end(), places[i],
                         [&](std::size_t end, std::size_t place) { return places[end] < place; });
    if (slot != ends.begin()) before[i] = *(slot - 1);
    if (slot == ends.end()) {
      ends.push_back(i);
    } else {
      *slot = i;
    }
  }
  std::vector<bool> result(places.size(), false);
  for (std::size_t i = ends.empty() ? places.size() : ends.back(); i < places.size(); i = before[i])
    result[i] = true;
  return result;
}

}  // namespace callboard::document
