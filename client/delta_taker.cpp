#include "client/delta_taker.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/limits.h"
#include "client/read_at.h"
#include "sync/index.h"

namespace callboard::client {
namespace {

constexpr std::size_t kReadBytes = 256 * KiB;
// How much of a file tells whether chunks are worth while: little where it is changed all over, else more. And how far
// contents may have moved in it.
constexpr std::array<std::uint64_t, 2> kProbeBytes{12 * MiB, 48 * MiB};
constexpr std::uint64_t kMovedBytes = 16 * MiB;

double seconds_between(Instant from, Instant to) { return std::chrono::duration<double>(to - from).count(); }

}  // namespace

struct DeltaTaker::Current {
  WantedFile file;
  sync::DeltaPlanner planner{sync::ChunkList()};
  sync::ChunkList chunks;  // Of the new version, as far as they came.
  std::uint64_t chunks_bytes = 0;
  // While the older version is being cut.
  Fd older;
  std::uint64_t older_size_bytes = 0;
  std::uint64_t older_chunked = 0;
  sync::Chunker chunker;

  bool is_wanted =
      false;  // All that is wanted of it was said; what comes of the list is of use for the index alone.
  std::size_t probes = 0;  // Made.
  LinkRate link_rate;
};

DeltaTaker::DeltaTaker(const TakerParts& parts, TakerState& state)
    : parts_(parts),
      state_(state),
      started_(parts.clock.monotonic()),
      queue_(kOffersUsed * (sync::kChunksMax / kChunksAtOnce + 1), 1) {}

DeltaTaker::~DeltaTaker() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

Result<bool> DeltaTaker::want(const WantedFile& file, const Digest& older) {
  const std::uint64_t size_bytes = file.entry.size_bytes;
  if (!older || size_bytes - file.offset < sync::kDeltaFileMin || size_bytes > sync::kDeltaFileMax)
    return false;
  if (sync::has_compressed_name(file.path.name())) return false;
  sync::Index* index = parts_.folder.index();
  if (state_.goes_whole(file.path)) {
    // One of the lists was wrong. They are made anew when they are needed.
    if (index != nullptr) static_cast<void>(index->forget_chunks(older));
    return false;
  }
  const Result<sync::FileStatus> status = parts_.root.status(file.path);
  if (!status || status->kind != sync::FileKind::file || status->size_bytes < sync::kDeltaFileMin ||
      status->size_bytes > sync::kDeltaFileMax)
    return false;
  std::vector<std::uint64_t> groups;
  WantedFile asked = file;
  asked.older = older;
  if (index != nullptr) {
    if (auto kept = sync::kept_chunks(*index, older, status->size_bytes)) {
      for (const sync::ChunkGroup& group : sync::groups_of(*kept)) groups.push_back(group.name.packed);
      asked.older_chunks = std::make_shared<const sync::ChunkList>(*std::move(kept));
    }
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  if (const Result<void> wanted = state_.want_chunks(std::move(asked), groups); !wanted)
    return wanted.error();
  return true;
}

void DeltaTaker::on_chunks(TakerMachine::ChunksCome come) {
  queue_.push({std::move(come), parts_.clock.monotonic(), parts_.socket.received_bytes()});
}

void DeltaTaker::run() {
  while (std::optional<Arrived> arrived = queue_.pop()) {
    if (!state_.is_stopping()) take(*std::move(arrived));
  }
}

void DeltaTaker::take(Arrived arrived) {
  if (!current_) current_ = begin(arrived);
  Current& current = *current_;
  const protocol::ChunksState state = arrived.come.state;
  // What still comes after all was wanted is of no use.
  if (!current.is_wanted) add(current, arrived);
  if (state_.is_stopping()) return;
  if (state == protocol::ChunksState::more) {
    if (!current.is_wanted && is_hopeless(current)) want_whole(current);
    return;
  }
  if (!current.is_wanted) decide(current, state);
  current_.reset();
}

void DeltaTaker::add(Current& current, const Arrived& arrived) {
  current.link_rate.on_part(arrived.come.is_kept, seconds_between(started_, arrived.when),
                            arrived.received_bytes);
  const std::size_t before = current.chunks.size();
  if (!current.planner.open(arrived.come.chunks, current.chunks)) {
    state_.stop(Error{Outcome::refused, "the giver broke the rules: it names chunks that are not here"});
    return;
  }
  for (std::size_t i = before; i < current.chunks.size(); ++i) {
    current.chunks_bytes += current.chunks[i].size_bytes();
  }
}

std::unique_ptr<DeltaTaker::Current> DeltaTaker::begin(const Arrived& arrived) const {
  auto current = std::make_unique<Current>();
  current->file = arrived.come.file;
  if (current->file.older_chunks) {
    current->planner.add_old(*current->file.older_chunks);
    static_cast<void>(current->planner.group_names());
    current->file.older_chunks.reset();
    return current;
  }
  Result<Fd> older = parts_.root.open_file(current->file.path);
  if (!older) return current;  // Vanished: all of it is wanted.
  const Result<sync::FileStatus> status = sync::status_of(older->get());
  if (!status) return current;
  current->older_size_bytes = status->size_bytes;
  current->older = *std::move(older);
  return current;
}

// Cuts the older version on to `end`.
void DeltaTaker::chunk_older(Current& current, std::uint64_t end) const {
  end = std::min(end, current.older_size_bytes);
  if (!current.older || current.older_chunked >= end) return;
  std::vector<std::byte> block(kReadBytes);
  sync::ChunkList more;
  while (current.older_chunked < end && !state_.is_stopping()) {
    const std::size_t got = read_at(current.older.get(), block, current.older_chunked);
    current.chunker.update(ByteView(block).first(got), more);
    current.older_chunked = got == 0 ? current.older_size_bytes : current.older_chunked + got;
  }
  if (current.older_chunked == current.older_size_bytes) current.chunker.finish(more);
  current.planner.add_old(more);
}

// As if the rest were like what lies before it. Each probe once, when enough of the list has come.
bool DeltaTaker::is_hopeless(Current& current) const {
  while (current.probes < kProbeBytes.size() && current.chunks_bytes >= kProbeBytes[current.probes]) {
    const bool is_last = current.probes + 1 == kProbeBytes.size();
    sync::ChunkList begin;
    std::uint64_t begin_bytes = 0;
    for (auto chunk = current.chunks.begin(); begin_bytes < kProbeBytes[current.probes]; ++chunk) {
      begin.push_back(*chunk);
      begin_bytes += chunk->size_bytes();
    }
    ++current.probes;
    chunk_older(current, begin_bytes + kMovedBytes);
    const sync::DeltaPlan plan = current.planner.plan(begin);
    const bool is_telling = is_changed_all_over(plan);
    if (!is_telling && !is_last) continue;
    DeltaCosts probe = costs(current, plan);
    const double times = static_cast<double>(probe.size_bytes) / static_cast<double>(begin_bytes);
    const bool has_too_many = is_telling && static_cast<double>(probe.ranges) * times > kRangesUsed;
    probe.size_bytes = begin_bytes;
    probe.to_chunk_bytes = std::min(probe.to_chunk_bytes, begin_bytes);
    if (current.older_chunked == current.older_size_bytes) probe.to_chunk_bytes = 0;
    if (!delta_pays(probe) || (has_too_many && is_last)) return true;
    if (!has_too_many) current.probes = kProbeBytes.size();
  }
  return false;
}

DeltaCosts DeltaTaker::costs(const Current& current, const sync::DeltaPlan& plan) const {
  DeltaCosts costs;
  costs.size_bytes = current.file.entry.size_bytes - current.file.offset;
  costs.wanted_bytes = plan.wanted_bytes;
  costs.ranges = plan.segments.size() / 2;
  costs.to_chunk_bytes = current.older_size_bytes - current.older_chunked;
  costs.link_rate = current.link_rate.bytes_a_second();
  return costs;
}

void DeltaTaker::decide(Current& current, protocol::ChunksState state) {
  const std::uint64_t size_bytes = current.file.entry.size_bytes;
  if (state != protocol::ChunksState::complete || current.chunks_bytes != size_bytes) {
    current.chunks.clear();
    return want_whole(current);
  }
  // Before the rest of the older version is read: would it pay if all were in it?
  DeltaCosts best = costs(current, sync::DeltaPlan{});
  best.wanted_bytes = 0;
  if (!delta_pays(best)) return want_whole(current);
  chunk_older(current, current.older_size_bytes);
  if (state_.is_stopping()) return;
  sync::DeltaPlan plan = sync::clipped(current.planner.plan(current.chunks), current.file.offset);
  if (delta_pays(costs(current, plan))) return want_plan(current, std::move(plan));
  want_whole(current);
}

void DeltaTaker::want_plan(Current& current, sync::DeltaPlan plan) {
  std::vector<protocol::Range> ranges;
  std::uint64_t offset = current.file.offset;
  for (const sync::DeltaSegment& segment : plan.segments) {
    if (!segment.old_offset) ranges.push_back({offset, segment.size_bytes});
    offset += segment.size_bytes;
  }
  if (ranges.size() > kRangesUsed) return want_whole(current);
  auto delta = std::make_shared<Delta>();
  delta->plan = std::move(plan);
  delta->chunks = std::move(current.chunks);
  current.file.delta = std::move(delta);
  current.is_wanted = true;
  // An error has stopped the state already.
  static_cast<void>(state_.want_ranges(current.file, ranges));
}

void DeltaTaker::want_whole(Current& current) {
  if (current.chunks_bytes == current.file.entry.size_bytes && !current.chunks.empty()) {
    auto delta = std::make_shared<Delta>();
    delta->chunks = std::move(current.chunks);
    current.file.delta = std::move(delta);
  }
  current.is_wanted = true;
  const std::uint64_t size_bytes = current.file.entry.size_bytes;
  static_cast<void>(
      state_.want_ranges(current.file, {{current.file.offset, size_bytes - current.file.offset}}));
}

}  // namespace callboard::client
