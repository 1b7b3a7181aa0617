#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/entry.h"
#include "base/result.h"
#include "client/giver_work.h"
#include "client/transfer_limits.h"
#include "protocol/bulk.h"
#include "sync/relative_path.h"

namespace callboard::client {

// The giver's half of a transfer (docs/protocol.md, 3.1): what the taker may ask and what is answered next. No I/O.
//
//   taker                          giver
//   open (items, digests)      ->
//                              <-  opened                     the items are listing 0
//   list, want, want_from      ->                             any number, without waiting
//                              <-  listing …                  before files, in the order asked
//                              <-  file [data… file_end] …    in the order wanted
//   want_chunks                ->                             in the order of the wants, too
//                              <-  chunks …                   or a file as above
//   want_ranges                ->                             of each file whose chunks were asked for
//                              <-  file [data… file_end]
//   open (again)               ->                             once all is answered; numbers start over
//   finished                   ->                             the giver closes
//
// Holds at most kListedBytesMax of listings (and one frame), kWantedFilesMax wants, kAskedBytesMax of paths, kOffersMax
// files whose chunks were asked for, and kRangesMax ranges: asking for more is an error. Thread: one at a time.
class GiverMachine {
 public:
  using Item = GiverItem;
  using OpenItems = client::OpenItems;
  using ListDirectory = client::ListDirectory;
  using ContinueListing = client::ContinueListing;
  using GiveFile = client::GiveFile;
  using GiveChunks = client::GiveChunks;
  using GiveRanges = client::GiveRanges;
  using RefuseFile = client::RefuseFile;
  // After OpenItems and ListDirectory the shell says what it sent.
  using Work =
      std::variant<OpenItems, ListDirectory, ContinueListing, GiveFile, RefuseFile, GiveChunks, GiveRanges>;

  // Fails when the taker breaks the rules; the transfer is over then.
  Result<void> on_frame(const protocol::TakerFrame& frame);
  // Takes the next piece of work; nullopt: wait for a frame.
  std::optional<Work> next();

  // The answer to OpenItems is on its way.
  void on_opened(std::span<const protocol::OpenedItem> items);
  // The number of the listing (or part of one) that goes out next.
  std::uint32_t next_listing() const { return next_listing_; }
  // It is on its way: `size_bytes` of frame; `more`: ContinueListing follows when there is room.
  void on_listed(const sync::RelativePath& directory, std::span<const Entry> entries,
                 std::uint64_t size_bytes, bool more);

  // The taker has not said yet which ranges it wants of this file: (more of) the list is of use to it.
  bool is_offered(const GiveFile& file) const { return offers_.contains({file.listing, file.entry}); }
  // It is answered with the file itself.
  void withdraw(const GiveFile& file) { offers_.erase({file.listing, file.entry}); }

  // What the taker said at the end; nullopt until then.
  const std::optional<protocol::Finished>& finished() const { return finished_; }
  bool is_idle() const;  // Everything asked so far is answered.

 private:
  enum class Step { awaiting_open, opening, serving, finished };
  struct KeptEntry {
    std::uint64_t size_bytes = 0;
    std::int64_t mtime_ns = 0;
    Digest digest;
    std::uint32_t name_at = 0;
    std::uint16_t name_size = 0;
    EntryKind kind = EntryKind::file;
  };
  struct KeptListing {
    std::uint32_t number = 0;
    std::uint64_t size_bytes = 0;
    sync::RelativePath directory;
    std::vector<KeptEntry> entries = {};
    std::string names = {};
  };
  struct Wanted {
    std::uint32_t listing = 0;
    std::uint32_t entry = 0;
    std::uint32_t count = 0;
    std::uint64_t offset = 0;
    std::shared_ptr<GiveChunks> chunks = nullptr;  // Instead of the content, like the next.
    std::shared_ptr<GiveRanges> ranges = nullptr;
  };

  Result<void> on_open(const protocol::Open& frame);
  Result<void> on_list(const std::string& directory, const std::vector<std::uint64_t>& known);
  Result<void> on_range(const Wanted& range);
  Result<void> on_want_chunks(const protocol::WantChunks& frame);
  Result<void> on_want_ranges(const protocol::WantRanges& frame);
  void forget_listings();
  std::optional<std::size_t> entry_count(std::uint32_t listing) const;
  const KeptListing* kept(std::uint32_t listing) const;
  Work take_wanted();
  Work take_instead(const Wanted& wanted);
  Work resolve(const Wanted& wanted) const;

  Step step_ = Step::awaiting_open;
  OpenItems open_;
  bool opening_taken_ = false;
  std::vector<Entry> items_;  // Listing 0, once opened.
  std::deque<ListDirectory> asked_;
  std::uint64_t asked_bytes_ = 0;
  bool listing_goes_on_ = false;
  std::deque<Wanted> wanted_;
  std::uint64_t wanted_files_ = 0;
  std::map<std::pair<std::uint32_t, std::uint32_t>, GiveFile> offers_;  // By listing and entry.
  std::size_t groups_ = 0;  // Named in wants that are not answered, like the next.
  std::size_t ranges_ = 0;
  std::uint32_t wanted_from_listing_ = 0;  // Earlier ones will not be wanted any more.
  std::deque<KeptListing> kept_;
  std::uint64_t kept_bytes_ = 0;
  std::uint32_t next_listing_ = 1;
  std::optional<protocol::Finished> finished_;
};

}  // namespace callboard::client
