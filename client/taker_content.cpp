#include "client/taker_content.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "client/taker_writers.h"
#include "sync/chunk_list.h"

namespace callboard::client {
namespace {

// Of a hole at a time, so that a cancel is heard: hashing its zeros takes 10 ms.
constexpr std::uint64_t kSkipBytes = 256 * MiB;

}  // namespace

void TakerContent::perform(ContentStep& step) {
  if (auto* begins = std::get_if<TakerMachine::FileBegins>(&step)) {
    begin(std::move(begins->file), begins->is_sparse);
  } else if (const auto* piece = std::get_if<ContentPiece>(&step)) {
    write(piece->bytes);
  } else if (const auto* hole = std::get_if<TakerMachine::FileHole>(&step)) {
    skip(hole->size_bytes);
  } else {
    end(std::get<TakerMachine::FileEnds>(step));
  }
}

void TakerContent::begin(WantedFile file, bool is_sparse) {
  wanted_ = std::move(file);
  state_.set_current(wanted_.path);
  incoming_.reset();
  replaced_ = {};
  if (wanted_.entry.size_bytes >= sync::kDeltaFileMin)
    replaced_ = ReplacedFile(writers_.root(), wanted_.path);
  sync::Stager& stager = writers_.stager();
  const sync::Shape shape = is_sparse ? sync::Shape::sparse : sync::Shape::dense;
  Result<sync::IncomingFile> incoming = wanted_.offset > 0 ? stager.resume(wanted_.path, wanted_.entry, shape)
                                                           : stager.begin(wanted_.path, wanted_.entry, shape);
  if (incoming && incoming->offset() == wanted_.offset) {
    incoming_.emplace(std::move(*incoming));
    state_.on_content(wanted_.offset);
    begin_delta();
  } else if (!incoming && wanted_.offset == 0) {
    state_.stop_for_disk(incoming.error());
  }
  // Else: what an earlier try left is no longer there. The rest alone is of no use; another round fetches all of it.
}

void TakerContent::begin_delta() {
  delta_.reset();
  if (!wanted_.delta || wanted_.delta->plan.segments.empty()) return;
  Result<DeltaContent> delta = DeltaContent::open(writers_.root(), wanted_);
  if (delta) {
    delta_.emplace(std::move(*delta));
    copy_up_to_wanted();
  } else {
    incoming_->discard();
    incoming_.reset();
    state_.go_whole(wanted_.path);
  }
}

void TakerContent::copy_up_to_wanted() {
  const Result<std::uint64_t> copied = delta_->copy_up_to_wanted(*incoming_, state_.cancelled());
  if (copied) return state_.on_content(*copied);
  if (copied.error().outcome == Outcome::superseded) {
    incoming_->discard();
    state_.go_whole(wanted_.path);
  } else {
    state_.stop_for_disk(copied.error());
  }
  incoming_.reset();
}

void TakerContent::write(ByteView content) {
  while (delta_ && incoming_ && !content.empty()) {
    const ByteView piece = content.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(content.size(), delta_->wanted_bytes())));
    write_piece(piece);
    content = content.subspan(piece.size());
    delta_->on_written(piece.size());
    if (incoming_) copy_up_to_wanted();
  }
  if (!delta_) write_piece(content);
}

void TakerContent::write_piece(ByteView content) {
  if (!incoming_ || state_.is_cancelled()) return;
  const Result<void> written = incoming_->write(content);
  if (written) {
    state_.on_content(content.size());
    return;
  }
  state_.stop_for_disk(written.error());
  incoming_.reset();  // A later piece must not follow a gap.
}

void TakerContent::skip(std::uint64_t size_bytes) {
  while (size_bytes > 0 && incoming_ && !state_.is_cancelled()) {
    std::uint64_t piece = std::min(size_bytes, kSkipBytes);
    if (delta_) piece = std::min(piece, delta_->wanted_bytes());
    skip_piece(piece);
    size_bytes -= piece;
    if (!delta_) continue;
    delta_->on_written(piece);
    if (incoming_) copy_up_to_wanted();
  }
}

void TakerContent::skip_piece(std::uint64_t size_bytes) {
  const Result<void> skipped = incoming_->skip(size_bytes);
  if (skipped) return state_.on_content(size_bytes);
  state_.stop_for_disk(skipped.error());
  incoming_.reset();
}

void TakerContent::end(const TakerMachine::FileEnds& ends) {
  if (ends.outcome == Outcome::superseded) {
    state_.on_changed(wanted_.path, wanted_.entry, ends.text);
  } else if (ends.outcome != Outcome::done) {
    state_.add_refusal(wanted_.path, {ends.outcome, ends.text});
  } else if (incoming_ && incoming_->has_waiting_bytes()) {
    writers_.finish(std::move(wanted_), std::move(*incoming_));
    return incoming_.reset();
  } else if (incoming_) {
    writers_.on_staged(wanted_, incoming_->finish());
  } else {
    state_.on_changed(wanted_.path, wanted_.entry, "what was here of it vanished");
  }
  if (incoming_ && ends.outcome != Outcome::done) incoming_->discard();
  incoming_.reset();
  state_.settle();
}

}  // namespace callboard::client
