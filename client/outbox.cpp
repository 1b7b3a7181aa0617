#include "client/outbox.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/document/build.h"
#include "base/file_content.h"
#include "base/limits.h"
#include "base/text.h"
#include "protocol/codec.h"
#include "protocol/frame.h"
#include "sync/hash.h"

// The file: u32 magic, text16 project, then records: u8 type, u32 length, 16 bytes XXH3-128 of the payload, the payload. A kept
// write is the frame that it will travel in; a forgotten one is its operation id.
namespace callboard::client {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMagic = 0x43426f31;  // "CBo1"
constexpr std::uint8_t kKept = 1;
constexpr std::uint8_t kForgotten = 2;

Bytes header_of(const std::string& project) {
  Bytes bytes;
  ByteWriter writer(bytes);
  writer.u32(kMagic);
  writer.text16(project);
  return bytes;
}

std::optional<protocol::ClientMessage> message_in(ByteView bytes) {
  protocol::FrameReader reader(kFrameMax);
  reader.push(bytes);
  const auto frame = reader.next();
  if (!frame || !*frame) return std::nullopt;
  auto message = protocol::decode_client((*frame)->kind, (*frame)->body);
  if (!message || !operation_of(*message)) return std::nullopt;
  return std::move(*message);
}

// The names in it are on disk.
Result<void> sync_folder(const fs::path& path) {
  const Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0)
    return os_error("sync " + callboard::quoted(path.native()), errno);
  return {};
}

// Where it is not there yet, in a folder that is.
Result<void> make_folder(const fs::path& path) {
  std::error_code failed;
  const bool is_new = fs::create_directory(path, failed);
  if (failed) return os_error("make " + callboard::quoted(path.native()), failed.value());
  return is_new ? sync_folder(path.parent_path()) : Result<void>();
}

}  // namespace

UniqueId operation_of(const protocol::ClientMessage& message) {
  if (const auto* write = std::get_if<protocol::DocumentWrite>(&message)) return write->op;
  if (const auto* said = std::get_if<protocol::MessageAsk>(&message)) return said->op;
  if (const auto* change = std::get_if<protocol::RecordAsk>(&message)) return change->op;
  return {};
}

Result<std::unique_ptr<Outbox>> Outbox::open(const std::string& folder, const std::string& project) {
  const fs::path callboard = fs::path(folder) / ".callboard";
  std::error_code ignored;
  fs::create_directory(callboard, ignored);
  const fs::path path = callboard / "outbox";
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return os_error("open " + callboard::quoted(path.native()), errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return os_error("lock " + callboard::quoted(path.native()), errno);
    return Error{Outcome::locked, callboard::quoted(path.native()) + ": another program has it"};
  }
  std::unique_ptr<Outbox> outbox(new Outbox(std::move(file), callboard.native(), project));
  if (auto read = outbox->read(); !read) return read.error().prefixed(callboard::quoted(path.native()));
  return outbox;
}

Result<void> Outbox::read() {
  // Twice what may be kept: a longer one is none of ours.
  const auto bytes = read_content(file_.get(), 2 * kBytesMax);
  if (!bytes) return bytes.error();
  ByteReader reader(*bytes);
  const std::uint32_t magic = reader.u32();
  const bool is_ours = reader.failed() || magic == kMagic;
  if (!is_ours) return Error{Outcome::refused, "it is none of ours"};
  const std::string project(reader.text16());
  // Empty, or cut off while it was begun.
  if (reader.failed()) return start_anew();
  size_bytes_ = bytes->size() - reader.rest().size();
  while (!reader.rest().empty()) {
    const std::uint8_t type = reader.u8();
    const std::uint32_t length = reader.u32();
    Digest digest;
    const ByteView expected = reader.raw(digest.bytes.size());
    const ByteView payload = reader.raw(length);
    // What comes after a record that is not whole was never acknowledged.
    if (reader.failed()) break;
    std::copy(expected.begin(), expected.end(), digest.bytes.begin());
    if (sync::digest_of(payload) != digest) break;
    size_bytes_ = bytes->size() - reader.rest().size();
    ByteReader content(payload);
    if (type == kForgotten) {
      const std::uint64_t high = content.u64();
      const UniqueId operation{high, content.u64()};
      std::erase_if(waiting_, [&](const auto& each) { return operation_of(each) == operation; });
    } else if (auto message = message_in(payload)) {
      waiting_.push_back(std::move(*message));
    }
  }
  if (waiting_.empty()) return start_anew();
  if (project == project_) return {};
  return Error{Outcome::refused, "it waits for the server of " + callboard::quoted(project)};
}

Result<void> Outbox::start_anew() {
  if (::ftruncate(file_.get(), 0) != 0) return os_error("empty it", errno);
  const Bytes header = header_of(project_);
  size_bytes_ = 0;
  if (auto written = write_content(file_.get(), header); !written) return written;
  size_bytes_ = header.size();
  return {};
}

Result<void> Outbox::append(std::uint8_t type, ByteView payload) {
  // Emptied while the disk had no room for the header, without which nothing would be found again.
  if (size_bytes_ == 0) {
    if (auto begun = start_anew(); !begun) return begun.error().prefixed("outbox");
  }
  Bytes record;
  ByteWriter writer(record);
  writer.u8(type);
  writer.u32(static_cast<std::uint32_t>(payload.size()));
  writer.raw(sync::digest_of(payload).bytes);
  writer.raw(payload);
  if (auto written = write_content(file_.get(), record, size_bytes_); !written) {
    return written.error().prefixed("outbox");
  }
  size_bytes_ += record.size();
  return {};
}

Result<void> Outbox::keep(const protocol::ClientMessage& write) {
  const Bytes frame = protocol::bytes_of(protocol::encode(write));
  if (waiting_.size() >= kWritesMax || size_bytes_ + frame.size() > kBytesMax) {
    return Error{Outcome::refused, "too much waits for a server already"};
  }
  const std::uint64_t before = size_bytes_;
  auto kept = append(kKept, frame);
  if (kept && ::fdatasync(file_.get()) != 0) kept = os_error("sync the outbox", errno);
  if (!kept) {
    // The next one is written over it.
    size_bytes_ = before;
    return kept;
  }
  waiting_.push_back(write);
  return {};
}

// Not synced: one that comes back is recognised by the server.
void Outbox::forget(UniqueId operation) {
  if (std::erase_if(waiting_, [&](const auto& each) { return operation_of(each) == operation; }) == 0) return;
  if (waiting_.empty()) return static_cast<void>(start_anew());
  Bytes payload;
  ByteWriter writer(payload);
  writer.u64(operation.high);
  writer.u64(operation.low);
  static_cast<void>(append(kForgotten, payload));
}

Result<std::string> Outbox::set_aside(const protocol::ClientMessage& write, const std::string& why) const {
  const fs::path folder = fs::path(folder_) / "refused";
  if (auto made = make_folder(folder); !made) return made.error();
  const fs::path path = folder / to_text(operation_of(write));
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return os_error("make " + callboard::quoted(path.native()), errno);
  const auto frame = protocol::encode(write);
  const std::size_t head_bytes = protocol::kFrameHeadSize + (frame.attachment ? sizeof(std::uint32_t) : 0);
  std::string text = document::print(*document::make_object({{"why", document::make_text(why)}})) + '\n' +
                     frame.head->substr(head_bytes) + '\n';
  if (frame.attachment) text += *frame.attachment + '\n';
  const std::string doing = "write " + callboard::quoted(path.native());
  if (auto written = write_content(file.get(), as_bytes(text)); !written)
    return written.error().prefixed(doing);
  if (::fdatasync(file.get()) != 0) return os_error(doing, errno);
  // What is set aside is forgotten where it was.
  if (auto synced = sync_folder(folder); !synced) return synced.error();
  return path.native();
}

}  // namespace callboard::client
