#include "client/taker_planner.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::client {

namespace {

std::uint64_t remembered_bytes(const sync::RelativePath& path) { return sizeof(path) + path.bytes().size(); }

}  // namespace

// --- Items ------------------------------------------------------------------------------------------------------------

Result<void> TakerPlanner::set_items(const std::vector<std::string>& items) {
  std::vector<sync::RelativePath> paths;
  std::uint64_t size_bytes = 0;
  for (const std::string& item : items) {
    Result<sync::RelativePath> path = sync::RelativePath::from_item(item);
    if (!path) return path.error();
    size_bytes += protocol::encoded_size(protocol::OpenItem{path->bytes(), {}});
    paths.push_back(std::move(*path));
  }
  if (paths.empty()) return Error{Outcome::usage, "nothing to pull is named"};
  if (paths.size() > kItemsPerPullMax || size_bytes > kBulkDataMax) {
    return Error{Outcome::usage,
                 "too many items for one pull: expected at most " + std::to_string(kItemsPerPullMax)};
  }
  std::sort(paths.begin(), paths.end());
  for (sync::RelativePath& path : paths) {
    const bool covered = std::any_of(items_.begin(), items_.end(),
                                     [&](const Item& item) { return path.is_beneath(item.path); });
    if (!covered) items_.push_back({std::move(path), nullptr});
  }
  return {};
}

Result<void> TakerPlanner::open() {
  std::vector<protocol::OpenItem> open;
  for (Item& item : items_) {
    protocol::OpenItem one{.path = item.path.bytes(), .digest = {}};
    Result<std::shared_ptr<const sync::Tree>> here = parts_.folder.snapshot(item.path, state_.cancelled());
    if (here) {
      item.here = std::move(*here);
      one.digest = item.here->top().digest;
    } else if (here.error().outcome == Outcome::not_found) {
      item.here = nullptr;
    } else {
      return here.error();
    }
    open.push_back(std::move(one));
  }
  return state_.open(protocol::OpenMode::pull, open);
}

Result<bool> TakerPlanner::on_opened(const std::vector<protocol::OpenedItem>& opened) {
  ENSURE(opened.size() == items_.size());
  opened_ = opened;
  differing_.clear();
  unchanged_files_ = 0;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    if (opened[i].outcome != Outcome::done) {
      state_.add_problem(item.path.bytes(), {opened[i].outcome, escaped(opened[i].text)});
      continue;
    }
    Entry here = item.here == nullptr ? Entry{} : item.here->top();
    here.name.clear();
    const bool same = item.here != nullptr && here.kind == opened[i].entry.kind &&
                      here.digest == opened[i].entry.digest && here.mode == opened[i].entry.mode &&
                      (here.kind != EntryKind::file || here.mtime_ns == opened[i].entry.mtime_ns);
    if (same) {
      unchanged_files_ += here.kind == EntryKind::file ? 1 : opened[i].files_below;
    } else {
      differing_.push_back(i);
    }
  }
  if (differing_.empty()) count_unchanged();
  return !differing_.empty();
}

// --- A round ----------------------------------------------------------------------------------------------------------

Result<void> TakerPlanner::run_round(TakerWriters* writers) {
  writers_ = writers;
  pending_.clear();
  pending_bytes_ = 0;
  directory_.reset();
  for (const std::size_t index : differing_) {
    if (const Result<void> planned = plan_item(index, opened_[index]); !planned) return planned;
  }
  while (!pending_.empty() || state_.is_listing()) {
    if (const Result<void> asked = ask(); !asked) return asked;
    Result<TakerMachine::Event> event = state_.next_listing();
    if (!event) return event.error();
    const auto& listing = std::get<TakerMachine::Listed>(*event);
    if (const Result<void> planned = plan_listing(listing); !planned) return planned;
    if (const Result<void> released = state_.release(listing); !released) return released;
  }
  state_.set_listed();
  count_unchanged();
  if (const Result<void> settled = state_.wait_settled(); !settled) return settled;
  if (writers_ == nullptr) return {};
  return writers_->finish_round();
}

// The deepest first: then few wait.
Result<void> TakerPlanner::ask() {
  std::vector<sync::RelativePath> directories;
  std::size_t named = 0;
  for (std::size_t room = state_.list_room(); room > 0 && named < kBucketsNamedUsed && !pending_.empty();
       --room) {
    pending_bytes_ -= remembered_bytes(pending_.back());
    sync::RelativePath directory = std::move(pending_.back());
    pending_.pop_back();
    std::vector<std::uint64_t> buckets = buckets_here(directory);
    named += buckets.size();
    // A directory that differs and is one bucket has nothing to leave out.
    if (buckets.size() < 2 || buckets.size() > kBucketsNamedUsed) {
      directories.push_back(std::move(directory));
    } else {
      state_.ask_known(directory, std::move(buckets));
    }
  }
  return state_.ask(directories);
}

Result<void> TakerPlanner::plan_item(std::size_t index, const protocol::OpenedItem& opened) {
  const Item& item = items_[index];
  if (opened.entry.kind == EntryKind::refused) {
    state_.add_problem(item.path.bytes(),
                       {Outcome::refused, quoted(item.path.to_item()) + ": " + escaped(opened.entry.target)});
    return {};
  }
  if (item.path.is_root()) {
    if (opened.entry.kind == EntryKind::directory) return descend(item.path);
    return Error{Outcome::refused, "the giver's project folder is no folder"};
  }
  Entry want = opened.entry;
  want.name = item.path.name();
  std::vector<Entry> have;
  if (item.here != nullptr) {
    have.push_back(item.here->top());
    have.back().name = want.name;
  }
  const sync::RelativePath parent = item.path.parent();
  const Result<std::vector<sync::DiffStep>> steps =
      sync::diff({.directory = parent, .have = have, .want = std::span(&want, 1), .patterns = &patterns_});
  if (!steps) return steps.error();
  return perform(steps->front(), 0, static_cast<std::uint32_t>(index), want);
}

std::shared_ptr<const sync::Listing> TakerPlanner::listing_here(const sync::RelativePath& directory) const {
  for (const Item& item : items_) {
    if (item.here != nullptr && directory.is_beneath(item.path)) return item.here->listing_of(directory);
  }
  return nullptr;
}

std::vector<std::uint64_t> TakerPlanner::buckets_here(const sync::RelativePath& directory) const {
  for (const Item& item : items_) {
    if (item.here != nullptr && directory.is_beneath(item.path)) return item.here->bucket_names(directory);
  }
  return {};
}

Result<void> TakerPlanner::plan_listing(const TakerMachine::Listed& listing) {
  if (listing.outcome != Outcome::done) {
    directory_.reset();
    if (listing.outcome == Outcome::not_found) {
      state_.need_round();
    } else {
      state_.add_problem(
          listing.directory.bytes(),
          {listing.outcome, "list " + quoted(listing.directory.to_item()) + ": the giver cannot"});
    }
    return {};
  }
  if (!directory_) directory_.emplace(DirectoryUnderWay{listing_here(listing.directory), 0, {}});
  // Of the local entries those up to the last name of this part.
  std::span<const Entry> have;
  if (directory_->here != nullptr) {
    const std::span<const Entry> rest = std::span(directory_->here->entries).subspan(directory_->compared);
    std::size_t count = rest.size();
    if (listing.more) {
      const std::string& last = listing.entries.back().name;
      count = static_cast<std::size_t>(
          std::upper_bound(rest.begin(), rest.end(), last,
                           [](const std::string& name, const Entry& entry) { return name < entry.name; }) -
          rest.begin());
    }
    have = rest.first(count);
    directory_->compared += count;
  }
  const Result<std::vector<sync::DiffStep>> steps = sync::diff({.directory = listing.directory,
                                                                .have = have,
                                                                .want = listing.entries,
                                                                .after = directory_->last_name,
                                                                .patterns = &patterns_});
  if (!steps) return steps.error();
  for (const sync::DiffStep& step : *steps) {
    const Result<void> done = perform(step, listing.number, step.entry, listing.entries[step.entry]);
    if (!done) return done;
  }
  if (listing.more) {
    directory_->last_name = listing.entries.back().name;
  } else {
    directory_.reset();
  }
  return {};
}

// --- One entry --------------------------------------------------------------------------------------------------------

Result<void> TakerPlanner::perform(const sync::DiffStep& step, std::uint32_t listing,
                                   std::uint32_t entry_index, const Entry& entry) {
  using Kind = sync::DiffStep::Kind;
  switch (step.kind) {
    case Kind::same:
      return {};
    case Kind::metadata:
      change(ChangeKind::metadata, sync::Change::metadata(step.path, entry));
      return {};
    case Kind::fetch:
      return fetch(step, listing, entry_index, entry);
    case Kind::descend:
      if (step.sets_mode && step.have)
        change(ChangeKind::metadata, sync::Change::directory(step.path, entry));
      return descend(step.path);
    case Kind::make_directory:
      change(ChangeKind::directory, sync::Change::directory(step.path, entry));
      return descend(step.path);
    case Kind::make_symlink:
      change(ChangeKind::symlink, sync::Change::symlink(step.path, entry));
      return {};
    case Kind::refused:
      state_.add_problem(step.path.bytes(),
                         {Outcome::refused, quoted(step.path.to_item()) + ": " + step.text});
      return {};
    case Kind::excluded:
      return {};
  }
  return {};
}

Result<void> TakerPlanner::fetch(const sync::DiffStep& step, std::uint32_t listing, std::uint32_t entry_index,
                                 const Entry& entry) {
  note(step.have ? ChangeKind::changed : ChangeKind::added, step.path, entry.size_bytes);
  state_.count_wanted(entry.size_bytes);
  if (writers_ == nullptr) return {};
  sync::Stager& stager = writers_->stager();
  Result<std::optional<sync::StagedFile>> left = stager.reuse(step.path, entry);
  if (!left) return left.error();
  if (left->has_value()) {
    state_.on_staged();
    state_.on_content(entry.size_bytes);
    writers_->commit(sync::Change::file(std::move(**left)));
    return {};
  }
  const std::uint64_t offset = stager.promise_offset(entry);
  WantedFile wanted{.listing = listing,
                    .entry_index = entry_index,
                    .path = step.path,
                    .entry = entry,
                    .offset = offset < entry.size_bytes ? offset : 0};
  if (entry.size_bytes >= sync::kDeltaFileMin && step.have && !step.replaces_kind) {
    const Result<bool> asked = deltas_.want(wanted, digest_here(step.path));
    if (!asked) return asked.error();
    if (*asked) return {};
  }
  return state_.want(std::move(wanted));
}

Digest TakerPlanner::digest_here(const sync::RelativePath& path) const {
  for (const Item& item : items_) {
    if (item.here != nullptr && path.is_beneath(item.path)) return item.here->digest_of(path);
  }
  return {};
}

Result<void> TakerPlanner::descend(const sync::RelativePath& directory) {
  pending_bytes_ += remembered_bytes(directory);
  if (pending_bytes_ > kPendingDirectoriesBytesMax) {
    return Error{Outcome::refused, "the giver lists more directories than can be remembered"};
  }
  pending_.push_back(directory);
  return {};
}

void TakerPlanner::change(ChangeKind kind, sync::Change change) {
  note(kind, change.path, 0);
  if (writers_ != nullptr) writers_->commit(std::move(change));
}

void TakerPlanner::note(ChangeKind kind, const sync::RelativePath& path, std::uint64_t size_bytes) {
  if (writers_ != nullptr) return;
  state_.edit_report([&](PullReport& report) {
    report.changes.push_back({kind, path.bytes(), size_bytes});
    if (kind != ChangeKind::added && kind != ChangeKind::changed) return;
    report.files += 1;
    report.bytes += size_bytes;
  });
}

// What was announced and not asked for. Only the first round says it: later ones look at what came meanwhile, too.
void TakerPlanner::count_unchanged() {
  if (std::exchange(counted_unchanged_, true)) return;
  std::uint64_t announced = unchanged_files_;
  for (const std::size_t index : differing_)
    announced += std::min(opened_[index].files_below, kAnnouncedFilesMax);
  const std::uint64_t wanted = state_.progress().files_wanted;
  const std::uint64_t unchanged = announced > wanted ? announced - wanted : 0;
  state_.edit_report([&](PullReport& report) {
    report.unchanged_files = unchanged > report.problems.size() ? unchanged - report.problems.size() : 0;
  });
}

}  // namespace callboard::client
