#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace callboard::sync {

// The project's own folder for what is nobody else's business: temporary files, versions, the index, the config, the key. No
// path leads into one, in whichever folder it lies: that may be a project of its own.
inline constexpr std::string_view kPrivateFolder = ".callboard";

// True for kPrivateFolder in any mix of ASCII case: a file system that ignores case would open the same
// folder.
bool is_private_name(std::string_view component);

// Ok when `component` may stand between two slashes: 1 to 255 bytes, no '/', no NUL, neither "." nor "..".
Result<void> check_component(std::string_view component);

// A place in a project folder, checked once, when it is made (docs/protocol.md, 3): components separated by
// single '/', none of them private or refused by check_component(), at most kPathMaxBytes and kPathDepthMax deep. The bytes
// are the file system's own and need not be UTF-8. Empty: the project folder itself. A value; cheap to move.
class RelativePath {
 public:
  RelativePath() = default;

  static Result<RelativePath> from_bytes(std::string_view bytes);
  // An item as people write it: "/dev/chr/Moria"; a missing leading and one trailing '/' are tolerated. "/" is the
  // project folder.
  static Result<RelativePath> from_item(std::string_view item);
  std::string to_item() const { return "/" + bytes_; }

  const std::string& bytes() const { return bytes_; }
  bool is_root() const { return bytes_.empty(); }
  int depth() const;  // Number of components; 0 for the project folder.

  // Of the project folder: itself.
  RelativePath parent() const;
  // The last component, a view into this path; empty for the project folder.
  std::string_view name() const;
  Result<RelativePath> joined(std::string_view component) const;
  // True for what lies below `ancestor` and for `ancestor` itself.
  bool is_beneath(const RelativePath& ancestor) const;

  friend auto operator<=>(const RelativePath&, const RelativePath&) = default;

 private:
  explicit RelativePath(std::string checked) : bytes_(std::move(checked)) {}

  std::string bytes_;
};

}  // namespace callboard::sync
