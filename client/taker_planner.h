#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "client/delta_taker.h"
#include "client/found_equal.h"
#include "client/not_given.h"
#include "client/taker.h"
#include "client/taker_conflicts.h"
#include "client/taker_directory.h"
#include "client/taker_items.h"
#include "client/taker_machine.h"
#include "client/taker_mirror.h"
#include "client/taker_reuse.h"
#include "client/taker_room.h"
#include "client/taker_state.h"
#include "client/taker_way.h"
#include "client/taker_writers.h"
#include "sync/diff.h"
#include "sync/ignore_files.h"
#include "sync/patterns.h"
#include "sync/relative_path.h"
#include "sync/tree.h"

namespace callboard::client {

// Decides what a pull asks for: compares the giver's listings with the local folder as they arrive, asks for those of
// directories that differ (depth first, many per message) and for the files that do. Thread: one, that of run().
class TakerPlanner {
 public:
  // `request` must outlive it.
  TakerPlanner(const TakerParts& parts, TakerState& state, DeltaTaker& deltas, const PullRequest& request,
               sync::Patterns patterns);

  // Items that are none are errors; one beneath another is part of it.
  Result<void> set_items(const std::vector<std::string>& names);
  // What another round does not mend.
  void add_lasting_problems(const std::vector<PullProblem>& problems);
  // Looks at the local folder and sends `open`. False: of none of the items it is known what is here; nothing opens.
  Result<bool> open();
  // True when there is anything to do: something to list, to fetch or to change.
  Result<bool> on_opened(const std::vector<protocol::OpenedItem>& opened);
  // Whether it is to be known before the first change what there is to do: conflicts or many removals may forbid it, or the
  // room on the disk. `stager` is null in a dry run.
  bool needs_survey(sync::Stager* stager);
  // Compares everything and changes nothing. False: nothing is to be changed, and the report says why. open() again afterwards.
  Result<bool> survey(sync::Stager* stager);
  // `writers` is null in a dry run.
  Result<void> run_round(TakerWriters* writers);

 private:
  sync::NameFolding probe() const;
  Result<void> list_all();
  Result<void> ask();
  sync::Room announced() const;
  // Whether an earlier try may have left some of what is wanted, of which it is not known how much.
  bool has_left(sync::Stager* stager) const;
  Result<void> check_room(sync::Stager* stager) const;
  Result<void> plan_item(std::size_t index, const protocol::OpenedItem& opened);
  std::span<const Entry> take_local(const TakerMachine::Listed& listing);
  Result<void> plan_listing(const TakerMachine::Listed& listing);
  Result<void> perform(const sync::DiffStep& step, std::uint32_t listing, std::uint32_t entry_index,
                       const Entry& entry);
  Result<void> fetch(const sync::DiffStep& step, std::uint32_t listing, std::uint32_t entry_index,
                     const Entry& entry);
  // False when what is here stays: nothing else is done about this name.
  Result<bool> settle_conflict(const sync::RelativePath& path, const Entry& have, const Entry& want);
  // What befalls a file that was changed on both sides: true when what is here stays.
  Result<bool> note_conflict(const sync::RelativePath& path, bool is_gone_there);
  Result<bool> stays_under_mirror(const sync::RelativePath& path, const Entry& have,
                                  const sync::Tree::Node& below);
  void note_edited_removals();
  void note_removals_left();
  // False when nothing may come to this path.
  Result<bool> make_way(const sync::RelativePath& path);
  void survey_file(const sync::DiffStep& step, const Entry& entry);
  void add_to_room(const sync::DiffStep& step, const Entry& entry, std::uint64_t offset);
  bool agrees_to_removals();
  Result<void> finish_mirror();
  void need_round_for_rules();
  Result<void> reuse_deferred(bool may_remove);
  void drop_renames();
  void commit_renames();
  Result<void> finish_dry_run();
  TakerMirror::Split split_reuses(bool may_rename);
  void note_renames();
  Result<void> make_directory(const sync::DiffStep& step, const Entry& entry);
  std::optional<sync::StagedFile> take_assembled(const sync::RelativePath& path, const Entry& entry);
  Result<bool> take_left(const sync::RelativePath& path, const Entry& entry);
  // True when it is here already, under whatever name, and is copied.
  Result<bool> copy(const sync::RelativePath& path, const Entry& entry);
  Result<void> copy_from(const sync::RelativePath& source, const sync::RelativePath& path,
                         const Entry& entry);
  // All of a new directory from the same one elsewhere in the local folder; `directory` itself is on its way already.
  Result<bool> copy_directory(const sync::RelativePath& directory, const Entry& entry);
  Result<void> copy_listing(const sync::Tree& tree, const sync::RelativePath& source,
                            const sync::RelativePath& directory);
  Result<void> copy_file(const sync::RelativePath& source, const sync::RelativePath& path,
                         const Entry& entry);
  Result<void> look_through(const sync::DiffStep& step, const Entry& entry);
  Result<void> descend(const sync::RelativePath& directory);
  Result<void> begin_directory(const TakerMachine::Listed& listing);
  // False when the file system here takes the name for another one in this directory; that is a problem, and told.
  bool has_own_name(const sync::RelativePath& path);
  void change(ChangeKind kind, sync::Change change);
  void note(ChangeKind kind, const sync::RelativePath& path, std::uint64_t size_bytes);
  std::uint64_t unreserved_bytes(const Entry& entry, std::uint64_t offset) const;
  void take_same(const sync::RelativePath& path, const Entry& entry);
  void count_left_out(const TakerDirectory& directory);
  void tell_unchanged();

  TakerParts parts_;
  TakerState& state_;
  DeltaTaker& deltas_;
  const PullRequest& request_;
  sync::Patterns patterns_;
  std::optional<sync::IgnoreFiles> ignore_files_;  // Those that have their place here.
  TakerReuse reuse_;
  TakerMirror mirror_;
  TakerConflicts conflicts_;
  FoundEqual equal_;
  TakerWay way_;
  TakerRoom room_;
  sync::NameFolding folding_;
  bool is_surveying_ = false;
  std::span<const Entry> have_;  // Of the part that is being compared.
  std::vector<TakerMirror::Reuse> renames_;
  TakerWriters* writers_ = nullptr;
  std::vector<TakerItem> items_;
  std::vector<PullProblem> lasting_problems_;  // Among them of items that cannot be looked at here.
  std::vector<protocol::OpenedItem> opened_;
  std::vector<std::size_t> differing_;  // Items.
  std::deque<sync::RelativePath> pending_;
  std::uint64_t pending_bytes_ = 0;
  std::optional<TakerDirectory> directory_;
  std::uint64_t unchanged_files_ = 0;  // Found so far in this round.
  bool told_unchanged_ = false;
  bool rules_change_ = false;    // A .callboardignore came in this round.
  bool leaves_ignored_ = false;  // Something that the giver does not ignore.
};

}  // namespace callboard::client
