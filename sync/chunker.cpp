#include "sync/chunker.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "sync/extension.h"

namespace callboard::sync {
namespace {

// "callboar": the table is the first 256 outputs of splitmix64 from here, the same on both sides.
constexpr std::uint64_t kGearSeed = 0x63616c6c626f6172ULL;

constexpr std::array<std::uint64_t, 256> make_gear() {
  std::array<std::uint64_t, 256> gear{};
  std::uint64_t state = kGearSeed;
  for (std::uint64_t& each : gear) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    each = z ^ (z >> 31);
  }
  return gear;
}
constexpr std::array<std::uint64_t, 256> kGear = make_gear();

// The hash shifts left by one for each byte, so its upper bits know the last 64 bytes.
constexpr std::size_t kWindow = 64;
// A cut comes where the hash is below: once in 2^16 bytes before kChunkUsual, once in 2^12 after.
constexpr std::uint64_t kRareBelow = std::uint64_t{1} << (64 - 16);
constexpr std::uint64_t kOftenBelow = std::uint64_t{1} << (64 - 12);
static_assert(kWindow < kChunkMin && kChunkMin < kChunkUsual && kChunkUsual < kChunkMax);

// The first byte in [at, end) after which the hash is below; `end` when there is none.
inline std::size_t roll(const std::byte* bytes, std::size_t at, std::size_t end, std::uint64_t below,
                        std::uint64_t& hash) {
  std::uint64_t rolling = hash;
  for (; at < end; ++at) {
    rolling = (rolling << 1) + kGear[std::to_integer<std::size_t>(bytes[at])];
    if (rolling < below) break;
  }
  hash = rolling;
  return at;
}

// Length of the chunk that begins here; 0 when it goes on after `size` bytes.
std::size_t find_cut(const std::byte* bytes, std::size_t size) {
  if (size <= kChunkMin) return 0;
  std::uint64_t hash = 0;
  for (std::size_t i = kChunkMin - kWindow; i < kChunkMin; ++i) {
    hash = (hash << 1) + kGear[std::to_integer<std::size_t>(bytes[i])];
  }
  const std::size_t usual = std::min(size, kChunkUsual);
  std::size_t at = roll(bytes, kChunkMin, usual, kRareBelow, hash);
  if (at < usual) return at + 1;
  const std::size_t end = std::min(size, kChunkMax);
  at = roll(bytes, usual, end, kOftenBelow, hash);
  if (at < end) return at + 1;
  return size >= kChunkMax ? kChunkMax : 0;
}

}  // namespace

Chunk chunk_of(ByteView bytes) {
  return {static_cast<std::uint64_t>(bytes.size()) << 48 | XXH3_64bits(bytes.data(), bytes.size()) >> 16};
}

void Chunker::update(ByteView bytes, ChunkList& out) {
  if (!rest_.empty()) {
    // The chunk under way ends within kChunkMax of where it began.
    const std::size_t before = rest_.size();
    const ByteView more = bytes.first(std::min(bytes.size(), kChunkMax - before));
    rest_.insert(rest_.end(), more.begin(), more.end());
    const std::size_t cut = find_cut(rest_.data(), rest_.size());
    if (cut == 0) return;
    out.push_back(chunk_of(ByteView(rest_).first(cut)));
    // A piece so short that a chunk could have ended in it would have ended it when it came.
    bytes = bytes.subspan(cut - before);
    rest_.clear();
  }
  while (const std::size_t cut = find_cut(bytes.data(), bytes.size())) {
    out.push_back(chunk_of(bytes.first(cut)));
    bytes = bytes.subspan(cut);
  }
  rest_.assign(bytes.begin(), bytes.end());
}

void Chunker::finish(ChunkList& out) {
  if (!rest_.empty()) out.push_back(chunk_of(rest_));
  rest_.clear();
}

bool has_compressed_name(std::string_view name) {
  static constexpr std::array<std::string_view, 34> kCompressed = {
      "7z",  "avi", "avif", "bz2",  "dwa",  "exr",  "flac", "gif", "gz",  "heic", "jp2", "jpeg",
      "jpg", "jxl", "lz4",  "m4a",  "m4v",  "mkv",  "mov",  "mp3", "mp4", "mpg",  "ogg", "ogv",
      "png", "rar", "tgz",  "usdz", "webm", "webp", "xz",   "zip", "zst", "opus"};
  const std::string extension = lower_extension(name);
  return std::find(kCompressed.begin(), kCompressed.end(), extension) != kCompressed.end();
}

bool has_compressed_magic(ByteView begin) {
  using namespace std::string_view_literals;
  static constexpr std::array kMagics = {"\x28\xb5\x2f\xfd"sv,
                                         "\x1f\x8b"sv,
                                         "\x89PNG"sv,
                                         "\xff\xd8\xff"sv,
                                         "\x76\x2f\x31\x01"sv,
                                         "PK\x03\x04"sv,
                                         "\xfd\x37zXZ\x00"sv,
                                         "BZh"sv,
                                         "7z\xbc\xaf"sv,
                                         "\x04\x22\x4d\x18"sv,
                                         "\x1a\x45\xdf\xa3"sv,
                                         "OggS"sv,
                                         "fLaC"sv,
                                         "GIF8"sv};
  const std::string_view text = as_text(begin);
  if (text.size() >= 8 && text.substr(4, 4) == "ftyp") return true;  // mp4, mov and their kin.
  return std::any_of(kMagics.begin(), kMagics.end(),
                     [&](std::string_view magic) { return text.starts_with(magic); });
}

}  // namespace callboard::sync
