// The planner's part that decides about one entry of a listing.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "client/pull_report.h"
#include "client/taker_planner.h"

namespace callboard::client {

Result<void> TakerPlanner::perform(const sync::DiffStep& step, std::uint32_t listing,
                                   std::uint32_t entry_index, const Entry& entry) {
  using Kind = sync::DiffStep::Kind;
  if (step.kind == Kind::fetch || step.kind == Kind::make_symlink || step.kind == Kind::make_directory) {
    Result<bool> goes_on = make_way(step.path);
    if (goes_on && *goes_on && step.have) goes_on = settle_conflict(step.path, have_[*step.have], entry);
    if (!goes_on) return goes_on.error();
    if (!*goes_on) return {};
  }
  switch (step.kind) {
    case Kind::same:
      take_same(step.path, entry);
      return {};
    case Kind::metadata:
      // A file is recorded with the change.
      if (entry.kind == EntryKind::file) {
        unchanged_files_ += 1;
      } else {
        take_same(step.path, entry);
      }
      change(ChangeKind::metadata, sync::Change::metadata(step.path, entry));
      return {};
    case Kind::fetch:
      return fetch(step, listing, entry_index, entry);
    case Kind::descend:
      return look_through(step, entry);
    case Kind::make_directory:
      return make_directory(step, entry);
    case Kind::make_symlink:
      change(ChangeKind::symlink, sync::Change::symlink(step.path, entry));
      return {};
    case Kind::refused:
      state_.add_problem(step.path.bytes(),
                         {Outcome::refused, quoted(step.path.to_item()) + ": " + step.text});
      return {};
    case Kind::excluded:
      leaves_ignored_ = leaves_ignored_ || step.is_ignored;
      return {};
  }
  return {};
}

Result<bool> TakerPlanner::make_way(const sync::RelativePath& path) {
  return way_.open(
      path.parent(),
      [this](const sync::RelativePath& directory, const TakerWay::Passed& passed) -> Result<bool> {
        const Result<bool> goes_on =
            passed.have ? settle_conflict(directory, *passed.have, passed.entry) : Result<bool>(true);
        if (goes_on && *goes_on)
          change(ChangeKind::directory, sync::Change::directory(directory, passed.entry));
        return goes_on;
      });
}

Result<void> TakerPlanner::look_through(const sync::DiffStep& step, const Entry& entry) {
  const Entry* have = step.have ? &have_[*step.have] : nullptr;
  if (have == nullptr || have->kind != EntryKind::directory) {
    const Result<void> added =
        way_.add(step.path, {.entry = entry, .have = have != nullptr ? std::optional(*have) : std::nullopt});
    if (!added) return added;
  } else if (step.sets_mode) {
    change(ChangeKind::metadata, sync::Change::directory(step.path, entry));
  }
  return descend(step.path);
}

Result<bool> TakerPlanner::settle_conflict(const sync::RelativePath& path, const Entry& have,
                                           const Entry& want) {
  sync::Tree::Node below;
  if (have.kind == EntryKind::directory) {
    const std::shared_ptr<const sync::Tree> part = part_of(items_, path);
    if (part != nullptr) below = part->whole();
  }
  const bool may_stay = request_.on_conflict != PullRequest::OnConflict::version;
  // What could not be looked at (it is being written) may be anything: it stays where something may.
  const bool is_unknown = have.kind == EntryKind::refused && may_stay;
  // Nothing that lies here was pulled where all that was pulled waits in another place.
  const bool was_never_here = have.kind != EntryKind::refused && writers_ != nullptr &&
                              writers_->stager().trees().has_left_above(path);
  if (!is_unknown && !was_never_here && !conflicts_.is_conflict(path, have, want, below)) return true;
  const Result<bool> stays = note_conflict(path, false);
  return stays ? Result<bool>(!*stays) : stays;
}

Result<bool> TakerPlanner::note_conflict(const sync::RelativePath& path, bool is_gone_there) {
  using OnConflict = PullRequest::OnConflict;
  const bool stays = request_.on_conflict != OnConflict::version;
  const bool fails = request_.on_conflict == OnConflict::fail;
  // It is found again, unless it is gone by then.
  if (is_surveying_ && !fails) return stays;
  // The survey comes before the first change.
  const bool is_after_changes = fails && writers_ != nullptr;
  state_.add_conflict({.path = path.bytes(),
                       .is_kept_here = stays,
                       .is_gone_there = is_gone_there,
                       .is_after_changes = is_after_changes});
  if (is_after_changes) return Error{Outcome::superseded, text_of_conflict(path.bytes(), is_gone_there)};
  return stays;
}

Result<void> TakerPlanner::make_directory(const sync::DiffStep& step, const Entry& entry) {
  if (request_.mirror && state_.may_copy() && patterns_.is_everything() && !step.have) {
    if (auto source = reuse_.directory(entry)) {
      if (mirror_.add({std::move(source->path), step.path, entry, std::move(source->node)})) return {};
    }
  }
  change(ChangeKind::directory, sync::Change::directory(step.path, entry));
  const Result<bool> copied = copy_directory(step.path, entry);
  if (!copied) return copied.error();
  return *copied ? Result<void>() : descend(step.path);
}

Result<void> TakerPlanner::fetch(const sync::DiffStep& step, std::uint32_t listing, std::uint32_t entry_index,
                                 const Entry& entry) {
  note(step.have ? ChangeKind::changed : ChangeKind::added, step.path, entry.size_bytes);
  rules_change_ = rules_change_ || entry.name == sync::kIgnoreFile;
  if (is_surveying_) {
    survey_file(step, entry);
    return {};
  }
  state_.count_wanted(entry.size_bytes);
  const Result<bool> left = take_left(step.path, entry);
  if (!left) return left.error();
  if (*left) return {};
  const Result<bool> copied = copy(step.path, entry);
  if (!copied) return copied.error();
  if (*copied) return {};
  const std::uint64_t offset = writers_ != nullptr ? writers_->stager().promise_offset(entry) : 0;
  add_to_room(step, entry, offset);
  if (writers_ == nullptr) return {};
  if (const Result<void> fits = room_.check_added(); !fits) return state_.stop_for_disk(fits.error());
  WantedFile wanted{.listing = listing,
                    .entry_index = entry_index,
                    .path = step.path,
                    .entry = entry,
                    .offset = offset < entry.size_bytes ? offset : 0};
  if (entry.size_bytes >= sync::kDeltaFileMin && step.have && !step.replaces_kind) {
    const sync::Tree* here = tree_of(items_, step.path);
    const Result<bool> asked = deltas_.want(wanted, here != nullptr ? here->digest_of(step.path) : Digest());
    if (!asked) return asked.error();
    if (*asked) return {};
  }
  return state_.want(std::move(wanted));
}

// What is here already under another name is renamed or copied.
void TakerPlanner::survey_file(const sync::DiffStep& step, const Entry& entry) {
  std::optional<sync::RelativePath> source = reuse_.file(entry);
  if (!source) return add_to_room(step, entry, 0);
  if (request_.mirror) static_cast<void>(mirror_.add({*std::move(source), step.path, entry}));
}

void TakerPlanner::add_to_room(const sync::DiffStep& step, const Entry& entry, std::uint64_t offset) {
  if (offset > 0) return room_.add_rest(unreserved_bytes(entry, offset));
  room_.add_file(entry.size_bytes, step.have ? have_[*step.have].size_bytes : 0);
}

// Of what an earlier try left: it had room reserved for all of it, but in memory nothing is.
std::uint64_t TakerPlanner::unreserved_bytes(const Entry& entry, std::uint64_t offset) const {
  if (!sync::FileOps::is_in_memory(parts_.root.fd())) return 0;
  return entry.size_bytes - std::min(entry.size_bytes, offset);
}

// What an earlier try, or an earlier round, put into a directory that did not get its name. It was verified and recorded as
// pulled when it came there; what an earlier try put there is verified again.
std::optional<sync::StagedFile> TakerPlanner::take_assembled(const sync::RelativePath& path,
                                                             const Entry& entry) {
  sync::Stager& stager = writers_->stager();
  if (!stager.trees().has_any() || parts_.records.pulled(path) != entry.digest) return std::nullopt;
  return stager.take_from_tree(path, entry);
}

// What an earlier try left verified.
Result<bool> TakerPlanner::take_left(const sync::RelativePath& path, const Entry& entry) {
  if (writers_ == nullptr) return false;
  Result<std::optional<sync::StagedFile>> left = writers_->stager().reuse(path, entry);
  if (!left) return state_.stop_for_disk(left.error());
  bool is_counted = false;
  if (!left->has_value()) {
    *left = take_assembled(path, entry);
    // What lies in a new directory from an earlier try is taken in the first round; later it is of this pull.
    is_counted = state_.round() > 1;
  }
  if (!left->has_value()) return false;
  if (is_counted) {
    state_.uncount_wanted(entry.size_bytes);
  } else {
    state_.on_staged();
    state_.on_content(entry.size_bytes);
  }
  writers_->commit(sync::Change::file(std::move(**left)));
  return true;
}

}  // namespace callboard::client
