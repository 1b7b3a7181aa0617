#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"
#include "client/document_types.h"

namespace callboard::cli {

// Where the next page begins of something that a server tells a page at a time. Each page must lead on: one that does not would
// be asked for again for ever.
class PagePlace {
 public:
  enum class Way { up, down };
  // `what` is told, for the error; its first page begins at 0, or, upward, after `first`.
  PagePlace(std::string what, Way way, std::uint64_t first = 0)
      : what_(std::move(what)), way_(way), at_(first) {}

  std::uint64_t at() const { return at_; }
  // Fails, and stays, where that is no further on.
  Result<void> move_to(std::uint64_t next);

 private:
  std::string what_;
  Way way_;
  std::uint64_t at_;
};

// Where the page after this one begins; 0: it is the last.
std::uint64_t next_page(const client::History& history);

}  // namespace callboard::cli
