#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>

#include "base/entry.h"
#include "base/limits.h"
#include "base/result.h"
#include "sync/relative_path.h"

namespace callboard::client {

// The giver's directories that are only looked through, since --include does not name them, and that are not here: they are
// made when something comes into them. Thread: planning.
class TakerWay {
 public:
  struct Passed {
    Entry entry;                // As the giver has it.
    std::optional<Entry> have;  // What has its name here.
    bool stays = false;         // That does, so nothing comes beneath it.
  };

  // Those that have no directories in them are forgotten when they are looked through.
  static constexpr std::size_t kBytesMax = 64 * MiB;
  explicit TakerWay(std::size_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  void clear();
  // Of a directory before what lies in it; again when something else is known of it. refused: there are too many.
  Result<void> add(const sync::RelativePath& directory, Passed passed);
  // Nothing comes into it any more, nor beneath.
  void forget(const sync::RelativePath& directory);
  // Whether something may come into `directory`: makes what is missing down to it, which is false where what is here stays.
  using Make = std::function<Result<bool>(const sync::RelativePath&, const Passed&)>;
  Result<bool> open(const sync::RelativePath& directory, const Make& make);

 private:
  std::map<sync::RelativePath, Passed> passed_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;  // What they take.
};

}  // namespace callboard::client
