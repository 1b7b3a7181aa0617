#include "client/taker_planner.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "base/ensure.h"
#include "base/text.h"

namespace callboard::client {

namespace {

std::uint64_t remembered_bytes(const sync::RelativePath& path) { return sizeof(path) + path.bytes().size(); }

}  // namespace

TakerPlanner::TakerPlanner(const TakerParts& parts, TakerState& state, DeltaTaker& deltas,
                           const PullRequest& request, sync::Patterns patterns)
    : parts_(parts),
      state_(state),
      deltas_(deltas),
      request_(request),
      patterns_(std::move(patterns)),
      reuse_(parts.folder),
      mirror_(patterns_,
              [this](const sync::RelativePath& path, const Entry& have, const sync::Tree::Node& below) {
                return stays_under_mirror(path, have, below);
              }),
      conflicts_(parts.records),
      equal_(parts.root, parts.records, state.cancelled()) {}

// --- Items ------------------------------------------------------------------------------------------------------------

Result<void> TakerPlanner::set_items(const std::vector<std::string>& names) {
  Result<std::vector<TakerItem>> items = taker_items(names);
  if (!items) return items.error();
  items_ = *std::move(items);
  return {};
}

void TakerPlanner::add_lasting_problems(const std::vector<PullProblem>& problems) {
  for (const PullProblem& each : problems) state_.add_problem(each.path, each.error);
  lasting_problems_.insert(lasting_problems_.end(), problems.begin(), problems.end());
}

Result<bool> TakerPlanner::open() {
  std::vector<protocol::OpenItem> open;
  std::vector<TakerItem> seen;
  for (TakerItem& item : items_) {
    protocol::OpenItem one{.path = item.path.bytes(), .digest = {}};
    Result<std::shared_ptr<const sync::Tree>> here = parts_.folder.snapshot(item.path, state_.cancelled());
    if (here) {
      item.here = std::move(*here);
      one.digest = item.here->top().digest;
    } else if (here.error().outcome == Outcome::not_found) {
      item.here = nullptr;
    } else if (here.error().outcome == Outcome::refused) {
      // As in a folder that is pulled: something is there, of which no more is known.
      Entry top;
      top.kind = EntryKind::refused;
      item.here = std::make_shared<sync::Tree>(item.path, std::move(top), nullptr);
    } else if (state_.is_cancelled()) {
      return here.error();
    } else {
      lasting_problems_.push_back({item.path.bytes(), here.error()});
      continue;
    }
    open.push_back(std::move(one));
    seen.push_back(std::move(item));
  }
  items_ = std::move(seen);
  if (items_.empty()) return false;
  std::vector<std::shared_ptr<const sync::Tree>> trees;
  for (const TakerItem& item : items_) {
    if (item.here != nullptr) trees.push_back(item.here);
  }
  reuse_.set_trees(std::move(trees));
  if (const Result<void> asked = state_.open(protocol::OpenMode::pull, open); !asked) return asked.error();
  return true;
}

Result<bool> TakerPlanner::on_opened(const std::vector<protocol::OpenedItem>& opened) {
  ENSURE(opened.size() == items_.size());
  opened_ = opened;
  differing_.clear();
  unchanged_files_ = 0;
  for (const PullProblem& each : lasting_problems_) state_.add_problem(each.path, each.error);
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const TakerItem& item = items_[i];
    if (opened[i].outcome != Outcome::done) {
      Error why = not_given(parts_.giver, item.path, {opened[i].outcome, opened[i].text});
      const bool may_be_deleted =
          request_.mirror && why.outcome == Outcome::not_found && item.here != nullptr;
      if (may_be_deleted) why.text += "; to have it removed here, mirror the folder above it";
      state_.add_problem(item.path.bytes(), std::move(why));
      continue;
    }
    if (request_.files_alone && opened[i].entry.kind == EntryKind::directory) {
      state_.add_problem(item.path.bytes(), {Outcome::not_found, quoted(item.path.to_item()) + ": " +
                                                                     name_of_giver(parts_.giver) +
                                                                     " has a folder of that name"});
      continue;
    }
    Entry here = item.here == nullptr ? Entry{} : item.here->top();
    here.name.clear();
    const bool same = item.here != nullptr && here.kind == opened[i].entry.kind &&
                      here.kind != EntryKind::refused && here.digest == opened[i].entry.digest &&
                      here.mode == opened[i].entry.mode &&
                      (here.kind != EntryKind::file || here.mtime_ns == opened[i].entry.mtime_ns);
    if (same) {
      unchanged_files_ += here.kind == EntryKind::file ? 1 : opened[i].files_below;
      if (!request_.dry_run) {
        equal_.add(item.path, here);
        equal_.add(item.path, item.here->whole());
      }
    } else {
      differing_.push_back(i);
    }
  }
  equal_.finish();
  const sync::Room all = announced();
  state_.set_announced(all.files, all.bytes);
  if (differing_.empty()) tell_unchanged();
  return !differing_.empty();
}

// --- A round ----------------------------------------------------------------------------------------------------------

bool TakerPlanner::needs_survey(sync::Stager* stager) {
  if (request_.on_conflict == PullRequest::OnConflict::fail) return true;
  if (stager == nullptr) return false;
  if (request_.mirror && !request_.agree_to_removals) return true;
  room_.begin(parts_.ops.room(parts_.root.fd()));
  return !room_.has_room_for(announced()) && !has_left(stager);
}

Result<bool> TakerPlanner::survey(sync::Stager* stager) {
  writers_ = nullptr;
  is_surveying_ = true;
  const Result<void> listed = list_all();
  is_surveying_ = false;
  if (!listed) return listed.error();
  if (request_.on_conflict == PullRequest::OnConflict::fail && state_.has_conflict()) return false;
  if (const Result<void> fits = check_room(stager); !fits) return fits.error();
  if (!request_.mirror || request_.dry_run) return true;
  static_cast<void>(split_reuses(true));
  return agrees_to_removals();
}

Result<void> TakerPlanner::run_round(TakerWriters* writers) {
  writers_ = writers;
  folding_ = parts_.name_folding ? *parts_.name_folding : probe();
  if (const Result<void> listed = list_all(); !listed) return listed;
  state_.set_listed();
  tell_unchanged();
  if (const Result<void> settled = state_.wait_settled(); !settled) return settled;
  if (writers_ == nullptr) return finish_dry_run();
  if (request_.mirror) return finish_mirror();
  // The rules have to be in their places for the next round.
  const Result<void> finished = writers_->finish_round(!state_.is_to_be_continued());
  if (rules_change_ && leaves_ignored_) need_round_for_rules();
  return finished;
}

void TakerPlanner::need_round_for_rules() {
  if (state_.round() < kRoundsMax) return state_.need_round();
  state_.add_problem(
      std::string(sync::kIgnoreFile),
      {Outcome::failed, fmt::format("the rules in {} files changed in each of {} rounds: what they "
                                    "leave in now is not here yet, and nothing was removed",
                                    sync::kIgnoreFile, kRoundsMax)});
}

// Without writers nothing is written, not even to try names out.
sync::NameFolding TakerPlanner::probe() const {
  if (writers_ == nullptr) return folding_;
  return sync::probe_names(parts_.ops, writers_->stager().place({}).directory_fd);
}

sync::Room TakerPlanner::announced() const {
  sync::Room announced{0, 0};
  for (const std::size_t index : differing_) {
    const protocol::OpenedItem& item = opened_[index];
    const bool is_file = item.entry.kind == EntryKind::file;
    // A giver may say what it likes; more than this is on no disk.
    announced.bytes += std::min(is_file ? item.entry.size_bytes : item.bytes_below, kAnnouncedBytesMax);
    announced.files += is_file ? 1 : std::min(item.files_below, kAnnouncedFilesMax);
  }
  return announced;
}

bool TakerPlanner::has_left(sync::Stager* stager) const {
  return stager != nullptr ? stager->trees().has_any() : sync::Stager::has_files(parts_.ops, parts_.root);
}

// Only what is sure to be needed counts: none of what an earlier try left, which has its room.
Result<void> TakerPlanner::check_room(sync::Stager* stager) const {
  const Result<void> fits = room_.check_added(stager != nullptr ? stager->kept() : sync::Room{0, 0});
  if (fits || has_left(stager)) return {};
  return state_.stop_for_disk(fits.error());
}

Result<void> TakerPlanner::list_all() {
  room_.begin(parts_.ops.room(parts_.root.fd()));
  pending_.clear();
  pending_bytes_ = 0;
  directory_.reset();
  ignore_files_.emplace(parts_.root);
  mirror_.begin_round();
  way_.clear();
  rules_change_ = false;
  leaves_ignored_ = false;
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
  equal_.finish();
  return {};
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
    const sync::Tree* here = tree_of(items_, directory);
    std::vector<std::uint64_t> buckets =
        here != nullptr ? here->bucket_names(directory) : std::vector<std::uint64_t>();
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
  const TakerItem& item = items_[index];
  if (opened.entry.kind == EntryKind::refused) {
    state_.add_problem(item.path.bytes(),
                       {Outcome::refused, quoted(item.path.to_item()) + ": " + escaped(opened.entry.target)});
    return {};
  }
  if (item.path.is_root()) {
    if (opened.entry.kind == EntryKind::directory) return descend(item.path);
    return Error{Outcome::refused, "the giver's project folder is no folder"};
  }
  const Result<bool> ignored =
      ignore_files_->is_ignored(item.path, opened.entry.kind == EntryKind::directory);
  if (!ignored) {
    state_.add_problem(item.path.bytes(), ignored.error());
    return {};
  }
  if (*ignored) {
    state_.add_problem(item.path.bytes(), {Outcome::refused, quoted(item.path.to_item()) +
                                                                 ": is ignored here (.callboardignore)"});
    return {};
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
  have_ = have;
  return perform(steps->front(), 0, static_cast<std::uint32_t>(index), want);
}

// Of the local entries those that the giver did not leave out as the same.
Result<void> TakerPlanner::begin_directory(const TakerMachine::Listed& listing) {
  const Result<sync::Ignore::Pointer> ignore = ignore_files_->in(listing.directory);
  directory_.emplace(TakerDirectory{});
  if (!ignore) {
    state_.add_problem(listing.directory.bytes(), ignore.error());
    return {};  // Without rules nothing of it comes.
  }
  directory_->ignore = *ignore;
  if (folding_.folds()) directory_->names.emplace(folding_);
  const sync::Tree* here = tree_of(items_, listing.directory);
  if (here == nullptr) return {};
  directory_->here = here->listing_of(listing.directory, listing.same);
  const std::shared_ptr<const sync::Tree> part = here->part(listing.directory);
  if (part != nullptr) directory_->node = part->whole();
  if (!listing.same.empty()) count_left_out(*directory_);
  const std::shared_ptr<const sync::Listing> all =
      directory_->names ? here->listing_of(listing.directory) : nullptr;
  if (all == nullptr) return {};
  for (const Entry& entry : all->entries) static_cast<void>(directory_->names->add(entry.name));
  return {};
}

bool TakerPlanner::has_own_name(const sync::RelativePath& path) {
  if (!directory_ || !directory_->names) return true;
  const std::optional<std::string> other = directory_->names->add(path.name());
  if (!other) return true;
  state_.add_problem(
      path.bytes(),
      {Outcome::refused, quoted(path.to_item()) + ": the file system here takes it for " + quoted(*other)});
  return false;
}

// Of the local entries those up to the last name of this part.
std::span<const Entry> TakerPlanner::take_local(const TakerMachine::Listed& listing) {
  if (directory_->here == nullptr) return {};
  const std::span<const Entry> rest = std::span(directory_->here->entries).subspan(directory_->compared);
  std::size_t count = rest.size();
  if (listing.more) {
    const std::string& last = listing.entries.back().name;
    count = static_cast<std::size_t>(
        std::upper_bound(rest.begin(), rest.end(), last,
                         [](const std::string& name, const Entry& entry) { return name < entry.name; }) -
        rest.begin());
  }
  directory_->compared += count;
  return rest.first(count);
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
  if (!directory_) {
    if (const Result<void> begun = begin_directory(listing); !begun) return begun;
  }
  const std::span<const Entry> have = take_local(listing);
  const Result<std::vector<sync::DiffStep>> steps = sync::diff({.directory = listing.directory,
                                                                .have = have,
                                                                .want = listing.entries,
                                                                .after = directory_->last_name,
                                                                .patterns = &patterns_,
                                                                .ignore = directory_->ignore.get()});
  if (!steps) return steps.error();
  if (request_.mirror && directory_->ignore != nullptr) {
    const Result<void> compared = mirror_.compare(listing.directory, have, listing.entries, directory_->node);
    if (!compared) return compared;
  }
  have_ = have;
  for (const sync::DiffStep& step : *steps) {
    if (directory_->ignore == nullptr)
      break;  // By rules that came since it was asked for, or they are not known.
    using Kind = sync::DiffStep::Kind;
    const bool is_left_out = step.kind == Kind::refused || step.kind == Kind::excluded;
    if (!is_left_out && !has_own_name(step.path)) continue;
    const Result<void> done = perform(step, listing.number, step.entry, listing.entries[step.entry]);
    if (!done) return done;
    directory_->has_directories =
        directory_->has_directories || step.kind == Kind::descend || step.kind == Kind::make_directory;
  }
  if (listing.more) {
    directory_->last_name = listing.entries.back().name;
  } else {
    if (!directory_->has_directories) way_.forget(listing.directory);
    directory_.reset();
  }
  return {};
}

// --- What follows -----------------------------------------------------------------------------------------------------

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
  if (writers_ != nullptr || is_surveying_) return;
  state_.edit_report([&](PullReport& report) {
    report.changes.push_back({kind, path.bytes(), size_bytes});
    if (kind != ChangeKind::added && kind != ChangeKind::changed) return;
    report.files += 1;
    report.bytes += size_bytes;
  });
}

// Its content is here as it is there, by whatever means it came: from here on the giver's edits of it are no conflicts.
void TakerPlanner::take_same(const sync::RelativePath& path, const Entry& entry) {
  if (entry.kind == EntryKind::file) unchanged_files_ += 1;
  const std::shared_ptr<const sync::Tree> part =
      entry.kind == EntryKind::directory ? part_of(items_, path) : nullptr;
  if (part != nullptr) unchanged_files_ += part->files();
  if (writers_ == nullptr) return;
  equal_.add(path, entry);
  if (part != nullptr) equal_.add(path, part->whole());
}

// All beneath the directory but what lies in its buckets that were listed.
void TakerPlanner::count_left_out(const TakerDirectory& directory) {
  if (directory.here == nullptr || directory.node == nullptr) return;
  std::uint64_t listed = 0;
  for (const Entry& entry : directory.here->entries) {
    if (entry.kind == EntryKind::file) listed += 1;
    if (entry.kind != EntryKind::directory) continue;
    const sync::Tree::Node& child = sync::Tree::child_of(*directory.node, entry.name);
    if (child != nullptr) listed += child->files_below;
  }
  unchanged_files_ += directory.node->files_below - std::min(directory.node->files_below, listed);
}

// Only the first round says it: later ones look at what came meanwhile, too.
void TakerPlanner::tell_unchanged() {
  if (std::exchange(told_unchanged_, true)) return;
  state_.edit_report([&](PullReport& report) { report.unchanged_files = unchanged_files_; });
}

}  // namespace callboard::client
