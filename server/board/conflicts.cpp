#include "server/board/conflicts.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/document_limits.h"
#include "base/text_hash.h"

namespace callboard::server {
namespace {

using document::Edit;

bool meet(const Edit& edit, const Edit& other) {
  if (other.kind == Edit::Kind::place || !overlap(edit.path, other.path)) return false;
  return edit.path != other.path || !document::equal(edit.value, other.value);
}

// Finds what the edits of one have in common with an edit of the other. Many are looked up by their places and by what
// encloses those, instead of each with each.
class Opponents {
 public:
  // `others` stay as they are while this lives.
  Opponents(const document::Edits& others, std::size_t asked) : others_(others) {
    constexpr std::size_t kFewPairs = 1024;
    if (others.size() * asked <= kFewPairs) return;
    is_table_ = true;
    for (std::size_t i = 0; i < others.size(); ++i) {
      const auto hashes = hashes_of(others[i].path);
      for (const std::size_t hash : hashes) within_.emplace(hash, i);
      at_.emplace(hashes.back(), i);
    }
  }

  // The first that meets it; null: nothing does, or the same.
  const Edit* of(const Edit& edit) const {
    if (edit.kind == Edit::Kind::place) return nullptr;
    if (!is_table_) {
      const auto found = std::ranges::find_if(others_, [&](const Edit& other) { return meet(edit, other); });
      return found == others_.end() ? nullptr : &*found;
    }
    std::size_t first = others_.size();
    const auto look = [&](const Places& places, std::size_t hash) {
      const auto [begin, end] = places.equal_range(hash);
      for (auto each = begin; each != end; ++each) {
        if (each->second < first && meet(edit, others_[each->second])) first = each->second;
      }
    };
    const auto hashes = hashes_of(edit.path);
    for (const std::size_t hash : hashes) look(at_, hash);
    if (first == others_.size()) look(within_, hashes.back());
    return first == others_.size() ? nullptr : &others_[first];
  }

 private:
  using Places = std::unordered_multimap<std::size_t, std::size_t>;

  // Of the whole, of what lies one step within it, and so on to the path itself.
  static std::vector<std::size_t> hashes_of(const document::Path& path) {
    constexpr std::size_t kMix = 0x9e3779b97f4a7c15;
    std::vector<std::size_t> hashes{1};
    for (const document::Step& step : path) {
      const std::size_t own = TextHash()(step.field) * 31 + TextHash()(step.key);
      hashes.push_back((hashes.back() ^ own) * kMix + own);
    }
    return hashes;
  }

  const document::Edits& others_;
  bool is_table_ = false;
  Places at_;
  Places within_;
};

// From its end: one operation's paths mostly begin alike.
bool is_same_path(const document::Path& a, const document::Path& b) {
  return a.size() == b.size() && std::equal(a.rbegin(), a.rend(), b.rbegin());
}

Side side(std::uint64_t revision, const Operation& operation, const Edit& edit) {
  return {revision, stamp_of(operation), operation.user, edit.value};
}

struct Party {
  std::uint64_t revision;
  const Operation& operation;
};

bool lies_within(const Edit& edit, const Edit& enclosing) {
  return edit.kind != Edit::Kind::place && edit.path.size() > enclosing.path.size() &&
         overlap(edit.path, enclosing.path);
}

// `lost` is the loser's, with the winner's that it is lost to.
Conflict conflict_of(const Party& loser, const Edit& lost, const Party& winner, const Edit& won) {
  Conflict conflict{0, loser.operation.record, lost.path, side(winner.revision, winner.operation, won),
                    side(loser.revision, loser.operation, lost)};
  // What stands is in the document; here it is only for people to look at.
  const bool is_shown =
      won.path == lost.path && won.value != nullptr && won.value->size_bytes() <= kConflictValueMax;
  if (!is_shown) conflict.winner.value = nullptr;
  return conflict;
}

}  // namespace

std::uint64_t size_of(const Conflict& conflict) {
  std::uint64_t size_bytes = 0;
  for (const document::Step& step : conflict.path) size_bytes += step.field.size() + step.key.size();
  for (const Side* side : {&conflict.winner, &conflict.loser})
    size_bytes += side->value == nullptr ? 0 : side->value->size_bytes();
  return size_bytes;
}

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
    const Opponents opponents(*winner.operation.edits, loser.operation.edits->size());
    for (const Edit& lost : *loser.operation.edits) {
      const Edit* won = opponents.of(lost);
      if (won == nullptr) continue;
      // The newer one finds nothing to change: it is the one that loses.
      if (lies_within(*won, lost) && document.is_taken_for_good(lost, is_arrived_newer)) {
        for (const Edit& within : *winner.operation.edits) {
          if (lies_within(within, lost)) found.push_back(keep(conflict_of(winner, within, loser, lost)));
        }
      } else {
        found.push_back(keep(conflict_of(loser, lost, winner, *won)));
      }
    }
  });
  return found;
}

// One value is lost once, to the newest of those it is lost to.
const Conflict& Conflicts::keep(Conflict conflict) {
  const auto known = std::find_if(open_.begin(), open_.end(), [&](const Conflict& each) {
    return each.loser.stamp == conflict.loser.stamp && each.record == conflict.record &&
           is_same_path(each.path, conflict.path);
  });
  if (known != open_.end()) {
    if (!(known->winner.stamp < conflict.winner.stamp)) return *known;
    open_bytes_ -= size_of(*known);
    known->winner = std::move(conflict.winner);
    open_bytes_ += size_of(*known);
    return *known;
  }
  conflict.number = ++last_;
  open_bytes_ += size_of(conflict);
  open_.push_back(std::move(conflict));
  while (open_.size() > kConflictsKept || (open_.size() > 1 && open_bytes_ > kConflictsKeptBytes))
    forget_oldest();
  return open_.back();
}

void Conflicts::forget_oldest() {
  open_bytes_ -= size_of(open_.front());
  open_.pop_front();
}

void Conflicts::settle(std::uint64_t number) {
  std::erase_if(open_, [&](const Conflict& each) {
    if (each.number != number) return false;
    open_bytes_ -= size_of(each);
    return true;
  });
}

const Conflict* Conflicts::open(std::uint64_t number) const {
  const auto found =
      std::find_if(open_.begin(), open_.end(), [&](const Conflict& each) { return each.number == number; });
  return found == open_.end() ? nullptr : &*found;
}

}  // namespace callboard::server
