// A taker that says anything at all: whatever frames come, what the giver remembers stays bounded, every piece of work is
// a checked path, and nothing is given that was not listed. The input is a stream of frames; before each one a byte says
// how much of the work is done first.
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "base/ensure.h"
#include "base/limits.h"
#include "client/giver_machine.h"
#include "protocol/bulk.h"
#include "protocol/frame.h"

using namespace callboard;
using namespace callboard::client;

namespace {

std::vector<Entry> entries_of_a_directory() {
  std::vector<Entry> entries(3);
  entries[0].name = "a";
  entries[0].size_bytes = 3;
  entries[1].name = "b";
  entries[1].kind = EntryKind::directory;
  entries[2].name = "c";
  return entries;
}

void list(GiverMachine& machine, const sync::RelativePath& path, bool more) {
  static const std::vector<Entry> entries = entries_of_a_directory();
  machine.on_listed(path, entries, 300 * KiB, more);
}

void work(GiverMachine& machine, std::uint8_t steps) {
  sync::RelativePath last;
  for (std::uint8_t i = 0; i < steps; ++i) {
    const auto work = machine.next();
    if (!work) return;
    if (const auto* open = std::get_if<GiverMachine::OpenItems>(&*work)) {
      ENSURE(open->items.size() <= kItemsPerPullMax);
      std::vector<protocol::OpenedItem> items(open->items.size());
      for (std::size_t item = 0; item < items.size(); ++item) {
        if (item % 2 == 0) items[item].entry.kind = EntryKind::directory;
        if (!open->items[item].path) items[item].outcome = Outcome::refused;
      }
      machine.on_opened(items);
    } else if (const auto* directory = std::get_if<GiverMachine::ListDirectory>(&*work)) {
      last = directory->path ? *directory->path : sync::RelativePath();
      list(machine, last, i % 3 == 0);
    } else if (std::holds_alternative<GiverMachine::ContinueListing>(*work)) {
      list(machine, last, i % 3 == 0);
    } else if (const auto* file = std::get_if<GiverMachine::GiveFile>(&*work)) {
      ENSURE(sync::RelativePath::from_bytes(file->path.bytes()));
      ENSURE(file->offset <= file->size_bytes);
    } else if (const auto* chunks = std::get_if<GiverMachine::GiveChunks>(&*work)) {
      ENSURE(sync::RelativePath::from_bytes(chunks->file.path.bytes()));
      if (i % 3 == 1 && machine.is_offered(chunks->file)) machine.withdraw(chunks->file);
    } else if (const auto* ranges = std::get_if<GiverMachine::GiveRanges>(&*work)) {
      ENSURE(sync::RelativePath::from_bytes(ranges->file.path.bytes()));
      std::uint64_t end = 0;
      for (const protocol::Range& range : ranges->ranges) {
        ENSURE(range.offset >= end && range.size_bytes > 0);
        end = range.offset + range.size_bytes;
      }
      ENSURE(end <= ranges->file.size_bytes);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  GiverMachine machine;
  ByteView rest = std::as_bytes(std::span(data, size));
  while (rest.size() > 1 + protocol::kFrameHeadSize) {
    const auto steps = std::to_integer<std::uint8_t>(rest[0]);
    rest = rest.subspan(1);
    const auto head = protocol::parse_frame_head(rest.first<protocol::kFrameHeadSize>(), kBulkFrameMax);
    if (!head || head->body_size_bytes > rest.size() - protocol::kFrameHeadSize) return 0;
    const auto frame = protocol::parse_taker_frame(
        head->kind, rest.subspan(protocol::kFrameHeadSize, head->body_size_bytes));
    rest = rest.subspan(protocol::kFrameHeadSize + head->body_size_bytes);
    if (!frame) return 0;
    work(machine, steps);
    if (!machine.on_frame(*frame)) return 0;
  }
  work(machine, 255);
  return 0;
}
