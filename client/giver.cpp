#include "client/giver.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/ensure.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/text.h"
#include "client/delta_giver.h"
#include "client/giver_content.h"
#include "client/giver_machine.h"
#include "client/giver_outlet.h"
#include "client/giver_pack.h"
#include "protocol/bulk.h"
#include "protocol/frame.h"
#include "sync/file_status.h"

namespace callboard::client {

namespace {

// What the errors of all items may say together in `opened`, in equal parts, so that kItemsPerPullMax of them fit one frame.
constexpr std::size_t kItemTextMin = 64;
constexpr std::size_t kItemTextsMax = kItemsPerPullMax * kItemTextMin;
// How much a taker that broke the rules may still send before it reads why.
constexpr std::uint64_t kDrainMax = 16 * MiB;

constexpr std::string_view kChanged = "it changed since it was listed";
constexpr std::string_view kGone = "it is gone since it was listed";

std::size_t item_text_max(std::size_t items) {
  return std::clamp(kItemTextsMax / std::max<std::size_t>(items, 1), kItemTextMin, protocol::kBulkTextMax);
}

protocol::OpenedItem failed_item(const Error& error, std::size_t text_max) {
  protocol::OpenedItem failed;
  failed.outcome = error.outcome;
  failed.entry.kind = EntryKind::refused;
  failed.text = cut(error.text, text_max);
  return failed;
}

protocol::File head_of(const GiverMachine::GiveFile& file) {
  protocol::File head;
  head.listing = file.listing;
  head.entry = file.entry;
  head.size_bytes = file.size_bytes;
  head.offset = file.offset;
  return head;
}

}  // namespace

class Giver::Impl {
 public:
  Impl(Parts parts, Bytes already_read)
      : parts_(std::move(parts)),
        already_read_(std::move(already_read)),
        outlet_(parts_.socket, parts_.compress, system_clock()),
        pack_(outlet_),
        contents_({pack_, outlet_, over_, content_bytes_, parts_.while_reading}),
        deltas_(pack_, parts_.folder) {}

  GiveReport run();
  void cancel();
  std::uint64_t sent_bytes() const { return content_bytes_.load(std::memory_order_relaxed); }

 private:
  // The reading thread.
  void receive();
  Result<void> receive_frames(protocol::FrameReader& reader);
  void stop(Error why);

  // The answering thread.
  Result<void> answer();
  Result<std::optional<GiverMachine::Work>> take_work();
  Result<void> perform(const GiverMachine::OpenItems& open);
  Result<void> perform(const GiverMachine::ListDirectory& list);
  Result<void> perform(const GiverMachine::ContinueListing&);
  Result<void> perform(const GiverMachine::GiveFile& file);
  Result<void> perform(const GiverMachine::RefuseFile& file);
  Result<void> perform(const GiverMachine::GiveChunks& what);
  Result<void> perform(const GiverMachine::GiveRanges& what);
  bool is_offered(const GiverMachine::GiveFile& file);
  bool withdraw(const GiverMachine::GiveFile& file);
  protocol::OpenedItem opened_item(const GiverMachine::Item& item, std::size_t text_max);
  std::shared_ptr<const sync::Listing> listing_of(const GiverMachine::ListDirectory& list) const;
  Result<void> send_listing(protocol::Listing frame, const sync::RelativePath& directory);
  Result<Fd> open(const sync::RelativePath& path);
  Result<void> give_small(const GiverMachine::GiveFile& file, int fd);
  Result<void> give_large(const GiverMachine::GiveFile& file, int fd);
  Result<void> answer_without(const GiverMachine::GiveFile& file, Outcome outcome, std::string_view text);
  bool is_as_listed(const GiverMachine::GiveFile& file, int fd) const;
  GiveReport ended(const Result<void>& answered);
  void tell_failure(const Error& error);

  Parts parts_;
  Bytes already_read_;
  GiverOutlet outlet_;
  GiverPack pack_;
  GiverContent contents_;
  DeltaGiver deltas_;
  std::atomic<std::uint64_t> content_bytes_{0};
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> over_{false};  // The taker finished or left: whatever is under way is for nobody.
  std::uint64_t files_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  GiverMachine machine_;        // Under mutex_, like the next.
  std::optional<Error> error_;  // Of the reading side.

  std::vector<std::shared_ptr<const sync::Tree>> trees_;
  sync::Tree::Reader reader_ = sync::Tree::Reader::puller;
  std::shared_ptr<const sync::Listing> listing_;  // The one under way …
  std::string listing_bytes_;                     // … as it was asked for …
  std::size_t listed_ = 0;                        // … and how many of its entries went out.
  std::optional<sync::RelativePath> open_directory_;
  Fd directory_fd_;
};

// --- The reading thread -----------------------------------------------------------------------------------------------

void Giver::Impl::stop(Error why) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(why);
  over_ = true;
  changed_.notify_all();
}

Result<void> Giver::Impl::receive_frames(protocol::FrameReader& reader) {
  while (true) {
    const Result<std::optional<protocol::FrameView>> next = reader.next();
    if (!next) return Error{Outcome::refused, "the taker: " + next.error().text};
    if (!next->has_value()) return {};
    Result<protocol::TakerFrame> frame = protocol::parse_taker_frame((*next)->kind, (*next)->body);
    if (!frame) return Error{Outcome::refused, "the taker: " + frame.error().text};
    const std::lock_guard lock(mutex_);
    const Result<void> accepted = machine_.on_frame(*frame);
    if (!accepted) return accepted.error();
    changed_.notify_all();
    if (machine_.finished()) return {};
  }
}

void Giver::Impl::receive() {
  protocol::FrameReader reader(kBulkFrameMax);
  std::vector<std::byte> buffer(64 * KiB);
  reader.push(already_read_);
  while (true) {
    const Result<void> handled = receive_frames(reader);
    if (!handled) return stop(handled.error());
    {
      const std::lock_guard lock(mutex_);
      over_ = machine_.finished().has_value();
    }
    if (over_) return;
    const Result<std::size_t> got = parts_.socket.read_some(buffer);
    if (!got)
      return stop(Error{Outcome::interrupted, "the connection to the taker broke: " + got.error().text});
    if (*got == 0) return stop(Error{Outcome::interrupted, "the taker left"});
    reader.push(ByteView(buffer).first(*got));
  }
}

// --- The answering thread ---------------------------------------------------------------------------------------------

GiveReport Giver::Impl::run() {
  std::thread reader([this] { receive(); });
  const Result<void> answered = answer();
  if (!answered && answered.error().outcome != Outcome::interrupted && !cancelled_)
    tell_failure(answered.error());
  static_cast<void>(parts_.socket.finish_writing());  // The taker may be gone; nothing more is owed to it.
  if (!answered) parts_.socket.interrupt();
  reader.join();
  return ended(answered);
}

void Giver::Impl::cancel() {
  cancelled_ = true;
  parts_.socket.interrupt();
  stop(Error{Outcome::cancelled, "cancelled here"});
}

GiveReport Giver::Impl::ended(const Result<void>& answered) {
  GiveReport report{.files = files_, .bytes = sent_bytes()};
  report.wire_bytes = parts_.socket.sent_bytes() + parts_.socket.received_bytes();
  const std::lock_guard lock(mutex_);
  if (cancelled_) {
    report.outcome = Outcome::cancelled;
  } else if (machine_.finished()) {
    report.outcome = machine_.finished()->outcome;
    report.text = escaped(machine_.finished()->text, protocol::kBulkTextMax);
  } else {
    ENSURE(!answered);
    report.outcome = answered.error().outcome;
    report.text = answered.error().text;
  }
  return report;
}

// The taker learns why, if it still reads: closing with its bytes unread would take the words away from it.
void Giver::Impl::tell_failure(const Error& error) {
  Bytes frame;
  protocol::encode(protocol::GiverFrame(protocol::Failed{error.outcome, error.text}), frame);
  if (!parts_.socket.write(frame)) return;
  if (!parts_.socket.finish_writing() || !parts_.socket.set_silence_limit(1s)) return;
  std::vector<std::byte> buffer(64 * KiB);
  for (std::uint64_t drained = 0; drained < kDrainMax;) {
    const Result<std::size_t> got = parts_.socket.read_some(buffer);
    if (!got || *got == 0) return;
    drained += *got;
  }
}

Result<std::optional<GiverMachine::Work>> Giver::Impl::take_work() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (machine_.finished()) return std::optional<GiverMachine::Work>();
    if (error_) return *error_;
    if (std::optional<GiverMachine::Work> work = machine_.next()) return work;
    if (!pack_.empty()) {
      lock.unlock();
      const Result<void> sent = pack_.flush();
      if (!sent) return sent.error();
      lock.lock();
      continue;
    }
    changed_.wait(lock);
  }
}

Result<void> Giver::Impl::answer() {
  while (true) {
    const Result<std::optional<GiverMachine::Work>> work = take_work();
    if (!work) return work.error();
    if (!work->has_value()) return {};
    const Result<void> done = std::visit([this](const auto& one) { return perform(one); }, **work);
    if (done) continue;
    const std::lock_guard lock(mutex_);
    if (machine_.finished()) return {};  // The taker said its word and closed while it was being answered.
    return done;
  }
}

Result<void> Giver::Impl::perform(const GiverMachine::OpenItems& open) {
  protocol::Opened frame;
  trees_.clear();
  listing_.reset();
  open_directory_.reset();
  reader_ = open.mode == protocol::OpenMode::pull ? sync::Tree::Reader::puller : sync::Tree::Reader::any;
  const std::size_t text_max = item_text_max(open.items.size());
  std::uint64_t size_bytes = 0;
  for (const GiverMachine::Item& item : open.items) {
    protocol::OpenedItem opened = opened_item(item, text_max);
    if (cancelled_) return Error{Outcome::cancelled, "cancelled here"};
    size_bytes += protocol::encoded_size(opened);
    if (size_bytes > kBulkDataMax - kItemsPerPullMax * 128) {
      opened = failed_item({Outcome::failed, "too many items at once"}, kItemTextMin);
    }
    frame.items.push_back(std::move(opened));
  }
  {
    const std::lock_guard lock(mutex_);
    machine_.on_opened(frame.items);
  }
  return pack_.add(protocol::GiverFrame(std::move(frame)));
}

protocol::OpenedItem Giver::Impl::opened_item(const GiverMachine::Item& item, std::size_t text_max) {
  if (!item.path) return failed_item(item.path.error(), text_max);
  Result<std::shared_ptr<const sync::Tree>> tree = parts_.folder.snapshot(*item.path, over_);
  if (!tree) return failed_item(tree.error(), text_max);
  protocol::OpenedItem opened;
  opened.entry = (*tree)->top();
  opened.files_below = (*tree)->files();
  opened.bytes_below = (*tree)->bytes();
  opened.entry.name.clear();
  if (reader_ == sync::Tree::Reader::puller && (*tree)->is_partial()) opened.entry.digest = {};
  if (!opened.entry.digest || opened.entry.digest != item.digest) trees_.push_back(std::move(*tree));
  return opened;
}

std::shared_ptr<const sync::Listing> Giver::Impl::listing_of(const GiverMachine::ListDirectory& list) const {
  for (const std::shared_ptr<const sync::Tree>& tree : trees_) {
    if (!list.path->is_beneath(tree->path())) continue;
    if (std::shared_ptr<const sync::Listing> listing = tree->listing_of(*list.path, list.known, reader_))
      return listing;
  }
  return nullptr;
}

Result<void> Giver::Impl::perform(const GiverMachine::ListDirectory& list) {
  protocol::Listing frame;
  frame.directory = list.bytes;
  if (!list.path) {
    frame.outcome = list.path.error().outcome;
    return send_listing(std::move(frame), {});
  }
  listing_ = listing_of(list);
  if (listing_ == nullptr) {
    frame.outcome = Outcome::not_found;
    return send_listing(std::move(frame), *list.path);
  }
  listing_bytes_ = list.bytes;
  listed_ = 0;
  return perform(GiverMachine::ContinueListing{});
}

Result<void> Giver::Impl::perform(const GiverMachine::ContinueListing&) {
  ENSURE(listing_ != nullptr);
  protocol::Listing frame;
  frame.directory = listing_bytes_;
  const std::vector<Entry>& entries = listing_->entries;
  std::size_t size_bytes = protocol::listing_head_size(listing_bytes_);
  if (listed_ == 0) frame.same = listing_->same;
  std::size_t end = listed_;
  while (end < entries.size() && size_bytes < kListingPartBytes)
    size_bytes += protocol::encoded_size(entries[end++]);
  frame.more = end < entries.size();
  frame.entries.assign(entries.begin() + static_cast<std::ptrdiff_t>(listed_),
                       entries.begin() + static_cast<std::ptrdiff_t>(end));
  listed_ = end;
  const std::shared_ptr<const sync::Listing> keep = listing_;
  if (!frame.more) listing_.reset();
  return send_listing(std::move(frame), keep->directory);
}

Result<void> Giver::Impl::send_listing(protocol::Listing frame, const sync::RelativePath& directory) {
  std::uint64_t size_bytes =
      protocol::listing_head_size(frame.directory) + frame.same.size() * protocol::kChunkSize;
  for (const Entry& entry : frame.entries) size_bytes += protocol::encoded_size(entry);
  {
    const std::lock_guard lock(mutex_);
    frame.number = machine_.next_listing();
    machine_.on_listed(directory, frame.entries, size_bytes, frame.more);
  }
  return pack_.add(protocol::GiverFrame(std::move(frame)));
}

// Through the directory that was opened last where it is the same: one look-up instead of one for each component.
Result<Fd> Giver::Impl::open(const sync::RelativePath& path) {
  sync::RelativePath parent = path.parent();
  if (!open_directory_ || *open_directory_ != parent) {
    Result<Fd> directory = parts_.root.open_directory(parent);
    if (!directory) return directory.error();
    directory_fd_ = std::move(*directory);
    open_directory_ = std::move(parent);
  }
  const std::string name(path.name());
  Fd fd(
      ::openat(directory_fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  // The taker says of which file.
  if (!fd) return os_error("open", errno);
  return fd;
}

Result<void> Giver::Impl::perform(const GiverMachine::GiveFile& file) {
  const Result<Fd> fd = open(file.path);
  if (!fd) {
    // A link or a directory took the name: gone as a file, and the next listing tells what it is now.
    const bool vanished = fd.error().outcome == Outcome::not_found;
    return vanished ? answer_without(file, Outcome::superseded, kGone)
                    : answer_without(file, fd.error().outcome, fd.error().text);
  }
  if (file.size_bytes <= kSmallFileMax && file.offset == 0) return give_small(file, fd->get());
  return give_large(file, fd->get());
}

Result<void> Giver::Impl::perform(const GiverMachine::RefuseFile& file) {
  return answer_without({.listing = file.listing, .entry = file.entry, .path = {}}, Outcome::refused,
                        file.text);
}

Result<void> Giver::Impl::answer_without(const GiverMachine::GiveFile& file, Outcome outcome,
                                         std::string_view text) {
  return pack_.add(
      protocol::GiverFrame(protocol::File{.listing = file.listing,
                                          .entry = file.entry,
                                          .outcome = outcome,
                                          .content = as_bytes(cut(text, protocol::kBulkTextMax))}));
}

bool Giver::Impl::is_as_listed(const GiverMachine::GiveFile& file, int fd) const {
  const Result<sync::FileStatus> status = sync::status_of(fd);
  return status && status->kind == sync::FileKind::file && status->size_bytes == file.size_bytes &&
         status->mtime_ns == file.mtime_ns;
}

Result<void> Giver::Impl::give_small(const GiverMachine::GiveFile& file, int fd) {
  const Result<void> room = pack_.make_room(file.size_bytes);
  if (!room) return room;
  pack_.begin_file(head_of(file));
  const int error = pack_.read_content(fd, file.size_bytes);
  if (parts_.while_reading) parts_.while_reading(file.path);
  if (error == 0 && is_as_listed(file, fd)) {
    pack_.end_file(outlet_.squeezes() && is_compressed_format(file.path, pack_.content()));
    files_ += 1;
    content_bytes_ += file.size_bytes;
    return {};
  }
  pack_.abandon_file();
  if (error > 0) {
    const Error why = os_error("read", error);
    return answer_without(file, why.outcome, why.text);
  }
  return answer_without(file, Outcome::superseded, kChanged);
}

Result<void> Giver::Impl::give_large(const GiverMachine::GiveFile& file, int fd) {
  if (!is_as_listed(file, fd)) return answer_without(file, Outcome::superseded, kChanged);
  const Result<void> begun = contents_.begin(head_of(file), fd);
  if (!begun) return begun;
  const Result<bool> whole = contents_.send(file, fd);
  if (!whole) return whole.error();
  protocol::FileEnd end;
  if (!*whole || !is_as_listed(file, fd)) end = {Outcome::superseded, std::string(kChanged)};
  if (end.outcome == Outcome::done) files_ += 1;
  return pack_.add(protocol::GiverFrame(std::move(end)));
}

bool Giver::Impl::is_offered(const GiverMachine::GiveFile& file) {
  const std::lock_guard lock(mutex_);
  return machine_.is_offered(file) && !over_;
}

// False: the taker has said already what it wants of it.
bool Giver::Impl::withdraw(const GiverMachine::GiveFile& file) {
  const std::lock_guard lock(mutex_);
  if (!machine_.is_offered(file)) return false;
  machine_.withdraw(file);
  return true;
}

Result<void> Giver::Impl::perform(const GiverMachine::GiveChunks& what) {
  const Result<Fd> fd = open(what.file.path);
  if (fd && is_as_listed(what.file, fd->get()) && deltas_.suits(what.file, fd->get())) {
    return deltas_.list(what, fd->get(), [&] { return is_offered(what.file); });
  }
  return withdraw(what.file) ? perform(what.file) : deltas_.cut_short(what.file);
}

Result<void> Giver::Impl::perform(const GiverMachine::GiveRanges& what) {
  const Result<Fd> fd = open(what.file.path);
  if (!fd || !is_as_listed(what.file, fd->get()))
    return answer_without(what.file, Outcome::superseded, kChanged);
  protocol::File head = head_of(what.file);
  head.offset = what.ranges.empty() ? 0 : what.ranges.front().offset;
  const Result<void> begun = contents_.begin(std::move(head), fd->get());
  if (!begun) return begun;
  Result<bool> whole = true;
  for (const protocol::Range& range : what.ranges) {
    whole = contents_.send_range(what.file, range, fd->get());
    if (!whole) return whole.error();
    if (!*whole) break;
  }
  protocol::FileEnd end;
  if (!*whole || !is_as_listed(what.file, fd->get())) end = {Outcome::superseded, std::string(kChanged)};
  if (end.outcome == Outcome::done) files_ += 1;
  return pack_.add(protocol::GiverFrame(std::move(end)));
}

// --- The door ---------------------------------------------------------------------------------------------------------

Giver::Giver(Parts parts, Bytes already_read)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(already_read))) {}
Giver::~Giver() = default;
GiveReport Giver::run() { return impl_->run(); }
void Giver::cancel() { impl_->cancel(); }
std::uint64_t Giver::sent_bytes() const { return impl_->sent_bytes(); }

}  // namespace callboard::client
