#include "client/taker_machine.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::client {

namespace {

Error against_the_rules(std::string text) { return Error{Outcome::refused, std::move(text)}; }

}  // namespace

void TakerMachine::open(protocol::OpenMode mode, const std::vector<protocol::OpenItem>& items, Bytes& out) {
  ENSURE(is_idle() && ranges_.ranges.empty());
  protocol::encode(protocol::TakerFrame(protocol::Open{.mode = mode, .items = items}), out);
  is_opening_ = true;
  item_count_ = items.size();
  next_listing_ = 1;
  listed_bytes_ = 0;
  listed_files_ = 0;
  listed_others_ = 0;
}

void TakerMachine::list(const std::vector<sync::RelativePath>& directories, Bytes& out) {
  ENSURE(directories.size() <= list_room());
  protocol::List frame;
  std::size_t size_bytes = 0;
  for (const sync::RelativePath& directory : directories) {
    size_bytes += protocol::encoded_size(directory.bytes());
    if (size_bytes > kBulkDataMax) {
      protocol::encode(protocol::TakerFrame(std::exchange(frame, {})), out);
      size_bytes = protocol::encoded_size(directory.bytes());
    }
    frame.directories.push_back(directory.bytes());
    asked_.push_back({directory});
  }
  if (!frame.directories.empty()) protocol::encode(protocol::TakerFrame(frame), out);
}

void TakerMachine::list_known(const sync::RelativePath& directory, std::vector<std::uint64_t> buckets,
                              Bytes& out) {
  ENSURE(asked_.size() < kAskedDirectoriesUsed && buckets.size() <= kBucketsNamedUsed);
  protocol::ListKnown frame{directory.bytes(), std::move(buckets)};
  protocol::encode(protocol::TakerFrame(frame), out);
  std::sort(frame.buckets.begin(), frame.buckets.end());
  buckets_named_ += frame.buckets.size();
  asked_.push_back({directory, std::move(frame.buckets)});
}

void TakerMachine::want(WantedFile file, Bytes& out) {
  ENSURE(has_want_room());
  if (file.offset > 0) {
    flush_wants(out);
    protocol::encode(protocol::TakerFrame(protocol::WantFrom{
                         .listing = file.listing, .entry = file.entry_index, .offset = file.offset}),
                     out);
  } else if (!ranges_.ranges.empty() && ranges_.ranges.back().listing == file.listing &&
             ranges_.ranges.back().first_entry + ranges_.ranges.back().entry_count == file.entry_index) {
    ranges_.ranges.back().entry_count += 1;
  } else {
    ranges_.ranges.push_back({.listing = file.listing, .first_entry = file.entry_index, .entry_count = 1});
  }
  const std::uint64_t missing = file.entry.size_bytes - file.offset;
  const std::uint64_t begin = file.offset;
  wanted_.push_back({std::move(file), Wanted::What::content, begin, missing});
}

void TakerMachine::want_chunks(WantedFile file, const std::vector<std::uint64_t>& groups, Bytes& out) {
  ENSURE(has_want_room() && has_chunks_room());
  flush_wants(out);
  protocol::encode(
      protocol::TakerFrame(protocol::WantChunks{
          .listing = file.listing, .entry = file.entry_index, .offset = file.offset, .groups = groups}),
      out);
  offers_.emplace(file.listing, file.entry_index);
  const std::uint64_t missing = file.entry.size_bytes - file.offset;
  const std::uint64_t begin = file.offset;
  wanted_.push_back({std::move(file), Wanted::What::chunks, begin, missing});
}

void TakerMachine::want_ranges(WantedFile file, const std::vector<protocol::Range>& ranges, Bytes& out) {
  const bool was_offered = offers_.erase({file.listing, file.entry_index}) > 0;
  ENSURE(was_offered && ranges.size() <= kRangesUsed);
  flush_wants(out);
  protocol::encode(protocol::TakerFrame(protocol::WantRanges{
                       .listing = file.listing, .entry = file.entry_index, .ranges = ranges}),
                   out);
  Wanted wanted{std::move(file), Wanted::What::ranges, ranges.empty() ? 0 : ranges.front().offset, 0};
  for (const protocol::Range& range : ranges) wanted.size_bytes += range.size_bytes;
  wanted_.push_back(std::move(wanted));
}

void TakerMachine::flush_wants(Bytes& out) {
  if (ranges_.ranges.empty()) return;
  static_assert(kWantedFilesUsed * protocol::kWantRangeSize < kBulkDataMax);
  protocol::encode(protocol::TakerFrame(ranges_), out);
  ranges_.ranges.clear();
}

void TakerMachine::release(const Listed& listing, Bytes& out) {
  flush_wants(out);
  protocol::encode(protocol::TakerFrame(protocol::Want{{{.listing = listing.number + 1}}}), out);
  listed_bytes_ -= std::min(listed_bytes_, listing.size_bytes);
}

void TakerMachine::finish(Outcome outcome, const std::string& text, Bytes& out) {
  if (std::exchange(is_finished_, true)) return;
  protocol::encode(protocol::TakerFrame(protocol::Finished{.outcome = outcome, .text = text}), out);
}

Result<TakerMachine::Event> TakerMachine::on_frame(protocol::GiverFrame frame) {
  if (const auto* failed = std::get_if<protocol::Failed>(&frame)) {
    const Outcome outcome = failed->outcome == Outcome::done ? Outcome::failed : failed->outcome;
    return Event(GiverFailed{{outcome, "the giver: " + escaped(failed->text)}});
  }
  if (auto* opened = std::get_if<protocol::Opened>(&frame)) return on_opened(*opened);
  if (is_opening_) return against_the_rules("expected opened, got another frame");
  if (const auto* data = std::get_if<protocol::Data>(&frame)) {
    const Result<void> accepted = on_data(data->content.size());
    if (!accepted) return accepted.error();
    return Event(FileContent{data->content});
  }
  if (const auto* hole = std::get_if<protocol::Hole>(&frame)) return on_hole(*hole);
  if (const auto* end = std::get_if<protocol::FileEnd>(&frame)) return on_file_end(*end);
  if (receiving_) return against_the_rules("a file is not at its end when something else begins");
  if (const auto* file = std::get_if<protocol::File>(&frame)) return on_file(*file);
  if (auto* chunks = std::get_if<protocol::Chunks>(&frame)) return on_chunks(*chunks);
  return on_listing(std::get<protocol::Listing>(frame));
}

Result<TakerMachine::Event> TakerMachine::on_opened(protocol::Opened& frame) {
  if (!is_opening_) return against_the_rules("opened comes without open");
  if (frame.items.size() != item_count_) {
    return against_the_rules(
        fmt::format("opened has {} items, expected {}", frame.items.size(), item_count_));
  }
  for (const protocol::OpenedItem& item : frame.items) {
    if (!item.entry.name.empty()) return against_the_rules("an opened item has a name");
  }
  is_opening_ = false;
  announced_files_ = 0;
  for (const protocol::OpenedItem& item : frame.items) {
    announced_files_ += std::min(item.files_below, kAnnouncedFilesMax);
  }
  return Event(OpenedItems{std::move(frame.items)});
}

Result<TakerMachine::Event> TakerMachine::on_listing(protocol::Listing& frame) {
  if (asked_.empty()) return against_the_rules(fmt::format("listing {} was not asked for", frame.number));
  if (frame.number != next_listing_) {
    return against_the_rules(fmt::format("listing {} comes instead of {}", frame.number, next_listing_));
  }
  if (frame.directory != asked_.front().directory.bytes()) {
    return against_the_rules(fmt::format("the listing of {} comes instead of that of {}",
                                         quoted(frame.directory), quoted(asked_.front().directory.bytes())));
  }
  if (frame.outcome != Outcome::done && (frame.more || !frame.entries.empty())) {
    return against_the_rules(fmt::format("the listing of {} fails and goes on", quoted(frame.directory)));
  }
  if (const Result<void> checked = check_same(asked_.front(), frame); !checked) return checked.error();
  if (frame.more && frame.entries.empty()) {
    return against_the_rules(fmt::format("a part of the listing of {} is empty", quoted(frame.directory)));
  }
  const Result<void> checked = check_entries(asked_.front().directory, frame.entries);
  if (!checked) return checked.error();
  const Result<void> counted = count_entries(frame.entries);
  if (!counted) return counted.error();

  Listed listed{.number = frame.number,
                .directory = asked_.front().directory,
                .more = frame.more,
                .outcome = frame.outcome};
  listed.size_bytes = protocol::listing_head_size(frame.directory) + frame.same.size() * protocol::kChunkSize;
  for (const Entry& entry : frame.entries) listed.size_bytes += protocol::encoded_size(entry);
  listed_bytes_ += listed.size_bytes;
  if (listed_bytes_ > kListedBytesMax + kBulkFrameMax) {
    return against_the_rules("the giver lists faster than it was told to");
  }
  last_name_ = frame.more ? frame.entries.back().name : std::string();
  listed.entries = std::move(frame.entries);
  listed.same = std::move(frame.same);
  next_listing_ += 1;
  if (!frame.more) {
    buckets_named_ -= asked_.front().known.size();
    asked_.pop_front();
  }
  return Event(std::move(listed));
}

// Only what was named may be left out, and it is said before anything is listed.
Result<void> TakerMachine::check_same(const Asked& asked, const protocol::Listing& frame) const {
  const bool is_first = last_name_.empty();
  const bool all_named = std::all_of(frame.same.begin(), frame.same.end(), [&](std::uint64_t bucket) {
    return std::binary_search(asked.known.begin(), asked.known.end(), bucket);
  });
  if (frame.same.empty() ||
      (is_first && all_named && frame.same.size() <= asked.known.size() && frame.outcome == Outcome::done))
    return {};
  return against_the_rules(
      fmt::format("the listing of {} leaves out what was not named", quoted(asked.directory.bytes())));
}

// A listing without end would never be over.
Result<void> TakerMachine::count_entries(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) (entry.kind == EntryKind::file ? listed_files_ : listed_others_) += 1;
  if (listed_files_ > announced_files_ * 2 + kListedFilesSlack || listed_others_ > kListedOthersMax) {
    return against_the_rules(
        fmt::format("the giver announced {} files and lists {} so far", announced_files_, listed_files_));
  }
  return {};
}

Result<void> TakerMachine::check_entries(const sync::RelativePath& directory,
                                         const std::vector<Entry>& entries) {
  const std::string* before = &last_name_;
  for (const Entry& entry : entries) {
    const Result<void> checked = sync::check_component(entry.name);
    if (!checked)
      return checked.error().prefixed(fmt::format("the listing of {}", quoted(directory.bytes())));
    if (entry.name <= *before) {
      return against_the_rules(fmt::format("the listing of {} is not in ascending order at {}",
                                           quoted(directory.bytes()), quoted(entry.name)));
    }
    before = &entry.name;
  }
  return {};
}

Result<TakerMachine::Wanted*> TakerMachine::expected(std::uint32_t listing, std::uint32_t entry) {
  if (wanted_.empty()) return against_the_rules("a file comes that was not asked for");
  const WantedFile& file = wanted_.front().file;
  if (listing == file.listing && entry == file.entry_index) return &wanted_.front();
  return against_the_rules(fmt::format("entry {} of listing {} comes instead of entry {} of listing {}",
                                       entry, listing, file.entry_index, file.listing));
}

Result<TakerMachine::Event> TakerMachine::on_file(const protocol::File& frame) {
  const Result<Wanted*> found = expected(frame.listing, frame.entry);
  if (!found) return found.error();
  Wanted& wanted = **found;
  WantedFile& file = wanted.file;
  const std::string name = quoted(file.path.bytes());
  if (chunks_come_ > 0)
    return against_the_rules(fmt::format("the list of chunks of {} is not at its end", name));
  if (frame.outcome != Outcome::done) {
    NoFile none{
        .file = std::move(file), .outcome = frame.outcome, .text = escaped(as_text(frame.content), 1024)};
    settle_wanted();
    return Event(std::move(none));
  }
  if (frame.size_bytes != file.entry.size_bytes || frame.offset != wanted.begin) {
    return against_the_rules(
        fmt::format("{} was listed with {} bytes and comes with {} from {}, expected from {}", name,
                    file.entry.size_bytes, frame.size_bytes, frame.offset, wanted.begin));
  }
  if (frame.whole && (frame.content.size() != wanted.size_bytes || frame.offset != 0)) {
    return against_the_rules(fmt::format("{} comes whole with {} bytes, expected {}", name,
                                         frame.content.size(), wanted.size_bytes));
  }
  if (!frame.whole && !frame.content.empty()) {
    return against_the_rules(fmt::format("{} comes in pieces and has content in its head", name));
  }
  WantedFile begun = std::move(file);
  const std::uint64_t missing = wanted.size_bytes;
  settle_wanted();
  if (frame.whole) return Event(WholeFile{.file = std::move(begun), .content = frame.content});
  receiving_ = true;
  is_sparse_ = frame.sparse;
  missing_bytes_ = missing;
  return Event(FileBegins{.file = std::move(begun), .is_sparse = frame.sparse});
}

// The first wanted file is answered for good.
void TakerMachine::settle_wanted() {
  const Wanted& wanted = wanted_.front();
  if (wanted.what == Wanted::What::chunks) offers_.erase({wanted.file.listing, wanted.file.entry_index});
  wanted_.pop_front();
}

Result<TakerMachine::Event> TakerMachine::on_chunks(protocol::Chunks& frame) {
  const Result<Wanted*> found = expected(frame.listing, frame.entry);
  if (!found) return found.error();
  Wanted& wanted = **found;
  if (wanted.what != Wanted::What::chunks) return against_the_rules("chunks come that were not asked for");
  const bool goes_on = frame.state == protocol::ChunksState::more;
  if (goes_on && frame.chunks.empty()) return against_the_rules("a part of a list of chunks is empty");
  chunks_come_ += frame.chunks.size();
  if (chunks_come_ > sync::kChunksMax) return against_the_rules("a list of chunks has no end");
  ChunksCome come{
      .file = wanted.file, .state = frame.state, .is_kept = frame.kept, .chunks = std::move(frame.chunks)};
  if (!goes_on) {
    wanted_.pop_front();
    chunks_come_ = 0;
  }
  return Event(std::move(come));
}

Result<void> TakerMachine::on_data(std::uint64_t content_size_bytes) {
  if (!receiving_) return against_the_rules("content comes without a file");
  if (content_size_bytes == 0) return against_the_rules("an empty piece of content");
  if (content_size_bytes > missing_bytes_) return against_the_rules("more content comes than was announced");
  missing_bytes_ -= content_size_bytes;
  return {};
}

// A hole counts as the content it stands for.
Result<TakerMachine::Event> TakerMachine::on_hole(const protocol::Hole& frame) {
  if (receiving_ && !is_sparse_) return against_the_rules("a hole comes in a file that has none");
  if (const Result<void> accepted = on_data(frame.size_bytes); !accepted) return accepted.error();
  return Event(FileHole{frame.size_bytes});
}

Result<TakerMachine::Event> TakerMachine::on_file_end(const protocol::FileEnd& frame) {
  if (!receiving_) return against_the_rules("the end of a file comes without its beginning");
  if (frame.outcome == Outcome::done && missing_bytes_ > 0) {
    return against_the_rules(fmt::format("a file ends {} bytes too early", missing_bytes_));
  }
  receiving_ = false;
  return Event(FileEnds{.outcome = frame.outcome, .text = escaped(frame.text, 1024)});
}

}  // namespace callboard::client
