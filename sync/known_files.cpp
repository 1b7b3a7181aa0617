#include "sync/known_files.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/limits.h"
#include "sync/hash.h"

// Packed: digest[16] of all that follows | u32 count | count × { text16 name | u8 kind | u16 mode | u64 size |
// i64 mtime | i64 ctime | u64 inode | digest[16] }. The device is left out: it changes with every mount.
namespace callboard::sync {
namespace {

constexpr std::size_t kChecksumSize = 16;
constexpr std::size_t kHeadSize = kChecksumSize + 4;

void write_digest(ByteWriter& writer, const Digest& digest) { writer.raw(digest.bytes); }

Digest read_digest(ByteReader& reader) {
  Digest digest;
  const ByteView bytes = reader.raw(digest.bytes.size());
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  return digest;
}

}  // namespace

bool same_known_status(const FileStatus& a, const FileStatus& b) {
  return a.kind == b.kind && a.mode == b.mode && a.size_bytes == b.size_bytes && a.mtime_ns == b.mtime_ns &&
         a.ctime_ns == b.ctime_ns && a.inode == b.inode;
}

bool is_unsettled(const FileStatus& status, std::int64_t read_at_ns) {
  const std::int64_t since = read_at_ns - kTimesSettleNs;
  return status.ctime_ns >= since ||
         (status.mtime_ns >= since && status.mtime_ns <= read_at_ns + kTimesSettleNs);
}

KnownFiles::KnownFiles(Bytes packed) : packed_(std::move(packed)) {
  ByteReader reader(packed_);
  const Digest checksum = read_digest(reader);
  const ByteView checked = reader.rest();
  const std::uint32_t count = reader.u32();
  if (reader.failed() || digest_of(checked) != checksum) return;
  size_ = count;
  position_ = kHeadSize;
}

std::optional<KnownFiles::Known> KnownFiles::next() {
  if (position_ == 0 || position_ >= packed_.size()) return std::nullopt;
  ByteReader reader(ByteView(packed_).subspan(position_));
  Known known;
  known.name = reader.text16();
  known.status.kind = static_cast<FileKind>(reader.u8());
  known.status.mode = reader.u16();
  known.status.size_bytes = reader.u64();
  known.status.mtime_ns = reader.i64();
  known.status.ctime_ns = reader.i64();
  known.status.inode = reader.u64();
  known.digest = read_digest(reader);
  position_ = reader.failed() ? packed_.size() : packed_.size() - reader.rest().size();
  if (reader.failed()) return std::nullopt;
  return known;
}

std::optional<Digest> KnownFiles::take(std::string_view name, const FileStatus& status) {
  for (;;) {
    const std::size_t before = position_;
    const auto known = next();
    if (!known) return std::nullopt;
    if (known->name < name) continue;
    if (known->name > name) {
      position_ = before;
      return std::nullopt;
    }
    return same_known_status(known->status, status) ? std::optional(known->digest) : std::nullopt;
  }
}

KnownFilesWriter::KnownFilesWriter() { packed_.resize(kHeadSize); }

void KnownFilesWriter::add(const KnownFiles::Known& known) {
  ByteWriter writer(packed_);
  writer.text16(known.name);
  writer.u8(static_cast<std::uint8_t>(known.status.kind));
  writer.u16(known.status.mode);
  writer.u64(known.status.size_bytes);
  writer.i64(known.status.mtime_ns);
  writer.i64(known.status.ctime_ns);
  writer.u64(known.status.inode);
  write_digest(writer, known.digest);
  ++size_;
}

Bytes KnownFilesWriter::finish() {
  Bytes count;
  ByteWriter(count).u32(size_);
  std::copy(count.begin(), count.end(), packed_.begin() + kChecksumSize);
  const Digest checksum = digest_of(ByteView(packed_).subspan(kChecksumSize));
  std::copy(checksum.bytes.begin(), checksum.bytes.end(), packed_.begin());
  return std::move(packed_);
}

}  // namespace callboard::sync
