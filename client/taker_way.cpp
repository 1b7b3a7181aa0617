#include "client/taker_way.h"

#include <cstddef>
#include <utility>

namespace callboard::client {
namespace {

std::size_t bytes_of(const sync::RelativePath& path) {
  return path.bytes().size() + sizeof(sync::RelativePath) + sizeof(TakerWay::Passed) + 4 * sizeof(void*);
}

}  // namespace

void TakerWay::clear() {
  passed_.clear();
  bytes_ = 0;
}

Result<void> TakerWay::add(const sync::RelativePath& directory, Passed passed) {
  if (const auto known = passed_.find(directory); known != passed_.end()) {
    known->second = std::move(passed);
    return {};
  }
  if (bytes_ + bytes_of(directory) > bytes_max_)
    return Error{Outcome::refused, "the giver lists more directories than can be remembered"};
  passed_.emplace(directory, std::move(passed));
  bytes_ += bytes_of(directory);
  return {};
}

void TakerWay::forget(const sync::RelativePath& directory) {
  if (passed_.erase(directory) > 0) bytes_ -= bytes_of(directory);
}

// No deeper than paths are: kPathDepthMax. Above one that is here or was made all are.
Result<bool> TakerWay::open(const sync::RelativePath& directory, const Make& make) {
  const auto found = passed_.find(directory);
  if (found == passed_.end()) return true;
  if (const Result<bool> above = open(directory.parent(), make); !above || !*above) return above;
  if (found->second.stays) return false;
  const Result<bool> made = make(found->first, found->second);
  if (!made) return made;
  if (*made) {
    forget(directory);
  } else {
    found->second.stays = true;
  }
  return *made;
}

}  // namespace callboard::client
