// A giver that says anything at all: what the taker believes is only what it asked for, names are single components, and
// what is outstanding stays bounded, squeezed or not. The input is a stream of frames, each after a byte that says what is asked before.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/ensure.h"
#include "base/limits.h"
#include "client/taker_machine.h"
#include "protocol/bulk.h"
#include "protocol/frame.h"
#include "protocol/squeezed.h"

using namespace callboard;
using namespace callboard::client;

namespace {

class AskingTaker {
 public:
  AskingTaker() { machine_.open(protocol::OpenMode::pull, {{"d", {}}, {"f", {}}}, requests_); }

  void ask(std::uint8_t what) {
    if (!opened_) return;
    requests_.clear();
    if (what % 4 == 1 && machine_.list_room() > 0)
      machine_.list({*sync::RelativePath::from_bytes("d")}, requests_);
    if (what % 16 == 12 && machine_.list_room() > 0)
      machine_.list_known(*sync::RelativePath::from_bytes("d"), {1, 2, what}, requests_);
    if (what % 4 == 2 && listed_) machine_.release(*listed_, requests_);
    if (what % 4 == 3 && listed_) want(what);
  }

  bool hear(protocol::GiverFrame frame) {
    const Result<TakerMachine::Event> event = machine_.on_frame(std::move(frame));
    if (!event) return false;
    if (std::holds_alternative<TakerMachine::OpenedItems>(*event)) opened_ = true;
    if (const auto* listed = std::get_if<TakerMachine::Listed>(&*event)) hear_listing(*listed);
    if (const auto* come = std::get_if<TakerMachine::ChunksCome>(&*event)) hear_chunks(*come);
    if (const auto* whole = std::get_if<TakerMachine::WholeFile>(&*event)) {
      ENSURE(whole->content.size() == whole->file.entry.size_bytes);
    }
    ENSURE(machine_.wanted_count() <= kWantedFilesUsed + kOffersUsed + 1 &&
           machine_.asked_count() <= kAskedDirectoriesUsed);
    return true;
  }

 private:
  void hear_listing(const TakerMachine::Listed& listed) {
    const std::string* before = nullptr;
    for (const Entry& entry : listed.entries) {
      ENSURE(sync::check_component(entry.name));
      ENSURE(before == nullptr || *before < entry.name);
      before = &entry.name;
    }
    listed_ = listed;
    next_ = 0;
  }

  // Wants the first and the last byte of what is long enough.
  void hear_chunks(const TakerMachine::ChunksCome& come) {
    if (come.state == protocol::ChunksState::more) return;
    std::vector<protocol::Range> ranges;
    const std::uint64_t size = come.file.entry.size_bytes;
    if (size > 0) ranges.push_back({0, 1});
    if (size > 2) ranges.push_back({size - 1, 1});
    machine_.want_ranges(come.file, ranges, requests_);
  }

  void want(std::uint8_t what) {
    for (int i = 0; i < what / 16 && next_ < listed_->entries.size() && machine_.has_want_room();
         ++i, ++next_) {
      const Entry& entry = listed_->entries[next_];
      const auto path = listed_->directory.joined(entry.name);
      if (!path) continue;
      if (what % 8 == 3 && machine_.has_chunks_room()) {
        machine_.want_chunks({listed_->number, static_cast<std::uint32_t>(next_), *path, entry, 0}, {what},
                             requests_);
        continue;
      }
      const std::uint64_t offset = what % 8 == 7 ? entry.size_bytes / 2 : 0;
      machine_.want({listed_->number, static_cast<std::uint32_t>(next_), *path, entry, offset}, requests_);
    }
  }

  TakerMachine machine_;
  Bytes requests_;
  bool opened_ = false;
  std::optional<TakerMachine::Listed> listed_;
  std::size_t next_ = 0;
};

bool hear_frame(AskingTaker& taker, const protocol::FrameView& view) {
  auto frame = protocol::parse_giver_frame(view.kind, view.body);
  return frame && taker.hear(std::move(*frame));
}

// What it is taken apart into stays within its room, and never has another one in it.
bool hear_squeezed(AskingTaker& taker, ByteView body) {
  static protocol::Unsqueezer unsqueezer;
  static Bytes room(kSqueezedMax + 1);
  room.back() = std::byte{0x5a};
  const auto size_bytes = unsqueezer.unsqueeze(body, std::span(room).first(kSqueezedMax));
  ENSURE(room.back() == std::byte{0x5a});
  if (!size_bytes) return false;
  ENSURE(*size_bytes >= 1 && *size_bytes <= kSqueezedMax);
  ByteView frames = ByteView(room).first(*size_bytes);
  while (!frames.empty()) {
    const auto frame = protocol::take_frame(frames);
    if (!frame || !hear_frame(taker, *frame)) return false;
    ENSURE(frame->kind != protocol::kSqueezedKind);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  AskingTaker taker;
  ByteView rest = std::as_bytes(std::span(data, size));
  while (rest.size() > 1 + protocol::kFrameHeadSize) {
    taker.ask(std::to_integer<std::uint8_t>(rest[0]));
    rest = rest.subspan(1);
    const auto head = protocol::parse_frame_head(rest.first<protocol::kFrameHeadSize>(), kBulkFrameMax);
    if (!head || head->body_size_bytes > rest.size() - protocol::kFrameHeadSize) return 0;
    const ByteView body = rest.subspan(protocol::kFrameHeadSize, head->body_size_bytes);
    rest = rest.subspan(protocol::kFrameHeadSize + head->body_size_bytes);
    const bool heard = head->kind == protocol::kSqueezedKind ? hear_squeezed(taker, body)
                                                             : hear_frame(taker, {head->kind, body});
    if (!heard) return 0;
  }
  return 0;
}
