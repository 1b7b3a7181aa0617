#include "server/board/conflicts.h"

#include <algorithm>
#include <utility>

#include "base/document_limits.h"

namespace callboard::server {
namespace {

using document::Edit;

// What the edits of one have in common with an edit of the other; null: nothing, or the same.
const Edit* opponent_of(const Edit& edit, const document::Edits& others) {
  if (edit.kind == Edit::Kind::place) return nullptr;
  for (const Edit& other : others) {
    if (other.kind == Edit::Kind::place || !overlap(edit.path, other.path)) continue;
    const bool is_same = edit.path == other.path && document::equal(edit.value, other.value);
    if (!is_same) return &other;
  }
  return nullptr;
}

Side side(std::uint64_t revision, const Operation& operation, const Edit& edit) {
  return {revision, stamp_of(operation), operation.user, edit.value};
}

struct Party {
  std::uint64_t revision;
  const Operation& operation;
};

}  // namespace

std::vector<Conflict> Conflicts::find(std::uint64_t sequence, const Operation& operation,
                                      const MergedDocument& document) {
  std::vector<Conflict> found;
  if (!is_based(operation)) return found;
  document.for_each_unseen(operation, [&](const MergedDocument::Entry& entry) {
    const Party present{entry.sequence, *entry.operation};
    const Party arrived{sequence, operation};
    const bool is_arrived_newer = stamp_of(present.operation) < stamp_of(operation);
    const Party& loser = is_arrived_newer ? present : arrived;
    const Party& winner = is_arrived_newer ? arrived : present;
    for (const Edit& lost : *loser.operation.edits) {
      const Edit* won = opponent_of(lost, *winner.operation.edits);
      if (won == nullptr) continue;
      Conflict conflict{0, operation.record, lost.path, side(winner.revision, winner.operation, *won),
                        side(loser.revision, loser.operation, lost)};
      if (won->path != lost.path) conflict.winner.value = nullptr;
      found.push_back(keep(std::move(conflict)));
    }
  });
  return found;
}

// One value is lost once, to the newest of those it is lost to.
const Conflict& Conflicts::keep(Conflict conflict) {
  const auto known = std::find_if(open_.begin(), open_.end(), [&](const Conflict& each) {
    return each.loser.stamp == conflict.loser.stamp && each.path == conflict.path &&
           each.record == conflict.record;
  });
  if (known != open_.end()) {
    if (known->winner.stamp < conflict.winner.stamp) known->winner = std::move(conflict.winner);
    return *known;
  }
  conflict.number = ++last_;
  open_.push_back(std::move(conflict));
  if (open_.size() > kConflictsKept) open_.pop_front();
  return open_.back();
}

void Conflicts::settle(std::uint64_t number) {
  std::erase_if(open_, [&](const Conflict& each) { return each.number == number; });
}

const Conflict* Conflicts::open(std::uint64_t number) const {
  const auto found =
      std::find_if(open_.begin(), open_.end(), [&](const Conflict& each) { return each.number == number; });
  return found == open_.end() ? nullptr : &*found;
}

}  // namespace callboard::server
