// Any bytes as a path or an item: refused, or a path for which all the promises hold.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ensure.h"
#include "base/limits.h"
#include "sync/diff.h"
#include "sync/relative_path.h"

using callboard::sync::RelativePath;

namespace {

void check_path(const RelativePath& path) {
  const std::string_view bytes = path.bytes();
  ENSURE(bytes.size() <= callboard::kPathMaxBytes);
  ENSURE(bytes.find('\0') == std::string_view::npos);
  ENSURE(path.depth() <= static_cast<int>(callboard::kPathDepthMax));
  ENSURE(!bytes.starts_with('/') && !bytes.ends_with('/'));
  ENSURE(RelativePath::from_bytes(bytes).value() == path);
  ENSURE(RelativePath::from_item(path.to_item()).value() == path);
  if (path.is_root()) return;
  ENSURE(path.name() != "." && path.name() != ".." && !path.name().empty());
  ENSURE(path.name().size() <= callboard::kPathComponentMaxBytes);
  ENSURE(path.parent().joined(path.name()).value() == path);
  ENSURE(path.is_beneath(path.parent()) && !path.parent().is_beneath(path));
  ENSURE(path.parent().depth() + 1 == path.depth());
  check_path(path.parent());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto path = RelativePath::from_bytes(text)) check_path(*path);
  if (auto path = RelativePath::from_item(text)) check_path(*path);

  // The same bytes as a link's target: what stays inside never climbs above the project folder.
  const RelativePath directory = RelativePath::from_bytes("a/b").value();
  if (callboard::sync::symlink_stays_inside(directory, text)) {
    ENSURE(!text.starts_with('/') && !(std::string(text) + '/').starts_with("../../../"));
  }
  return 0;
}
