#include "client/taker_way.h"

#include <cstddef>
#include <utility>

#include "base/limits.h"

namespace callboard::client {
namespace {

// A quarter of a KiB each, so 64 MiB. Those that have no directories in them are forgotten when they are looked through.
constexpr std::size_t kPassedMax = 256 * KiB;

}  // namespace

Result<void> TakerWay::add(const sync::RelativePath& directory, Passed passed) {
  if (passed_.size() >= kPassedMax)
    return Error{Outcome::refused, "the giver lists more directories than can be remembered"};
  passed_.insert_or_assign(directory, std::move(passed));
  return {};
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
    passed_.erase(found);
  } else {
    found->second.stays = true;
  }
  return *made;
}

}  // namespace callboard::client
