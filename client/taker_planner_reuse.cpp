// The planner's part that needs nothing from the giver: content that is here already, and what --mirror takes away.
#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "base/text.h"
#include "client/taker_planner.h"
#include "sync/mover.h"

namespace callboard::client {

// --- What is here already ---------------------------------------------------------------------------------------------

Result<bool> TakerPlanner::copy(const sync::RelativePath& path, const Entry& entry) {
  if (!state_.may_copy()) return false;
  const std::optional<sync::RelativePath> source = reuse_.file(entry);
  if (!source) return false;
  // Rules are to be in their place before it is decided what goes.
  const bool may_wait = request_.mirror && entry.name != sync::kIgnoreFile;
  if (may_wait && mirror_.add({*source, path, entry})) return true;
  if (const Result<void> begun = copy_from(*source, path, entry); !begun) return begun.error();
  return true;
}

Result<void> TakerPlanner::copy_from(const sync::RelativePath& source, const sync::RelativePath& path,
                                     const Entry& entry) {
  if (writers_ == nullptr) {
    state_.edit_report([&](PullReport& report) {
      report.files_reused += 1;
      report.bytes_reused += entry.size_bytes;
    });
    return {};
  }
  if (const Result<void> begun = state_.begin_copy(); !begun) return begun;
  writers_->copy(source, path, entry);
  return {};
}

Result<bool> TakerPlanner::copy_directory(const sync::RelativePath& directory, const Entry& entry) {
  // With patterns a part of it may be left out; then its files are looked up one by one.
  if (!state_.may_copy() || !patterns_.is_everything() || is_surveying_) return false;
  const std::optional<sync::ContentTable::Directory> source = reuse_.directory(entry);
  if (!source) return false;
  const sync::Tree tree(source->path, source->node->entry(), source->node);
  if (const Result<void> copied = copy_listing(tree, source->path, directory); !copied) return copied.error();
  return true;
}

// No deeper than paths are: kPathDepthMax.
Result<void> TakerPlanner::copy_listing(const sync::Tree& tree, const sync::RelativePath& source,
                                        const sync::RelativePath& directory) {
  const std::shared_ptr<const sync::Listing> listing = tree.listing_of(source);
  // What is refused here is no part of the digest, and the giver has none of it.
  std::vector<Entry> entries;
  for (const Entry& entry : listing->entries) {
    if (entry.kind != EntryKind::refused) entries.push_back(entry);
  }
  const Result<sync::Ignore::Pointer> ignore = ignore_files_->in(directory);
  if (!ignore) return ignore.error();
  const Result<std::vector<sync::DiffStep>> steps = sync::diff(
      {.directory = directory, .have = {}, .want = entries, .patterns = &patterns_, .ignore = ignore->get()});
  if (!steps) return steps.error();
  for (const sync::DiffStep& step : *steps) {
    const Entry& entry = entries[step.entry];
    const Result<sync::RelativePath> from = source.joined(entry.name);
    if (!from) return from.error();
    Result<void> done;
    if (step.kind == sync::DiffStep::Kind::fetch) {
      done = copy_file(*from, step.path, entry);
    } else if (step.kind == sync::DiffStep::Kind::make_directory) {
      change(ChangeKind::directory, sync::Change::directory(step.path, entry));
      done = copy_listing(tree, *from, step.path);
    } else {
      done = perform(step, 0, 0, entry);  // A link, or something refused: nothing that is asked for.
    }
    if (!done) return done;
  }
  return {};
}

Result<void> TakerPlanner::copy_file(const sync::RelativePath& source, const sync::RelativePath& path,
                                     const Entry& entry) {
  note(ChangeKind::added, path, entry.size_bytes);
  rules_change_ = rules_change_ || entry.name == sync::kIgnoreFile;
  state_.count_wanted(entry.size_bytes);
  const Result<bool> left = take_left(path, entry);
  if (!left) return left.error();
  if (*left) return {};
  if (entry.size_bytes > 0) return copy_from(source, path, entry);
  if (writers_ == nullptr) return {};
  Result<sync::StagedFile> empty = writers_->stager().stage_whole(path, entry, {});
  if (!empty) return state_.stop_for_disk(empty.error());
  state_.on_staged();
  writers_->commit(sync::Change::file(*std::move(empty)));
  return {};
}

// --- Mirror -----------------------------------------------------------------------------------------------------------

// More than half of what lies here under the items, as when the giver's folder is empty or not mounted.
bool TakerPlanner::agrees_to_removals() {
  std::uint64_t files_here = 0;
  for (const TakerItem& item : items_) files_here += item.here != nullptr ? item.here->files() : 0;
  const std::uint64_t files = mirror_.files_to_remove();
  if (request_.agree_to_removals || files <= files_here / 2) return true;
  state_.edit_report([&](PullReport& report) {
    report.removals_refused = files;
    report.removals_refused_of = files_here;
  });
  return false;
}

// Whether it stays is for who is asked to keep it; else it is a conflict when it goes, and what never was pulled is none.
Result<bool> TakerPlanner::stays_under_mirror(const sync::RelativePath& path, const Entry& have,
                                              const sync::Tree::Node& below) {
  if (request_.on_conflict == PullRequest::OnConflict::version) return false;
  if (!conflicts_.is_own(path, have, below)) return false;
  return have.kind == EntryKind::directory ? Result<bool>(true) : note_conflict(path, true);
}

void TakerPlanner::note_edited_removals() {
  if (request_.on_conflict != PullRequest::OnConflict::version) return;
  const auto note_edited = [&](const sync::RelativePath& path) {
    if (!mirror_.is_renamed(path)) static_cast<void>(note_conflict(path, true));
  };
  for (const TakerMirror::Removal& removal : mirror_.removals()) {
    if (removal.node) conflicts_.for_edited_below(removal.path, *removal.node, note_edited);
    if (!removal.node) conflicts_.for_edited(removal.path, removal.digest, note_edited);
  }
}

void TakerPlanner::note_removals_left() {
  state_.edit_report([&](PullReport& report) { report.removals_left = mirror_.files_to_remove(); });
}

// Removing comes last, and only when all the rest succeeded. What is renamed instead of copied waits as long: only then is
// it sure that its old name goes.
Result<void> TakerPlanner::finish_mirror() {
  // What goes and what is renamed is decided by the rules that came, in another round.
  const auto waits = [&] { return rules_change_ && (leaves_ignored_ || !mirror_.removals().empty()); };
  const auto is_good = [&] { return !waits() && !state_.has_problem() && !state_.needs_round(); };
  const bool goes = is_good();
  if (const Result<void> reused = reuse_deferred(goes); !reused) return reused;
  const bool places = !state_.is_to_be_continued();
  if (!places) drop_renames();
  if (const Result<void> finished = writers_->finish_round(places); !finished) return finished;
  commit_renames();
  if (const Result<void> renamed = writers_->finish_round(); !renamed) return renamed;
  if (waits()) need_round_for_rules();
  if (!goes || !is_good()) {
    if (!waits() && state_.has_problem()) note_removals_left();
    return {};
  }
  note_edited_removals();
  for (sync::Change& change : mirror_.take_removals()) writers_->commit(std::move(change));
  return writers_->finish_round();
}

// Another round plans and counts them again: the directories they would come into have no names yet.
void TakerPlanner::drop_renames() {
  for (const TakerMirror::Reuse& reuse : std::exchange(renames_, {})) {
    if (reuse.node) {
      state_.uncount_wanted(reuse.node->bytes_below, reuse.node->files_below);
    } else {
      state_.uncount_wanted(reuse.entry.size_bytes);
    }
  }
}

// Where the directory above could not get its name, that is told; making it for the renamed alone would show half of it.
void TakerPlanner::commit_renames() {
  const bool is_every_parent_there = !state_.has_problem();
  for (TakerMirror::Reuse& reuse : std::exchange(renames_, {})) {
    if (!is_every_parent_there && !parts_.root.status(reuse.path.parent())) continue;
    writers_->commit(sync::Change::rename(std::move(reuse.source), std::move(reuse.path),
                                          std::move(reuse.entry), std::move(reuse.node)));
  }
}

// What a snapshot does not show (ignored, refused) stays where it is: such a directory is not renamed. Nor is one with links
// that would leave the folder where it is to be: in a listing of it they are refused one by one.
TakerMirror::Split TakerPlanner::split_reuses(bool may_rename) {
  return mirror_.split([&](const TakerMirror::Reuse& reuse) {
    if (!may_rename || !reuse.node) return may_rename;
    return sync::Mover::has_only(parts_.root, reuse.source, reuse.node) &&
           sync::Mover::links_stay_inside(reuse.path, reuse.node);
  });
}

Result<void> TakerPlanner::reuse_deferred(bool may_remove) {
  TakerMirror::Split split = split_reuses(may_remove);
  // A dry run says what would go all the same.
  if (may_remove && !agrees_to_removals() && writers_ != nullptr) {
    // Nothing goes, so nothing is renamed either.
    static_cast<void>(mirror_.take_removals());
    std::move(split.renamed.begin(), split.renamed.end(), std::back_inserter(split.copied));
    split.renamed.clear();
  }
  for (const TakerMirror::Reuse& reuse : split.copied) {
    Result<void> copied;
    if (reuse.node) {
      change(ChangeKind::directory, sync::Change::directory(reuse.path, reuse.entry));
      const sync::Tree tree(reuse.source, reuse.node->entry(), reuse.node);
      copied = copy_listing(tree, reuse.source, reuse.path);
    } else {
      copied = copy_from(reuse.source, reuse.path, reuse.entry);
    }
    if (!copied) return copied;
  }
  for (const TakerMirror::Reuse& reuse : split.renamed) {
    if (reuse.node) state_.count_wanted(reuse.node->bytes_below, reuse.node->files_below);
  }
  renames_ = std::move(split.renamed);
  return state_.wait_settled();
}

// --- A dry run --------------------------------------------------------------------------------------------------------

Result<void> TakerPlanner::finish_dry_run() {
  if (const Result<void> fits = check_room(nullptr); !fits) return fits;
  if (!request_.mirror) return {};
  const bool goes = !state_.has_problem();
  if (const Result<void> reused = reuse_deferred(goes); !reused) return reused;
  if (!goes) {
    note_removals_left();
    return {};
  }
  note_renames();
  note_edited_removals();
  for (const TakerMirror::Removal& removal : mirror_.removals()) {
    if (!removal.is_renamed) note(ChangeKind::removed, removal.path, removal.size_bytes);
  }
  return {};
}

// What was noted of a file as one that comes is what becomes of one that is here.
void TakerPlanner::note_renames() {
  std::map<std::string, std::string> sources;
  for (const TakerMirror::Reuse& reuse : std::exchange(renames_, {})) {
    const std::uint64_t bytes = reuse.node ? reuse.node->bytes_below : reuse.entry.size_bytes;
    const std::uint64_t files = reuse.node ? reuse.node->files_below : 1;
    sources.emplace(reuse.path.bytes(), reuse.source.bytes());
    state_.edit_report([&](PullReport& report) {
      report.files_reused += files;
      report.bytes_reused += bytes;
      if (!reuse.node) return;
      report.files += files;
      report.bytes += bytes;
      report.changes.push_back({ChangeKind::renamed, reuse.path.bytes(), bytes});
    });
  }
  state_.edit_report([&](PullReport& report) {
    for (PullChange& change : report.changes) {
      const auto source = sources.find(change.path);
      if (source == sources.end()) continue;
      change.kind = ChangeKind::renamed;
      change.from = source->second;
    }
  });
}

}  // namespace callboard::client
