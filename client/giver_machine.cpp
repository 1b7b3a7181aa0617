#include "client/giver_machine.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/ensure.h"

namespace callboard::client {

namespace {

Error against_givers_rules(std::string text) { return Error{Outcome::refused, std::move(text)}; }

std::uint64_t asked_weight(const std::string& directory, const std::vector<std::uint64_t>& known) {
  return directory.size() + kAskedPathWeight + known.size() * sizeof(std::uint64_t);
}

}  // namespace

Result<void> GiverMachine::on_frame(const protocol::TakerFrame& frame) {
  if (step_ == Step::finished) return against_givers_rules("the taker goes on after finished");
  if (const auto* finished = std::get_if<protocol::Finished>(&frame)) {
    finished_ = *finished;
    step_ = Step::finished;
    return {};
  }
  if (const auto* open = std::get_if<protocol::Open>(&frame)) return on_open(*open);
  if (step_ != Step::serving) return against_givers_rules("the taker asks before its items are opened");
  if (const auto* known = std::get_if<protocol::ListKnown>(&frame))
    return on_list(known->directory, known->buckets);
  if (const auto* list = std::get_if<protocol::List>(&frame)) {
    for (const std::string& directory : list->directories) {
      if (const Result<void> accepted = on_list(directory, {}); !accepted) return accepted;
    }
    return {};
  }
  if (const auto* from = std::get_if<protocol::WantFrom>(&frame)) {
    return on_range({.listing = from->listing, .entry = from->entry, .count = 1, .offset = from->offset});
  }
  if (const auto* chunks = std::get_if<protocol::WantChunks>(&frame)) return on_want_chunks(*chunks);
  if (const auto* ranges = std::get_if<protocol::WantRanges>(&frame)) return on_want_ranges(*ranges);
  for (const protocol::WantRange& range : std::get<protocol::Want>(frame).ranges) {
    const Result<void> accepted =
        on_range({.listing = range.listing, .entry = range.first_entry, .count = range.entry_count});
    if (!accepted) return accepted;
  }
  return {};
}

Result<void> GiverMachine::on_open(const protocol::Open& frame) {
  if (step_ != Step::awaiting_open && !is_idle()) {
    return against_givers_rules("the taker opens again before everything is answered");
  }
  if (frame.items.size() > kItemsPerPullMax) {
    return against_givers_rules(fmt::format("the taker opens more than {} items", kItemsPerPullMax));
  }
  open_ = {.mode = frame.mode};
  for (const protocol::OpenItem& item : frame.items) {
    open_.items.push_back({sync::RelativePath::from_bytes(item.path), item.digest});
  }
  kept_.clear();
  kept_bytes_ = 0;
  items_.clear();
  offers_.clear();
  next_listing_ = 1;
  wanted_from_listing_ = 0;
  step_ = Step::opening;
  opening_taken_ = false;
  return {};
}

Result<void> GiverMachine::on_list(const std::string& directory, const std::vector<std::uint64_t>& known) {
  asked_bytes_ += asked_weight(directory, known);
  if (asked_bytes_ > kAskedBytesMax)
    return against_givers_rules("the taker asks for too many listings at once");
  asked_.push_back({directory, sync::RelativePath::from_bytes(directory), known});
  return {};
}

Result<void> GiverMachine::on_range(const Wanted& range) {
  if (range.listing < wanted_from_listing_) {
    return against_givers_rules(
        fmt::format("the taker wants of listing {} after listing {}", range.listing, wanted_from_listing_));
  }
  if (range.count == 0 && range.listing <= next_listing_) {
    wanted_from_listing_ = range.listing;
    forget_listings();
    return {};
  }
  if (open_.mode == protocol::OpenMode::look)
    return against_givers_rules("the taker wants content but only looks");
  const std::optional<std::size_t> entries = entry_count(range.listing);
  if (!entries || range.entry >= *entries || range.count > *entries - range.entry) {
    return against_givers_rules(
        fmt::format("the taker wants entry {} (and {} more) of listing {}, which was not listed", range.entry,
                    range.count == 0 ? 0 : range.count - 1, range.listing));
  }
  if (range.count > kWantedFilesMax - wanted_files_) {
    return against_givers_rules(fmt::format("the taker wants more than {} files at once", kWantedFilesMax));
  }
  wanted_from_listing_ = range.listing;
  wanted_files_ += range.count;
  wanted_.push_back(range);
  forget_listings();
  return {};
}

Result<void> GiverMachine::on_want_chunks(const protocol::WantChunks& frame) {
  if (offers_.size() >= kOffersMax || frame.groups.size() > kGroupsMax - groups_) {
    return against_givers_rules("the taker asks for the chunks of too many files at once");
  }
  if (offers_.contains({frame.listing, frame.entry})) {
    return against_givers_rules("the taker asks for the chunks of a file twice");
  }
  const Result<void> accepted =
      on_range({.listing = frame.listing, .entry = frame.entry, .count = 1, .offset = frame.offset});
  if (!accepted) return accepted;
  Work work = resolve(wanted_.back());
  auto* file = std::get_if<GiveFile>(&work);
  if (file == nullptr) return {};  // It will be refused as a content would be.
  offers_.emplace(std::pair(frame.listing, frame.entry), *file);
  groups_ += frame.groups.size();
  wanted_.back().chunks = std::make_shared<GiveChunks>(GiveChunks{std::move(*file), frame.groups});
  return {};
}

Result<void> GiverMachine::on_want_ranges(const protocol::WantRanges& frame) {
  const auto offer = offers_.find({frame.listing, frame.entry});
  if (offer == offers_.end()) {
    return against_givers_rules(
        fmt::format("the taker wants ranges of entry {} of listing {}, whose chunks it has not "
                    "asked for",
                    frame.entry, frame.listing));
  }
  GiveFile file = std::move(offer->second);
  offers_.erase(offer);
  if (!frame.ranges.empty() &&
      frame.ranges.back().offset + frame.ranges.back().size_bytes > file.size_bytes) {
    return against_givers_rules("the taker wants a range beyond the end of a file");
  }
  if (frame.ranges.size() > kRangesMax - ranges_ || wanted_files_ >= kWantedFilesMax) {
    return against_givers_rules("the taker wants too many ranges at once");
  }
  ranges_ += frame.ranges.size();
  wanted_files_ += 1;
  auto ranges = std::make_shared<GiveRanges>(GiveRanges{std::move(file), frame.ranges});
  wanted_.push_back({.listing = wanted_from_listing_, .count = 1, .ranges = std::move(ranges)});
  return {};
}

std::optional<GiverMachine::Work> GiverMachine::next() {
  if (step_ == Step::opening && !opening_taken_) {
    opening_taken_ = true;
    return open_;
  }
  if (step_ != Step::serving) return std::nullopt;
  if (kept_bytes_ <= kListedBytesMax) {
    if (listing_goes_on_) return ContinueListing{};
    if (!asked_.empty()) {
      ListDirectory directory = std::move(asked_.front());
      asked_.pop_front();
      asked_bytes_ -= asked_weight(directory.bytes, directory.known);
      return directory;
    }
  }
  if (!wanted_.empty()) return take_wanted();
  return std::nullopt;
}

void GiverMachine::on_opened(std::span<const protocol::OpenedItem> items) {
  // The taker may have finished meanwhile.
  if (step_ != Step::opening) return;
  for (const protocol::OpenedItem& item : items) {
    items_.push_back(item.entry);
    if (item.outcome != Outcome::done) items_.back().kind = EntryKind::refused;
  }
  step_ = Step::serving;
}

void GiverMachine::on_listed(const sync::RelativePath& directory, std::span<const Entry> entries,
                             std::uint64_t size_bytes, bool more) {
  KeptListing listing{.number = next_listing_++, .size_bytes = size_bytes, .directory = directory};
  listing.entries.reserve(entries.size());
  for (const Entry& entry : entries) {
    ENSURE(listing.names.size() + entry.name.size() <= std::numeric_limits<std::uint32_t>::max());
    listing.entries.push_back({.size_bytes = entry.size_bytes,
                               .mtime_ns = entry.mtime_ns,
                               .digest = entry.digest,
                               .name_at = static_cast<std::uint32_t>(listing.names.size()),
                               .name_size = static_cast<std::uint16_t>(entry.name.size()),
                               .kind = entry.kind});
    listing.names += entry.name;
  }
  kept_bytes_ += size_bytes;
  kept_.push_back(std::move(listing));
  listing_goes_on_ = more;
}

bool GiverMachine::is_idle() const {
  return step_ == Step::serving && asked_.empty() && !listing_goes_on_ && wanted_.empty();
}

// What is neither wanted nor going to be: wants never go back.
void GiverMachine::forget_listings() {
  const std::uint32_t needed = wanted_.empty() ? wanted_from_listing_ : wanted_.front().listing;
  while (!kept_.empty() && kept_.front().number < needed) {
    kept_bytes_ -= kept_.front().size_bytes;
    kept_.pop_front();
  }
}

std::optional<std::size_t> GiverMachine::entry_count(std::uint32_t listing) const {
  if (listing == 0) return items_.size();
  const KeptListing* found = kept(listing);
  if (found == nullptr) return std::nullopt;
  return found->entries.size();
}

const GiverMachine::KeptListing* GiverMachine::kept(std::uint32_t listing) const {
  if (kept_.empty() || listing < kept_.front().number || listing > kept_.back().number) return nullptr;
  return &kept_[listing - kept_.front().number];
}

GiverMachine::Work GiverMachine::take_wanted() {
  Wanted& range = wanted_.front();
  Work work = range.chunks || range.ranges ? take_instead(range) : resolve(range);
  range.entry += 1;
  range.count -= 1;
  wanted_files_ -= 1;
  if (range.count == 0) {
    wanted_.pop_front();
    forget_listings();
  }
  return work;
}

GiverMachine::Work GiverMachine::take_instead(const Wanted& wanted) {
  if (wanted.chunks) {
    groups_ -= wanted.chunks->groups.size();
    return std::move(*wanted.chunks);
  }
  ranges_ -= wanted.ranges->ranges.size();
  return std::move(*wanted.ranges);
}

GiverMachine::Work GiverMachine::resolve(const Wanted& wanted) const {
  const auto refuse = [&](std::string text) {
    return RefuseFile{.listing = wanted.listing, .entry = wanted.entry, .text = std::move(text)};
  };
  GiveFile file{.listing = wanted.listing, .entry = wanted.entry, .path = {}, .offset = wanted.offset};
  if (wanted.listing == 0) {
    const Entry& item = items_[wanted.entry];
    if (item.kind != EntryKind::file || !open_.items[wanted.entry].path) return refuse("it is no file");
    file.path = *open_.items[wanted.entry].path;
    file.size_bytes = item.size_bytes;
    file.mtime_ns = item.mtime_ns;
    file.digest = item.digest;
  } else {
    const KeptListing* listing = kept(wanted.listing);
    ENSURE(listing != nullptr);
    const KeptEntry& entry = listing->entries[wanted.entry];
    if (entry.kind != EntryKind::file) return refuse("it is no file");
    Result<sync::RelativePath> path =
        listing->directory.joined(std::string_view(listing->names).substr(entry.name_at, entry.name_size));
    if (!path) return refuse(path.error().text);
    file.path = std::move(*path);
    file.size_bytes = entry.size_bytes;
    file.mtime_ns = entry.mtime_ns;
    file.digest = entry.digest;
  }
  if (file.offset > file.size_bytes) return refuse("it is shorter than that");
  return file;
}

}  // namespace callboard::client
