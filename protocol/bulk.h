#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/entry.h"
#include "base/error.h"
#include "base/result.h"
#include "protocol/bulk_chunks.h"

// The frames between giver and taker: docs/protocol.md, section 3.1. Paths are bytes as they came; whether
// one may be touched is decided by sync::RelativePath.
namespace callboard::protocol {

inline constexpr std::uint8_t kBulkVersion = 2;
inline constexpr std::uint8_t kBulkHashXxh3 = 1;

enum class BulkKind : std::uint8_t {
  open = 16,
  list = 17,
  want = 18,
  want_from = 19,
  finished = 20,
  want_chunks = 21,
  want_ranges = 22,
  list_known = 23,
  opened = 32,
  listing = 33,
  file = 34,
  data = 35,
  file_end = 36,
  failed = 37,
  chunks = 38,
  hole = 39,
};

// --- Taker to giver --------------------------------------------------------------------------------------------
enum class OpenMode : std::uint8_t { look = 0, pull = 1 };
struct OpenItem {
  std::string path;
  Digest digest;
};
// Version and hash are kBulkVersion and kBulkHashXxh3; parsing refuses others.
struct Open {
  OpenMode mode = OpenMode::pull;
  std::vector<OpenItem> items;  // At most 65,535.
};
struct List {
  std::vector<std::string> directories;
};
// One directory of which the taker has these buckets of entries.
struct ListKnown {
  std::string directory;
  std::vector<std::uint64_t> buckets;
};
struct WantRange {
  std::uint32_t listing = 0;
  std::uint32_t first_entry = 0;
  std::uint32_t entry_count = 0;
};
struct Want {
  std::vector<WantRange> ranges;
};
struct WantFrom {
  std::uint32_t listing = 0;
  std::uint32_t entry = 0;
  std::uint64_t offset = 0;
};
struct Finished {
  Outcome outcome = Outcome::done;
  std::string text;
};
using TakerFrame = std::variant<Open, List, Want, WantFrom, Finished, WantChunks, WantRanges, ListKnown>;

// --- Giver to taker --------------------------------------------------------------------------------------------
struct OpenedItem {
  Outcome outcome = Outcome::done;
  Entry entry;  // Its name is empty.
  std::uint64_t files_below = 0;
  std::uint64_t bytes_below = 0;
  std::string text;
};
struct Opened {
  bool ok = true;
  std::vector<OpenedItem> items;
};
struct Listing {
  std::uint32_t number = 0;
  std::string directory;
  bool more = false;
  Outcome outcome = Outcome::done;
  std::vector<Entry> entries;
  std::vector<std::uint64_t> same = {};  // Buckets that the taker has: their entries are left out.
};
struct File {
  std::uint32_t listing = 0;
  std::uint32_t entry = 0;
  Outcome outcome = Outcome::done;
  bool whole = true;
  std::uint64_t size_bytes = 0;
  std::uint64_t offset = 0;
  ByteView content;     // Points into the body that was parsed. With another outcome a text that says why.
  bool sparse = false;  // Not whole, and holes may come among its pieces.
};
struct Data {
  ByteView content;  // Points into the body that was parsed.
};
struct FileEnd {
  Outcome outcome = Outcome::done;
  std::string text;
};
struct Failed {
  Outcome outcome = Outcome::failed;
  std::string text;
};
using GiverFrame = std::variant<Opened, Listing, File, Data, FileEnd, Failed, Chunks, Hole>;

// Append the whole frame, head included; a frame above kBulkFrameMax is a bug (ENSURE): split before, by the
// sizes below. Texts are cut at kBulkTextMax.
void encode(const TakerFrame& frame, Bytes& out);
void encode(const GiverFrame& frame, Bytes& out);
inline constexpr std::size_t kBulkTextMax = 1024;

// Everything of a `file` or `data` frame but the content, of which exactly that many bytes must be written
// after it; `content` itself is not looked at.
void encode_file_head(const File& file, std::uint64_t content_size_bytes, Bytes& out);
void encode_data_head(std::uint64_t content_size_bytes, Bytes& out);

// Bytes an element takes in its frame, and of all that stands before the first one (frame head included).
std::size_t encoded_size(const OpenItem& item);
std::size_t encoded_size(const OpenedItem& item);
std::size_t encoded_size(const Entry& entry);
inline std::size_t encoded_size(const std::string& directory) { return 2 + directory.size(); }
inline constexpr std::size_t kWantRangeSize = 12;
inline std::size_t listing_head_size(const std::string& directory) {
  return 5 + 4 + 2 + directory.size() + 1 + 1 + 4 + 4;
}

// Counts are believed only as far as bytes follow; anything left over is an error. Errors read
// "listing: entry 12: …". For a frame head that announces `file`, the first kFileHeadSize bytes of the body
// may be parsed alone and the content read straight to where it belongs.
Result<TakerFrame> parse_taker_frame(std::uint8_t kind, ByteView body);
Result<GiverFrame> parse_giver_frame(std::uint8_t kind, ByteView body);
inline constexpr std::size_t kFileHeadSize = 4 + 4 + 1 + 1 + 8 + 8;

}  // namespace callboard::protocol
