#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/text_hash.h"
#include "sync/file_ops.h"

namespace callboard::sync {

// Which names a file system takes for the same.
struct NameFolding {
  bool ignores_case = false;
  bool ignores_form = false;  // Of Unicode: é in one character or in two (NFC, NFD).
  bool folds() const { return ignores_case || ignores_form; }
};

// Tries it in an open folder of our own, with files that are gone afterwards. In doubt every name is its own.
NameFolding probe_names(FileOps& ops, int folder_fd);

// Equal for names that such a file system takes for the same: small letters, decomposed. Accents that stand in another order
// are not recognised. A name that is not UTF-8 is compared by its ASCII letters.
std::string folded(std::string_view name, const NameFolding& folding);

// The names of one directory on such a file system.
class FoldedNames {
 public:
  explicit FoldedNames(const NameFolding& folding) : folding_(folding) {}

  // A name that was added before and is another spelling of `name`; nullopt when there is none, and `name` is added.
  std::optional<std::string> add(std::string_view name);

 private:
  NameFolding folding_;
  TextMap<std::string> names_;
};

}  // namespace callboard::sync
