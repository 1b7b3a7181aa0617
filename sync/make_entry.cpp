#include "sync/make_entry.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "sync/diff.h"
#include "sync/extension.h"
#include "sync/hash.h"

namespace callboard::sync {
namespace {

// What Blender renders into.
constexpr std::array<std::string_view, 20> kFrameExtensions{"avi",  "bmp", "cin", "dpx", "exr",  "hdr", "jp2",
                                                            "jpeg", "jpg", "mkv", "mov", "mp4",  "mpg", "ogv",
                                                            "png",  "rgb", "tga", "tif", "tiff", "webp"};

Result<std::string> link_target(int directory_fd, const std::string& name) {
  char target[kPathMaxBytes + 1];
  const ssize_t size = ::readlinkat(directory_fd, name.c_str(), target, sizeof target);
  if (size < 0) return os_error("cannot be read", errno);
  return std::string(target, static_cast<std::size_t>(size));
}

}  // namespace

void refuse(Entry& entry, std::string reason) {
  entry = Entry{EntryKind::refused, 0, 0, 0, {}, std::move(entry.name), std::move(reason)};
}

Entry file_entry(std::string name, const FileStatus& status) {
  return Entry{EntryKind::file, status.mode, status.size_bytes, status.mtime_ns, {}, std::move(name), {}};
}

Entry link_entry(const RelativePath& directory, int directory_fd, std::string name) {
  Entry entry;
  entry.kind = EntryKind::symlink;
  entry.name = std::move(name);
  const auto target = link_target(directory_fd, entry.name);
  if (!target) {
    refuse(entry, target.error().text);
  } else if (!symlink_stays_inside(directory, *target) || target->size() > kPathMaxBytes) {
    refuse(entry, "a link that leaves the project folder: " + quoted(*target));
  } else {
    entry.size_bytes = target->size();
    entry.digest = digest_of(as_bytes(*target));
    entry.target = *target;
  }
  return entry;
}

std::string unreadable(const RelativePath& directory, const Error& why) {
  const std::string named = "open folder " + quoted(directory.to_item()) + ": ";
  std::string_view cause = why.text;
  if (cause.starts_with(named)) cause.remove_prefix(named.size());
  return "cannot be read: " + std::string(cause);
}

bool is_placeholder(std::string_view name, const FileStatus& status) {
  if (status.size_bytes != 0 || status.kind != FileKind::file) return false;
  return std::find(kFrameExtensions.begin(), kFrameExtensions.end(), lower_extension(name)) !=
         kFrameExtensions.end();
}

std::string unaddressable(const RelativePath& directory, const std::string& name) {
  const bool fits = directory.bytes().size() + 1 + name.size() <= kPathMaxBytes &&
                    directory.depth() < static_cast<int>(kPathDepthMax);
  if (fits) return {};
  const auto path = directory.joined(name);
  return path ? std::string() : path.error().text;
}

}  // namespace callboard::sync
