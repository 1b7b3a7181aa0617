// A .blend file: whatever it is, it is read or refused in bounded memory; compressed it says the same; and
// where its links lead is a place in the project or nowhere.
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ensure.h"
#include "sync/blend_links.h"
#include "sync/library_place.h"

using namespace callboard;

namespace {

Result<std::vector<std::string>> links_in(ByteView file) {
  std::uint64_t unpacked_bytes_left = GiB;
  const auto reading = [file](std::uint64_t offset, std::span<std::byte> into) -> Result<std::size_t> {
    if (offset >= file.size()) return std::size_t{0};
    const ByteView rest = file.subspan(static_cast<std::size_t>(offset));
    const std::size_t size = std::min(rest.size(), into.size());
    std::copy_n(rest.begin(), size, into.begin());
    return size;
  };
  return sync::blend_links(reading, unpacked_bytes_left);
}

bool is_compressed(ByteView file) {
  const std::string_view text = as_text(file);
  return text.starts_with("\x28\xb5\x2f\xfd") || text.starts_with("\x1f\x8b");
}

Bytes compressed(ByteView file) {
  Bytes all;
  constexpr std::size_t kFrame = 1000;
  std::array<std::byte, ZSTD_COMPRESSBOUND(kFrame)> frame;
  while (!file.empty()) {
    const ByteView content = file.first(std::min(kFrame, file.size()));
    file = file.subspan(content.size());
    const std::size_t size = ZSTD_compress(frame.data(), frame.size(), content.data(), content.size(), 1);
    ENSURE(ZSTD_isError(size) == 0);
    all.insert(all.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView file(reinterpret_cast<const std::byte*>(data), size);
  const auto links = links_in(file);
  if (!is_compressed(file)) {
    const auto again = links_in(compressed(file));
    ENSURE(again.has_value() == links.has_value());
    ENSURE(!links || *again == *links);
  }
  if (!links) return 0;
  ENSURE(links->size() <= sync::kBlendLibrariesMax);
  const auto from = sync::RelativePath::from_bytes("rnd/s1/shot/shot.blend").value();
  const std::array<std::string, 1> folders{"/srv/moria"};
  for (const std::string& path : *links) {
    ENSURE(!path.empty() && path.size() <= kPathMaxBytes && path.find('\0') == std::string::npos);
    const auto place = sync::library_place(path, from, folders);
    if (place) ENSURE(!place->is_root() && sync::RelativePath::from_bytes(place->bytes()).value() == *place);
  }
  return 0;
}
