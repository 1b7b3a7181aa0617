#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/text.h"
#include "client/not_given.h"
#include "client/taker.h"
#include "client/taker_machine.h"
#include "client/taker_receiver.h"
#include "client/taker_state.h"
#include "sync/ignore_files.h"
#include "sync/relative_path.h"
#include "sync/tree.h"

namespace callboard::client {

namespace {

// A listing that is shown, not streamed: what a person may still want to see.
constexpr std::size_t kLookEntriesMax = 1'000'000;

// What was refused has no digest: nothing is known of it.
Difference difference(const Entry& here, const Entry& there) {
  return here.kind == there.kind && here.digest && here.digest == there.digest ? Difference::same
                                                                               : Difference::differs;
}

// One look: opens the item, lists it when it is a directory, and opens the directories in it for their totals.
class Look {
 public:
  Look(const TakerParts& parts, sync::RelativePath path, const std::atomic<bool>& cancelled,
       const Bytes& already_read)
      : parts_(parts),
        path_(std::move(path)),
        cancelled_(cancelled),
        state_(parts.socket),
        receiver_(parts.socket, state_, already_read) {}

  Result<std::vector<LookEntry>> run() {
    Result<std::vector<LookEntry>> found = look();
    state_.send_finished(found ? Outcome::done : found.error().outcome, found ? "" : found.error().text);
    return found;
  }

 private:
  Result<std::vector<LookEntry>> look();
  Result<std::vector<protocol::OpenedItem>> open(const std::vector<protocol::OpenItem>& items);
  Result<std::vector<Entry>> list();
  Result<TakerMachine::Event> next();
  Result<std::vector<LookEntry>> compare(std::vector<Entry> there) const;
  Result<void> add_totals(std::vector<LookEntry>& entries);
  LookEntry only_here(const Entry& entry) const;

  TakerParts parts_;
  sync::RelativePath path_;
  const std::atomic<bool>& cancelled_;
  TakerState state_;
  TakerReceiver receiver_;
  std::shared_ptr<const sync::Tree> here_;  // nullptr: nothing.
  bool is_refused_here_ = false;            // Something, of which no more is known.
};

Result<TakerMachine::Event> Look::next() {
  if (const Result<void> received = receiver_.receive_event(); !received) {
    if (cancelled_) return Error{Outcome::cancelled, "cancelled"};
    return received.error();
  }
  return state_.next_listing();
}

Result<std::vector<protocol::OpenedItem>> Look::open(const std::vector<protocol::OpenItem>& items) {
  if (const Result<void> sent = state_.open(protocol::OpenMode::look, items); !sent) return sent.error();
  Result<TakerMachine::Event> event = next();
  if (!event) return event.error();
  return std::move(std::get<TakerMachine::OpenedItems>(*event).items);
}

Result<std::vector<LookEntry>> Look::look() {
  Result<std::shared_ptr<const sync::Tree>> here = parts_.folder.snapshot(path_, cancelled_);
  if (here) here_ = std::move(*here);
  if (!here) {
    const Outcome outcome = here.error().outcome;
    if (outcome != Outcome::not_found && outcome != Outcome::refused) return here.error();
    is_refused_here_ = outcome == Outcome::refused;
  }
  // No digest: an equal one would end the matter, and the giver would forget what it listed.
  Result<std::vector<protocol::OpenedItem>> opened = open({{.path = path_.bytes(), .digest = {}}});
  if (!opened) return opened.error();
  protocol::OpenedItem& item = opened->front();
  if (item.outcome != Outcome::done) return not_given(parts_.giver, path_, {item.outcome, item.text});
  if (item.entry.kind != EntryKind::directory) {
    LookEntry one{.entry = item.entry, .path = path_.bytes()};
    one.entry.name = path_.name();
    if (here_ != nullptr) one.difference = difference(here_->top(), item.entry);
    if (is_refused_here_) one.difference = Difference::differs;
    return std::vector<LookEntry>{std::move(one)};
  }
  Result<std::vector<Entry>> there = list();
  if (!there) return there.error();
  Result<std::vector<LookEntry>> entries = compare(std::move(*there));
  if (!entries) return entries;
  if (const Result<void> added = add_totals(*entries); !added) return added.error();
  return entries;
}

Result<std::vector<Entry>> Look::list() {
  if (const Result<void> asked = state_.ask({path_}); !asked) return asked.error();
  std::vector<Entry> entries;
  while (true) {
    Result<TakerMachine::Event> event = next();
    if (!event) return event.error();
    auto& listing = std::get<TakerMachine::Listed>(*event);
    if (listing.outcome != Outcome::done) {
      return Error{listing.outcome, "list " + quoted(path_.to_item()) + ": the giver cannot"};
    }
    if (entries.size() + listing.entries.size() > kLookEntriesMax) {
      return Error{Outcome::failed, quoted(path_.to_item()) + ": more entries than can be shown"};
    }
    std::move(listing.entries.begin(), listing.entries.end(), std::back_inserter(entries));
    if (const Result<void> released = state_.release(listing); !released) return released.error();
    if (!listing.more) return entries;
  }
}

LookEntry Look::only_here(const Entry& entry) const {
  LookEntry one{.entry = entry, .path = {}, .difference = Difference::only_here};
  const Result<sync::RelativePath> path = path_.joined(entry.name);
  if (!path) return one;
  one.path = path->bytes();
  if (entry.kind != EntryKind::directory) return one;
  if (const std::shared_ptr<const sync::Listing> below = here_->listing_of(*path)) {
    one.files_below = below->files_below;
    one.bytes_below = below->bytes_below;
  }
  return one;
}

// Both are in ascending order of names. What is ignored here does not exist here, whoever has it.
Result<std::vector<LookEntry>> Look::compare(std::vector<Entry> there) const {
  const std::shared_ptr<const sync::Listing> listing = here_ == nullptr ? nullptr : here_->listing_of(path_);
  const std::vector<Entry> none;
  const std::vector<Entry>& here = listing == nullptr ? none : listing->entries;
  const Result<sync::Ignore::Pointer> ignore = sync::IgnoreFiles(parts_.root).in(path_);
  if (!ignore) return ignore.error();
  std::vector<LookEntry> entries;
  auto mine = here.begin();
  for (Entry& entry : there) {
    const bool is_directory = entry.kind == EntryKind::directory;
    if (*ignore == nullptr || (*ignore)->is_ignored(path_, entry.name, is_directory)) continue;
    for (; mine != here.end() && mine->name < entry.name; ++mine) entries.push_back(only_here(*mine));
    LookEntry one;
    const Result<sync::RelativePath> path = path_.joined(entry.name);
    if (!path) return path.error();
    one.path = path->bytes();
    if (mine != here.end() && mine->name == entry.name) {
      one.difference = difference(*mine, entry);
      ++mine;
    }
    one.entry = std::move(entry);
    entries.push_back(std::move(one));
  }
  for (; mine != here.end(); ++mine) entries.push_back(only_here(*mine));
  return entries;
}

// Totals below directories come with `opened`, so they are opened: one more question for all of them.
Result<void> Look::add_totals(std::vector<LookEntry>& entries) {
  std::vector<protocol::OpenItem> items;
  std::vector<LookEntry*> directories;
  std::size_t size_bytes = 0;
  for (LookEntry& entry : entries) {
    if (entry.entry.kind != EntryKind::directory || entry.difference == Difference::only_here) continue;
    items.push_back({.path = entry.path, .digest = entry.entry.digest});
    directories.push_back(&entry);
    size_bytes += protocol::encoded_size(items.back());
    if (items.size() == kItemsPerPullMax || size_bytes > kBulkDataMax / 2) break;
  }
  if (items.empty()) return {};
  const Result<std::vector<protocol::OpenedItem>> opened = open(items);
  if (!opened) return opened.error();
  for (std::size_t i = 0; i < directories.size(); ++i) {
    directories[i]->files_below = (*opened)[i].files_below;
    directories[i]->bytes_below = (*opened)[i].bytes_below;
  }
  return {};
}

}  // namespace

Result<std::vector<LookEntry>> look(const TakerParts& parts, const std::string& item,
                                    const std::atomic<bool>& cancelled, Bytes already_read) {
  Result<sync::RelativePath> path = sync::RelativePath::from_item(item);
  if (!path) return path.error();
  return Look(parts, std::move(*path), cancelled, already_read).run();
}

}  // namespace callboard::client
