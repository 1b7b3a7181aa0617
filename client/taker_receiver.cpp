#include "client/taker_receiver.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.h"
#include "protocol/bulk.h"

namespace callboard::client {

namespace {

// Less room than this for the content of a large file is not worth a call.
constexpr std::size_t kContentRoomMin = 64 * KiB;
// What is received at a time: the content of a large file is hashed and written from the same place again and again, so
// that it never leaves the L2 cache.
constexpr std::size_t kPiece = 256 * KiB;
static_assert(kBulkDataMax % kPiece == 0, "see receive_content()");
static_assert(kContentRoomMin >= protocol::kFrameHeadSize, "see receive_content()");
// Of a file: starting a thread takes as long as receiving this.
constexpr std::uint64_t kHelpedFileMin = 1 * MiB;

std::size_t missing_of_frame(const std::byte* at, std::size_t available) {
  if (available < protocol::kFrameHeadSize) return protocol::kFrameHeadSize;
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) length = length << 8 | std::to_integer<std::size_t>(at[i]);
  return std::min<std::size_t>(length, kBulkFrameMax) + 4;
}

}  // namespace

TakerReceiver::TakerReceiver(net::DataSocket& socket, TakerState& state, const Bytes& already_read,
                             bool may_squeeze)
    : socket_(socket), state_(state), buffer_(first_buffers_.take()), may_squeeze_(may_squeeze) {
  // More than a frame cannot have come: the giver speaks only when asked.
  filled_ = std::min(already_read.size(), TakerBuffer::kCapacity);
  std::copy_n(already_read.begin(), filled_, buffer_->data());
}

Result<void> TakerReceiver::receive_event() {
  got_listing_ = false;
  while (true) {
    if (const Result<void> handled = handle_buffered(); !handled) return handled;
    if (got_listing_ || state_.is_stopping()) return {};
    make_room();
    const Result<bool> got = receive_some();
    if (!got) return got.error();
    if (!*got) return Error{Outcome::interrupted, "the giver left"};
  }
}

void TakerReceiver::run() {
  take_turns();
  if (helper_.joinable()) helper_.join();
  // What belongs to the writers goes before they do.
  buffer_.reset();
  discard_until_closed();
}

void TakerReceiver::take_turns() {
  Turn turn;
  while (receive(turn)) {
    turns_.write(turn.place, [&] {
      for (ContentStep& step : turn.steps) writers_->content().perform(step);
    });
    turn.steps.clear();
  }
}

// Until there is something to write; false: nothing more will be.
bool TakerReceiver::receive(Turn& turn) {
  const auto receiving = turns_.receive();
  while (!has_ended_) {
    const Result<bool> got = receive_more(turn);
    if (!got && !state_.is_over()) state_.stop(got.error());
    has_ended_ = !got || !*got;
    if (steps_.empty()) continue;
    turn.steps.swap(steps_);
    turn.place = turns_.take_place();
    return true;
  }
  return false;
}

// Handles what is there, and receives more when that left nothing to write. False: nothing more is wanted.
Result<bool> TakerReceiver::receive_more(Turn& turn) {
  if (state_.is_stopping()) return false;
  if (const Result<void> handled = handle_buffered(); !handled) {
    state_.stop(handled.error());
    return false;
  }
  if (writers_ != nullptr) writers_->wake();
  if (!steps_.empty()) return true;
  make_room();
  const bool is_content = content_left_ > 0 && position_ == filled_;
  const Result<bool> got = is_content ? receive_content(turn) : receive_some();
  if (got && !*got) return Error{Outcome::interrupted, "the giver left"};
  return got;
}

// A pull of small files alone, or one whose file is soon over, has no use for a second thread; without one it goes on, too.
void TakerReceiver::help_with(const WantedFile& file) {
  if (helper_.joinable() || file.entry.size_bytes < kHelpedFileMin) return;
  try {
    helper_ = std::thread([this] { take_turns(); });
  } catch (const std::system_error&) {
  }
}

void TakerReceiver::discard_until_closed() {
  std::vector<std::byte> scrap(64 * KiB);
  while (true) {
    const Result<std::size_t> got = socket_.read_some(scrap);
    if (!got || *got == 0) return;
  }
}

// False at the end of the stream.
Result<bool> TakerReceiver::receive_some() {
  if (buffer_ == nullptr) return Error{Outcome::interrupted, "the transfer stopped"};
  const std::size_t size_bytes = std::min(TakerBuffer::kCapacity - filled_, kPiece);
  const Result<std::size_t> got = socket_.read_some({buffer_->data() + filled_, size_bytes});
  if (!got) return got.error().prefixed("the connection to the giver broke");
  filled_ += *got;
  return *got > 0;
}

// Nothing is buffered. Frames of content come in whole pieces, so that what is written begins and ends where a page does,
// and the last one with the head that follows.
Result<bool> TakerReceiver::receive_content(Turn& turn) {
  if (buffer_ == nullptr) return Error{Outcome::interrupted, "the transfer stopped"};
  if (!turn.block) turn.block.reset(new std::byte[kPiece + protocol::kFrameHeadSize]);
  const std::size_t piece = static_cast<std::size_t>((content_left_ - 1) % kPiece + 1);
  const bool is_last = piece == content_left_;
  const Result<std::size_t> got =
      socket_.read_some({turn.block.get(), is_last ? piece + protocol::kFrameHeadSize : piece});
  if (!got) return got.error().prefixed("the connection to the giver broke");
  if (*got == 0) return false;
  const std::size_t content = std::min(*got, piece);
  steps_.emplace_back(ContentPiece{{turn.block.get(), content}, nullptr});
  content_left_ -= content;
  std::memcpy(buffer_->data() + filled_, turn.block.get() + content, *got - content);
  filled_ += *got - content;
  return true;
}

// What is left begins a frame that must fit behind it; content of large files needs no room but some.
void TakerReceiver::make_room() {
  const std::size_t left = filled_ - position_;
  const std::size_t frame = content_left_ > 0 ? 1 : missing_of_frame(buffer_->data() + position_, left);
  if (left == 0 && !is_shared_) position_ = filled_ = 0;
  if (position_ + frame <= TakerBuffer::kCapacity && TakerBuffer::kCapacity - filled_ >= kContentRoomMin)
    return;
  if (!is_shared_) {
    std::memmove(buffer_->data(), buffer_->data() + position_, left);
  } else {
    std::shared_ptr<TakerBuffer> next = writers_->buffers().take();
    if (next != nullptr) std::memcpy(next->data(), buffer_->data() + position_, left);
    buffer_ = std::move(next);
    is_shared_ = false;
  }
  position_ = 0;
  filled_ = left;
}

Result<void> TakerReceiver::handle_buffered() {
  while (position_ < filled_ && !state_.is_stopping()) {
    if (content_left_ > 0) {
      const std::size_t size_bytes =
          static_cast<std::size_t>(std::min<std::uint64_t>(content_left_, filled_ - position_));
      is_shared_ = true;
      steps_.emplace_back(ContentPiece{{buffer_->data() + position_, size_bytes}, buffer_});
      position_ += size_bytes;
      content_left_ -= size_bytes;
      continue;
    }
    is_unsqueezed_ = false;
    const Result<bool> handled = handle_frame();
    if (!handled) return handled.error().prefixed("the giver broke the rules");
    // What was unsqueezed is written before more is: there are few buffers.
    if (!*handled || (is_unsqueezed_ && !steps_.empty())) return {};
  }
  return {};
}

// False: it is not all there yet.
Result<bool> TakerReceiver::handle_frame() {
  const ByteView bytes(buffer_->data() + position_, filled_ - position_);
  if (bytes.size() < protocol::kFrameHeadSize) return false;
  const Result<protocol::FrameHead> head =
      protocol::parse_frame_head(bytes.first<protocol::kFrameHeadSize>(), kBulkFrameMax);
  if (!head) return head.error();
  if (head->kind == static_cast<std::uint8_t>(protocol::BulkKind::data)) {
    if (const Result<void> accepted = state_.on_data(head->body_size_bytes); !accepted)
      return accepted.error();
    if (head->body_size_bytes > kBulkDataMax) return Error{Outcome::refused, "data: more than 1 MiB"};
    content_left_ = head->body_size_bytes;
    position_ += protocol::kFrameHeadSize;
    return true;
  }
  if (bytes.size() - protocol::kFrameHeadSize < head->body_size_bytes) return false;
  const ByteView body = bytes.subspan(protocol::kFrameHeadSize, head->body_size_bytes);
  const Result<void> handled = head->kind == protocol::kSqueezedKind
                                   ? handle_squeezed(body)
                                   : handle_whole({head->kind, body}, buffer_);
  if (!handled) return handled.error();
  position_ += protocol::kFrameHeadSize + head->body_size_bytes;
  return true;
}

// `buffer` holds it.
Result<void> TakerReceiver::handle_whole(const protocol::FrameView& view,
                                         const std::shared_ptr<TakerBuffer>& buffer) {
  Result<protocol::GiverFrame> frame = protocol::parse_giver_frame(view.kind, view.body);
  if (!frame) return frame.error();
  Result<std::optional<TakerMachine::Event>> event = state_.on_frame(std::move(*frame));
  if (!event) return event.error();
  if (*event) {
    on_event(std::move(**event), buffer);
  } else {
    got_listing_ = true;
  }
  return {};
}

// Taken apart by the receiving thread, which then has the content of a large file in the cache it is written from; on the links
// where anything is squeezed it waits for the next bytes most of its time.
Result<void> TakerReceiver::handle_squeezed(ByteView body) {
  if (!may_squeeze_) return Error{Outcome::refused, "squeezed: it was not told that it may"};
  // What is handed over holds the buffers that this one waits for.
  if (writers_ != nullptr) writers_->wake();
  const std::shared_ptr<TakerBuffer> buffer = (writers_ ? writers_->buffers() : first_buffers_).take();
  if (buffer == nullptr) return Error{Outcome::interrupted, "the transfer stopped"};
  const Result<std::size_t> size_bytes =
      unsqueezer_.unsqueeze(body, {buffer->data(), TakerBuffer::kCapacity});
  if (!size_bytes) return size_bytes.error();
  is_unsqueezed_ = true;
  ByteView frames(buffer->data(), *size_bytes);
  while (!frames.empty() && !state_.is_stopping()) {
    const Result<protocol::FrameView> frame = protocol::take_frame(frames);
    if (!frame) return frame.error();
    if (const Result<void> handled = handle_whole(*frame, buffer); !handled) return handled;
  }
  return {};
}

void TakerReceiver::on_event(TakerMachine::Event event, const std::shared_ptr<TakerBuffer>& buffer) {
  if (auto* whole = std::get_if<TakerMachine::WholeFile>(&event)) {
    is_shared_ = is_shared_ || buffer == buffer_;
    writers_->write(std::move(*whole), buffer);
  } else if (auto* begins = std::get_if<TakerMachine::FileBegins>(&event)) {
    help_with(begins->file);
    steps_.emplace_back(std::move(*begins));
  } else if (const auto* content = std::get_if<TakerMachine::FileContent>(&event)) {
    is_shared_ = is_shared_ || buffer == buffer_;
    steps_.emplace_back(ContentPiece{content->content, buffer});
  } else if (const auto* hole = std::get_if<TakerMachine::FileHole>(&event)) {
    steps_.emplace_back(*hole);
  } else if (auto* ends = std::get_if<TakerMachine::FileEnds>(&event)) {
    steps_.emplace_back(std::move(*ends));
  } else if (const auto* none = std::get_if<TakerMachine::NoFile>(&event)) {
    on_no_file(*none);
  } else if (auto* chunks = std::get_if<TakerMachine::ChunksCome>(&event)) {
    deltas_->on_chunks(std::move(*chunks));
  } else if (const auto* failed = std::get_if<TakerMachine::GiverFailed>(&event)) {
    state_.stop(failed->error);
  }
}

void TakerReceiver::on_no_file(const TakerMachine::NoFile& none) {
  const WantedFile& wanted = none.file;
  if (none.outcome == Outcome::superseded) {
    state_.on_changed(wanted.path, wanted.entry, none.text);
  } else {
    state_.add_refusal(wanted.path, {none.outcome, none.text});
  }
  state_.settle();
}

}  // namespace callboard::client
