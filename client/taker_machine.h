#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/entry.h"
#include "base/result.h"
#include "client/transfer_limits.h"
#include "client/wanted_file.h"
#include "protocol/bulk.h"
#include "sync/relative_path.h"

namespace callboard::client {

// The taker's half of a transfer (docs/protocol.md, 3.1): which frames may come, what they mean, what may be asked. Turn
// diagram in giver_machine.h. No I/O. After an error the transfer is over.
// Holds kWantedFilesUsed files and kAskedDirectoriesUsed paths at most, and some more files whose ranges are wanted. Thread: one at a time.
class TakerMachine {
 public:
  // What a frame means.
  struct OpenedItems {
    std::vector<protocol::OpenedItem> items;
  };
  struct Listed {
    std::uint32_t number = 0;
    sync::RelativePath directory;
    bool more = false;
    Outcome outcome = Outcome::done;  // Other than done: the directory cannot be had.
    std::vector<Entry> entries = {};  // Names are checked, strictly ascending across parts, none private.
    std::vector<std::uint64_t> same = {};  // Named buckets whose entries are as they are here. First part.
    std::uint64_t size_bytes = 0;
  };
  struct WholeFile {
    WantedFile file;
    ByteView content;  // Points into the frame's body.
  };
  struct FileBegins {
    WantedFile file;
    bool is_sparse = false;
  };
  struct FileContent {
    ByteView content;
  };
  struct FileHole {  // Only in a file that is sparse.
    std::uint64_t size_bytes = 0;
  };
  struct FileEnds {
    Outcome outcome = Outcome::done;  // Other than done: what came is void.
    std::string text;
  };
  struct NoFile {
    WantedFile file;
    Outcome outcome = Outcome::failed;
    std::string text;
  };
  // A part of the list of chunks of a file; after the last one ranges of it are wanted.
  struct ChunksCome {
    WantedFile file;
    protocol::ChunksState state = protocol::ChunksState::complete;
    bool is_kept = false;
    std::vector<std::uint64_t> chunks;
  };
  struct GiverFailed {
    Error error;
  };
  using Event = std::variant<OpenedItems, Listed, WholeFile, FileBegins, FileContent, FileHole, FileEnds,
                             NoFile, ChunksCome, GiverFailed>;

  // Appends `open`. Only when everything asked before is answered.
  void open(protocol::OpenMode mode, const std::vector<protocol::OpenItem>& items, Bytes& out);
  // How many more directories may be asked for now.
  std::size_t list_room() const {
    return buckets_named_ > kBucketsNamedUsed ? 0 : kAskedDirectoriesUsed - asked_.size();
  }
  void list(const std::vector<sync::RelativePath>& directories, Bytes& out);
  // A directory of which these buckets are here, kBucketsNamedUsed at most.
  void list_known(const sync::RelativePath& directory, std::vector<std::uint64_t> buckets, Bytes& out);
  bool has_want_room() const { return wanted_.size() < kWantedFilesUsed; }
  // Files in ascending order of listing and entry. Neighbours become one range; flush_wants() appends what is gathered.
  void want(WantedFile file, Bytes& out);
  void flush_wants(Bytes& out);
  // Its chunks first; instead of a list the file itself may come. `groups`: what is here of the older version.
  bool has_chunks_room() const { return offers_.size() < kOffersUsed; }
  void want_chunks(WantedFile file, const std::vector<std::uint64_t>& groups, Bytes& out);
  // Of a file whose list has come, or is coming. In ascending order, within the file.
  void want_ranges(WantedFile file, const std::vector<protocol::Range>& ranges, Bytes& out);
  // Nothing of the listings up to this one will be wanted any more.
  void release(const Listed& listing, Bytes& out);
  void finish(Outcome outcome, const std::string& text, Bytes& out);

  Result<Event> on_frame(protocol::GiverFrame frame);
  // The same as a `data` frame whose content is still under way: it may come, all of it.
  Result<void> on_data(std::uint64_t content_size_bytes);
  std::size_t wanted_count() const { return wanted_.size() + (receiving_ ? 1 : 0); }
  std::size_t asked_count() const { return asked_.size(); }
  bool is_idle() const { return !is_opening_ && wanted_count() == 0 && asked_count() == 0; }

 private:
  struct Asked {
    sync::RelativePath directory;
    std::vector<std::uint64_t> known = {};  // Ascending.
  };
  struct Wanted {
    enum class What { content, chunks, ranges };
    WantedFile file;
    What what = What::content;
    std::uint64_t begin = 0;       // Of the first range …
    std::uint64_t size_bytes = 0;  // … and all of them together.
  };

  Result<Event> on_opened(protocol::Opened& frame);
  Result<Event> on_listing(protocol::Listing& frame);
  Result<Event> on_file(const protocol::File& frame);
  Result<Event> on_hole(const protocol::Hole& frame);
  Result<Event> on_file_end(const protocol::FileEnd& frame);
  Result<Event> on_chunks(protocol::Chunks& frame);
  Result<Wanted*> expected(std::uint32_t listing, std::uint32_t entry);
  void settle_wanted();
  Result<void> check_same(const Asked& asked, const protocol::Listing& frame) const;
  Result<void> count_entries(const std::vector<Entry>& entries);
  Result<void> check_entries(const sync::RelativePath& directory, const std::vector<Entry>& entries);

  bool is_opening_ = false;
  bool is_finished_ = false;
  std::size_t item_count_ = 0;
  std::uint64_t announced_files_ = 0;
  std::uint64_t listed_files_ = 0;
  std::uint64_t listed_others_ = 0;
  std::deque<Asked> asked_;
  std::size_t buckets_named_ = 0;   // In them.
  std::string last_name_;           // Of the part before, while a directory goes on.
  std::uint32_t next_listing_ = 1;  // That comes in.
  std::uint64_t listed_bytes_ = 0;  // Received and not released.
  std::deque<Wanted> wanted_;
  std::set<std::pair<std::uint32_t, std::uint32_t>>
      offers_;                       // Whose chunks were asked for and no ranges yet.
  std::uint64_t chunks_come_ = 0;    // Of the list under way.
  protocol::Want ranges_;            // Gathered, not sent.
  bool receiving_ = false;           // A file whose content comes in pieces …
  bool is_sparse_ = false;           // … and holes …
  std::uint64_t missing_bytes_ = 0;  // … and what is still to come of it.
};

}  // namespace callboard::client
