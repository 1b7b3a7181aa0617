#pragma once

#include <optional>
#include <string>
#include <utility>

#include "client/types.h"
#include "sync/relative_path.h"

namespace callboard::cli {

// Who has the newest copy of what, as the server told it once: a guess, so that what one user has can be asked of that user
// together. It knows nothing of who is away or does not share.
class NewestCopies {
 public:
  // Nothing is known.
  NewestCopies() = default;
  // Those of `self` are nobody's to ask for.
  NewestCopies(client::Assets assets, std::string self)
      : assets_(std::move(assets)), self_(std::move(self)) {}

  struct Whose {
    bool is_own = false;
    std::string user;  // Empty: nobody has told of a copy, of it or of what encloses it.
  };
  // nullopt: not known.
  std::optional<Whose> of(const sync::RelativePath& item) const;

 private:
  std::optional<client::Assets> assets_;
  std::string self_;
};

}  // namespace callboard::cli
