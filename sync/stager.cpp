#include "sync/stager.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "base/text.h"

namespace callboard::sync {
namespace {

constexpr std::uint64_t kReserveMin = 1 * MiB;
constexpr std::size_t kDigestDigits = 32;
// Hashing and writing share a buffer that stays in the L2 cache.
constexpr std::uint64_t kHashBytes = 256 * KiB;
// What the kernel copies in one go: a cancelled pull stops within a fraction of a second.
constexpr std::uint64_t kKernelCopyBytes = 32 * MiB;

// What is shared at a time, for the same reason: it is hashed, too. Less than the other is not worth two calls.
constexpr std::uint64_t kSharedBytes = 64 * MiB;
constexpr std::uint64_t kShareMin = 64 * KiB;

// What is looked at for being zero, and hashed in place of a hole.
constexpr std::uint64_t kZeroBytes = 256 * KiB;

ByteView zeros() {
  static std::array<std::byte, kZeroBytes> bytes{};  // Not const: such zeros take no room in the program.
  return bytes;
}

bool is_zero(ByteView bytes) { return std::memcmp(bytes.data(), zeros().data(), bytes.size()) == 0; }

std::string key_of(const Entry& entry) {
  return to_text(entry.digest) + "-" + std::to_string(entry.size_bytes);
}

// What a staged name says: "<digest>-<size>" and, while it is staged, "-<number>".
struct ParsedName {
  std::string key;
  std::uint64_t size_bytes = 0;
};

std::optional<ParsedName> parse_name(const std::string& name) {
  const bool digest = name.size() > kDigestDigits + 1 && name[kDigestDigits] == '-' &&
                      name.find_first_not_of("0123456789abcdef") == kDigestDigits;
  if (!digest) return std::nullopt;
  const std::size_t end = std::min(name.find('-', kDigestDigits + 1), name.size());
  const std::string size = name.substr(kDigestDigits + 1, end - kDigestDigits - 1);
  // 18 digits always fit 64 bits and are more than any file system holds.
  if (size.empty() || size.size() > 18 || size.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return ParsedName{name.substr(0, end), std::stoull(size)};
}

// A next try can use it: all of a content, or enough of a large one.
bool is_useful(const ParsedName& name, const FileStatus& status) {
  if (status.kind != FileKind::file || status.size_bytes > name.size_bytes || status.size_bytes == 0)
    return false;
  return status.size_bytes == name.size_bytes || status.size_bytes >= kResumeMin;
}

// ctime, because the mtime of what is staged is the giver's.
bool is_expired(const FileStatus& status, Timestamp now) {
  return now.ms - status.ctime_ns / 1'000'000 > std::chrono::milliseconds(kKeptLife).count();
}

}  // namespace

// --- IncomingFile -----------------------------------------------------------------------------------------------------

IncomingFile::IncomingFile(Stager& stager, StagedFile file, Fd fd)
    : stager_(&stager), file_(std::move(file)), fd_(std::move(fd)) {}

IncomingFile::IncomingFile(IncomingFile&& other) noexcept
    : stager_(std::exchange(other.stager_, nullptr)),
      file_(std::move(other.file_)),
      fd_(std::move(other.fd_)),
      offset_(other.offset_),
      hasher_(std::move(other.hasher_)),
      block_(std::move(other.block_)),
      shape_(other.shape_),
      may_share_(other.may_share_),
      is_known_(other.is_known_) {}

IncomingFile::~IncomingFile() {
  if (stager_ == nullptr) return;
  const bool whole_or_large = offset_ == file_.entry.size_bytes || offset_ >= kResumeMin;
  if (!whole_or_large) {
    discard();
  } else {
    static_cast<void>(put_block(true));  // A next try goes on from what is on disk, be it less.
  }
}

void IncomingFile::discard() {
  if (stager_ == nullptr) return;
  block_.reset();
  fd_ = Fd();
  // What cannot be removed is swept when the transfer ends.
  static_cast<void>(stager_->ops_.remove_file(stager_->place(file_.name)));
  stager_ = nullptr;
}

Error IncomingFile::failure(std::string_view verb, int errno_value) const {
  return os_error(std::string(verb) + " " + quoted(file_.path.to_item()), errno_value);
}

Result<void> IncomingFile::reserve() {
  if (file_.entry.size_bytes < kReserveMin || shape_ == Shape::sparse) return {};
  const int error = stager_->ops_.reserve(fd_.get(), file_.entry.size_bytes);
  if (error != 0) return failure("reserve room for", error);
  return {};
}

Result<void> IncomingFile::hash_what_is_there() {
  std::vector<std::byte> buffer(std::min(kHashBytes, file_.entry.size_bytes + 1));
  while (true) {
    const Transferred got = stager_->ops_.read_some(fd_.get(), buffer);
    if (got.error != 0) return failure("read what is left of", got.error);
    if (got.size_bytes == 0) return {};
    hasher_.update(ByteView(buffer).first(got.size_bytes));
    offset_ += got.size_bytes;
  }
}

Result<void> IncomingFile::check_room(std::uint64_t size_bytes) const {
  ENSURE(stager_ != nullptr);
  if (size_bytes <= file_.entry.size_bytes - std::min(offset_, file_.entry.size_bytes)) return {};
  return Error{Outcome::failed, "write " + quoted(file_.path.to_item()) + ": expected " +
                                    std::to_string(file_.entry.size_bytes) + " bytes, got more"};
}

Result<void> IncomingFile::write(ByteView bytes) {
  if (Result<void> fits = check_room(bytes.size()); !fits) return fits;
  // Beyond 1 MiB a call, writing without reserved blocks is three times slower.
  const std::size_t piece_max = shape_ == Shape::sparse ? kZeroBytes : kBulkDataMax;
  while (!bytes.empty()) {
    const ByteView piece = bytes.first(std::min(bytes.size(), piece_max));
    hasher_.update(piece);
    const bool is_hole = shape_ == Shape::sparse && is_zero(piece);
    if (Result<void> done = is_hole ? put_hole(piece.size()) : put(piece); !done) return done;
    offset_ += piece.size();
    bytes = bytes.subspan(piece.size());
  }
  return {};
}

Result<void> IncomingFile::skip(std::uint64_t size_bytes) {
  if (Result<void> fits = check_room(size_bytes); !fits) return fits;
  if (Result<void> done = put_hole(size_bytes); !done) return done;
  for (std::uint64_t left = size_bytes; left > 0;) {
    const std::uint64_t piece = std::min(left, kZeroBytes);
    hasher_.update(zeros().first(piece));
    left -= piece;
  }
  offset_ += size_bytes;
  return {};
}

// What was hashed is what lies here, whoever writes to the other file meanwhile. What is gathered is written only after it is
// known that blocks can be shared: from then on all goes through the cache.
Result<std::uint64_t> IncomingFile::share(const FileOps::Range& from) {
  const std::uint64_t size_bytes = std::min(from.size_bytes, kSharedBytes) / kShareAlign * kShareAlign;
  const bool is_aligned = offset_ % kShareAlign == 0 && from.offset % kShareAlign == 0;
  if (!may_share_ || !is_aligned || size_bytes < kShareMin || shape_ == Shape::sparse)
    return std::uint64_t{0};
  if (const Result<void> fits = check_room(size_bytes); !fits) return fits.error();
  FileOps& ops = stager_->ops_;
  const int error = ops.clone_range({from.fd, from.offset, size_bytes}, fd_.get(), offset_);
  if (error == ENOSPC || error == EDQUOT) return failure("write", error);
  may_share_ = error == 0;
  if (error != 0) return std::uint64_t{0};
  if (const Result<void> written = put_block(true); !written) return written.error();
  if (const int skipped = ops.skip(fd_.get(), size_bytes)) return failure("write", skipped);
  if (const Result<void> hashed = hash_shared(size_bytes); !hashed) return hashed.error();
  return size_bytes;
}

Result<void> IncomingFile::hash_shared(std::uint64_t size_bytes) {
  std::vector<std::byte> buffer(kHashBytes);
  while (size_bytes > 0) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(size_bytes, buffer.size()));
    const ssize_t got = ::pread(fd_.get(), buffer.data(), piece, static_cast<off_t>(offset_));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failure("read", got < 0 ? errno : EIO);
    hasher_.update(ByteView(buffer).first(static_cast<std::size_t>(got)));
    offset_ += static_cast<std::uint64_t>(got);
    size_bytes -= static_cast<std::uint64_t>(got);
  }
  return {};
}

// What is gathered is written before; from here on all goes through the cache.
Result<void> IncomingFile::put_hole(std::uint64_t size_bytes) {
  if (Result<void> written = put_block(true); !written) return written;
  if (const int error = stager_->ops_.skip(fd_.get(), size_bytes)) return failure("write", error);
  return {};
}

// Only what begins at the file's start: later blocks keep its alignment.
void IncomingFile::bypass_cache() {
  ENSURE(offset_ == 0);
  if (!stager_->bypasses_cache_ || file_.entry.size_bytes < kBypassCacheMin || shape_ == Shape::sparse)
    return;
  if (stager_->ops_.bypass_cache(fd_.get(), true) != 0) return;  // Through the cache, then.
  block_ = stager_->blocks_.take();
  if (block_ == nullptr) static_cast<void>(stager_->ops_.bypass_cache(fd_.get(), false));
}

Result<void> IncomingFile::put(ByteView bytes) {
  while (block_ != nullptr && !bytes.empty()) {
    bytes = bytes.subspan(block_->append(bytes));
    if (!block_->is_full()) continue;
    if (Result<void> written = put_block(false); !written) return written;
  }
  return write_through(bytes);
}

// What cannot go past the cache goes through it, and so does what follows it. The end of a file never can: it is rarely
// aligned.
Result<void> IncomingFile::put_block(bool is_last) {
  if (block_ == nullptr) return {};
  FileOps& ops = stager_->ops_;
  Transferred put;
  if (!block_->aligned().empty()) put = ops.write_some(fd_.get(), block_->aligned());
  if (put.error != 0 && put.error != EINVAL) return failure("write", put.error);
  if (!is_last && put.size_bytes == block_->all().size()) {
    block_->clear();
    return {};
  }
  if (const int error = ops.bypass_cache(fd_.get(), false)) return failure("write", error);
  const DirectBlocks::Pointer block = std::move(block_);
  return write_through(block->all().subspan(put.size_bytes));
}

Result<void> IncomingFile::write_through(ByteView bytes) {
  while (!bytes.empty()) {
    const Transferred put = stager_->ops_.write_some(fd_.get(), bytes);
    if (put.error != 0) return failure("write", put.error);
    bytes = bytes.subspan(put.size_bytes);
  }
  return {};
}

Result<int> IncomingFile::copy_hashed(int source_fd) {
  ENSURE(stager_ != nullptr);
  std::vector<std::byte> buffer(std::min(kHashBytes, file_.entry.size_bytes + 1));
  while (true) {
    const Transferred got = stager_->ops_.read_some(source_fd, buffer);
    if (got.error != 0) return got.error;
    if (got.size_bytes == 0) return 0;
    if (!check_room(got.size_bytes)) return EFBIG;
    if (Result<void> written = write(ByteView(buffer).first(got.size_bytes)); !written)
      return written.error();
  }
}

Result<bool> IncomingFile::copy_known(int source_fd) {
  ENSURE(stager_ != nullptr && offset_ == 0);
  is_known_ = true;
  if (stager_->ops_.clone(source_fd, fd_.get()) == 0) {
    offset_ = file_.entry.size_bytes;
    return true;
  }
  if (has_holes(source_fd)) shape_ = Shape::sparse;
  if (Result<void> reserved = reserve(); !reserved) return reserved.error();
  Result<bool> copied = copy_in_kernel(source_fd);
  if (copied && !*copied) is_known_ = false;
  return copied;
}

Result<bool> IncomingFile::copy_in_kernel(int source_fd) {
  const std::uint64_t size_bytes = file_.entry.size_bytes;
  Hole hole{size_bytes, size_bytes};
  if (shape_ == Shape::sparse) hole = next_hole(source_fd, 0, size_bytes);
  while (offset_ < size_bytes) {
    if (offset_ == hole.begin) {
      if (Result<void> skipped = put_hole(hole.size_bytes()); !skipped) return skipped.error();
      offset_ = hole.end;
      hole = next_hole(source_fd, offset_, size_bytes);
      continue;
    }
    // Looking for holes moves it, too.
    if (::lseek(source_fd, static_cast<off_t>(offset_), SEEK_SET) < 0) return failure("copy", errno);
    const Transferred put = stager_->ops_.copy_some(
        source_fd, fd_.get(), static_cast<std::size_t>(std::min(hole.begin - offset_, kKernelCopyBytes)));
    if (put.error == ENOSPC || put.error == EDQUOT) return failure("write", put.error);
    // Not between these files, not on this system; or one of the two cannot be read or written, which shows then.
    if (put.error != 0) return false;
    if (put.size_bytes == 0) break;  // The source became shorter: finish() says so.
    offset_ += put.size_bytes;
  }
  return true;
}

Result<StagedFile> IncomingFile::finish() {
  ENSURE(stager_ != nullptr);
  const auto mismatch = [this](const std::string& expected, const std::string& got) {
    discard();
    return Error{Outcome::superseded,
                 "verify " + quoted(file_.path.to_item()) + ": expected " + expected + ", got " + got};
  };
  if (offset_ != file_.entry.size_bytes) {
    return mismatch(std::to_string(file_.entry.size_bytes) + " bytes", std::to_string(offset_));
  }
  if (const Digest digest = hasher_.digest(); !is_known_ && digest != file_.entry.digest) {
    return mismatch("digest " + to_text(file_.entry.digest), to_text(digest));
  }
  if (Result<void> written = put_block(true); !written) return written.error();
  if (Result<void> set = set_metadata(); !set) return set.error();
  fd_ = Fd();
  stager_ = nullptr;
  return std::move(file_);
}

// A small file mostly has its mode since it was created.
Result<void> IncomingFile::set_metadata() {
  FileOps& ops = stager_->ops_;
  if (const int error = ops.set_mtime(fd_.get(), file_.entry.mtime_ns)) return failure("set time of", error);
  Result<FileStatus> status = status_of(fd_.get());
  if (status && status->mode != (file_.entry.mode & 0777)) {
    if (const int error = ops.set_mode(fd_.get(), file_.entry.mode)) return failure("set mode of", error);
    status = status_of(fd_.get());
  }
  if (!status) return status.error().prefixed("look at " + quoted(file_.path.to_item()));
  file_.status = *status;
  return {};
}

// --- Stager -----------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Stager>> Stager::open(const Root& root, FileOps& ops, std::string_view transfer,
                                             Timestamp now) {
  if (const Result<void> checked = check_component(transfer); !checked) return checked.error();
  if (transfer == kKeptFolder) return Error{Outcome::usage, "transfer \"kept\": the name is taken"};
  std::unique_ptr<Stager> stager(new Stager(ops, std::string(transfer)));
  if (Result<void> opened = stager->open_folders(root, now); !opened) return opened.error();
  return stager;
}

bool Stager::has_files(FileOps& ops, const Root& root) {
  const Opened own = ops.open_directory({root.fd(), std::string(kPrivateFolder)});
  return own.error == 0 && TreeStore::has_files(ops, {own.fd.get(), std::string(kTmpFolder)});
}

Result<void> Stager::open_folders(const Root& root, Timestamp now) {
  Result<Fd> tmp = ops_.private_directory(root, kTmpFolder);
  if (!tmp) return tmp.error();
  tmp_fd_ = std::move(*tmp);
  const auto failure = [this](std::string_view verb, int error) {
    return os_error(fmt::format("{} \"{}/{}/{}\"", verb, kPrivateFolder, kTmpFolder, transfer_), error);
  };
  // Held until everything is in place, so that no other process sweeps a folder between its making and its locking.
  const DirectoryLock opening(tmp_fd_.get(), DirectoryLock::Wait::until_free);
  Opened kept = ops_.open_or_make_directory({tmp_fd_.get(), std::string(kKeptFolder)});
  if (kept.error != 0) return failure("prepare", kept.error);
  kept_fd_ = std::move(kept.fd);
  sweep(now);
  Opened folder = ops_.open_or_make_directory({tmp_fd_.get(), transfer_});
  if (folder.error != 0) return failure("make folder", folder.error);
  lock_.emplace(folder.fd.get(), DirectoryLock::Wait::never);
  if (lock_->is_held_elsewhere()) {
    lock_.reset();
    return Error{Outcome::locked, "transfer " + quoted(transfer_) + ": is running already"};
  }
  folder_fd_ = std::move(folder.fd);
  journal_.emplace(ops_, folder_fd_.get());
  trees_.emplace(TreeStore::Parts{.ops = ops_,
                                  .folder_fd = folder_fd_.get(),
                                  .folder = root.private_path(kTmpFolder) + "/" + transfer_,
                                  .kept_fd = kept_fd_.get()});
  trees_->find_kept(now, kKeptTreeLife);
  return {};
}

void Stager::sweep(Timestamp now) {
  for (const std::string& name : names_in(tmp_fd_.get())) {
    const Place place{tmp_fd_.get(), name};
    if (name == kKeptFolder) continue;
    Opened folder = ops_.open_directory(place);
    if (folder.error == ENOTDIR) static_cast<void>(ops_.remove_file(place));
    if (folder.error != 0) continue;
    const DirectoryLock lock(folder.fd.get(), DirectoryLock::Wait::never);
    if (!lock.is_held_elsewhere()) retire(folder.fd.get(), name);
  }
  for (const std::string& name : names_in(kept_fd_.get())) {
    if (TreeStore::is_tree_name(name) || PullJournal::is_kept_name(name)) continue;
    const Place place{kept_fd_.get(), name};
    const Inspected left = ops_.inspect(place);
    const std::optional<ParsedName> parsed = parse_name(name);
    if (left.error != 0) continue;
    if (parsed && is_useful(*parsed, left.status) && !is_expired(left.status, now)) {
      kept_[name] = left.status.size_bytes;
    } else {
      static_cast<void>(ops_.remove_file(place));
    }
  }
}

// Failures leave things where they are: the next sweep tries again.
void Stager::retire(int folder_fd, const std::string& folder) {
  for (const std::string& name : names_in(folder_fd)) keep({folder_fd, name});
  static_cast<void>(ops_.remove_directory({tmp_fd_.get(), folder}));
}

void Stager::keep(const Place& left) {
  if (TreeStore::is_tree_name(left.name)) return TreeStore::retire(ops_, left, kept_fd_.get());
  if (PullJournal::is_name(left.name)) return PullJournal::retire(ops_, left, kept_fd_.get());
  const Inspected status = ops_.inspect(left);
  if (status.error != 0) return;
  const std::optional<ParsedName> parsed = parse_name(left.name);
  if (!parsed || !is_useful(*parsed, status.status)) {
    static_cast<void>(ops_.remove_file(left));
    return;
  }
  const Place to{kept_fd_.get(), parsed->key};
  const Inspected there = ops_.inspect(to);
  if (there.error == 0 && there.status.size_bytes >= status.status.size_bytes) {
    static_cast<void>(ops_.remove_file(left));  // As much of the same content is kept already.
  } else {
    static_cast<void>(ops_.rename(left, to));
  }
}

Stager::~Stager() {
  if (folder_fd_) retire(folder_fd_.get(), transfer_);
  lock_.reset();  // Before its descriptor is closed.
}

std::optional<StagedFile> Stager::take_from_tree(const RelativePath& path, const Entry& entry) {
  StagedFile file{path, entry, staged_name(entry), {}};
  const std::optional<TreeStore::Taken> taken = trees_->take(path, entry, place(file.name));
  if (!taken) return std::nullopt;
  file.status = taken->status;
  if (taken->is_of_this_transfer) return file;
  Opened opened = ops_.open_existing(place(file.name));
  IncomingFile incoming(*this, std::move(file), std::move(opened.fd));
  const bool is_read = opened.error == 0 && incoming.hash_what_is_there();
  Result<StagedFile> staged = is_read ? incoming.finish() : Error{Outcome::failed, "not readable"};
  if (!staged) return std::nullopt;
  return *std::move(staged);
}

Room Stager::kept() const {
  Room sum{0, kept_.size()};
  for (const auto& [key, size_bytes] : kept_) sum.bytes += size_bytes;
  return sum;
}

std::string Stager::unused_name() { return std::to_string(next_number_.fetch_add(1)); }

std::string Stager::staged_name(const Entry& entry) { return key_of(entry) + "-" + unused_name(); }

Result<IncomingFile> Stager::create(const RelativePath& path, const Entry& entry, std::uint16_t mode) {
  ENSURE(entry.kind == EntryKind::file);
  StagedFile file{path, entry, staged_name(entry), {}};
  Opened created = ops_.create(place(file.name), mode);
  if (created.error != 0) return os_error("stage " + quoted(path.to_item()), created.error);
  return IncomingFile(*this, std::move(file), std::move(created.fd));
}

Result<IncomingFile> Stager::begin_copy(const RelativePath& path, const Entry& entry, Shape shape) {
  constexpr std::uint16_t kWhileItGrows = 0600;  // A later try must be able to go on.
  Result<IncomingFile> incoming = create(path, entry, kWhileItGrows);
  if (incoming) incoming->shape_ = shape;
  return incoming;
}

Result<IncomingFile> Stager::begin(const RelativePath& path, const Entry& entry, Shape shape) {
  Result<IncomingFile> incoming = begin_copy(path, entry, shape);
  if (!incoming) return incoming;
  if (Result<void> reserved = incoming->reserve(); !reserved) {
    incoming->discard();
    return reserved.error();
  }
  incoming->bypass_cache();
  return incoming;
}

Result<StagedFile> Stager::stage_whole(const RelativePath& path, const Entry& entry, ByteView content) {
  Result<IncomingFile> incoming = create(path, entry, entry.mode);
  if (!incoming) return incoming.error();
  if (Result<void> written = incoming->write(content); !written) return written.error();
  return incoming->finish();
}

std::uint64_t Stager::promise_offset(const Entry& entry) {
  if (kept_.empty()) return 0;
  const auto found = kept_.extract(key_of(entry));
  return found.empty() ? 0 : found.mapped();
}

Result<IncomingFile> Stager::claim(const RelativePath& path, const Entry& entry) {
  ENSURE(entry.kind == EntryKind::file);
  StagedFile file{path, entry, staged_name(entry), {}};
  const std::string doing = "go on with " + quoted(path.to_item());
  // Whoever renames it has it: two transfers never write to one file.
  if (const int error = ops_.rename_new({kept_fd_.get(), key_of(entry)}, place(file.name))) {
    return os_error(doing, error);
  }
  Opened opened = ops_.open_existing(place(file.name));
  if (opened.error != 0) return os_error(doing, opened.error);
  IncomingFile incoming(*this, std::move(file), std::move(opened.fd));
  if (Result<void> hashed = incoming.hash_what_is_there(); !hashed) return hashed.error();
  return incoming;
}

Result<IncomingFile> Stager::resume(const RelativePath& path, const Entry& entry, Shape shape) {
  Result<IncomingFile> incoming = claim(path, entry);
  if (!incoming) return incoming;
  incoming->shape_ = shape;
  if (Result<void> reserved = incoming->reserve(); !reserved) return reserved.error();
  return incoming;
}

Result<std::optional<StagedFile>> Stager::reuse(const RelativePath& path, const Entry& entry) {
  using Found = std::optional<StagedFile>;
  if (entry.size_bytes == 0 || kept_.empty()) return Found();
  const auto found = kept_.find(key_of(entry));
  if (found == kept_.end() || found->second != entry.size_bytes) return Found();
  kept_.erase(found);
  Result<IncomingFile> incoming = claim(path, entry);
  // Taken by another transfer, unreadable or not what its name says: it is fetched, then.
  if (!incoming) return Found();
  Result<StagedFile> staged = incoming->finish();
  if (!staged) return Found();
  return Found(*std::move(staged));
}

}  // namespace callboard::sync
