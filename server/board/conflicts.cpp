#include "server/board/conflicts.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "server/board/conflict_search.h"
#include "server/board/path_hash.h"

namespace callboard::server {
namespace {

// From its end: one operation's paths mostly begin alike.
bool is_same_path(const document::Path& a, const document::Path& b) {
  return a.size() == b.size() && std::equal(a.rbegin(), a.rend(), b.rbegin());
}

// Of whose loss it is, and where.
std::size_t place_hash(const Conflict& conflict) {
  std::size_t hash = mixed(static_cast<std::size_t>(conflict.record), conflict.loser.stamp.session.value);
  hash = mixed(hash, hash_of(conflict.path));
  if (!conflict.places) return hash;
  hash = mixed(hash, conflict.places->size());
  for (const document::Edit& each : *conflict.places) hash = mixed(hash, hash_of(each.path));
  return hash;
}

bool are_same_places(const Conflict& a, const Conflict& b) {
  if (!is_same_path(a.path, b.path) || !a.places != !b.places) return false;
  if (!a.places) return true;
  return std::ranges::equal(*a.places, *b.places, [](const document::Edit& one, const document::Edit& other) {
    return is_same_path(one.path, other.path);
  });
}

bool are_same_values(const Conflict& a, const Conflict& b) {
  if (!a.places || !b.places) return document::equal(a.loser.value, b.loser.value);
  return std::ranges::equal(*a.places, *b.places, [](const document::Edit& one, const document::Edit& other) {
    return one.kind == other.kind && document::equal(one.value, other.value);
  });
}

bool is_lost_at_same_places(const Conflict& a, const Conflict& b) {
  return a.loser.stamp.session == b.loser.stamp.session && a.record == b.record && are_same_places(a, b);
}

bool are_equally_long(const Conflict& a, const Conflict& b) {
  if (a.places && b.places) return a.places->size() == b.places->size();
  return size_of(a.loser.value) == size_of(b.loser.value);
}

// One value is lost once, whatever it is lost to. Of many places others may be lost the next time. What is open may be a guess:
// what is short is compared all the same.
bool is_same_write(const Conflict& a, const Conflict& b) {
  if (a.loser.stamp != b.loser.stamp || a.places || !is_lost_at_same_places(a, b) || !are_equally_long(a, b))
    return false;
  return size_of(a.loser.value) > kConflictValueMax || document::equal(a.loser.value, b.loser.value);
}

// It is lost once, too, where its author writes it again without having seen what it was lost to.
bool is_same_loss(const Conflict& a, const Conflict& b) {
  return is_lost_at_same_places(a, b) && are_same_values(a, b);
}

// What comparing it with another one takes at most, in comparisons of the search. By what it says, not by what the two
// share: that is another thing after a start.
std::uint64_t effort_of(const Conflict& conflict) {
  constexpr std::uint64_t kValue = 4;
  std::uint64_t values = values_of(conflict.loser.value);
  if (conflict.places) {
    for (const document::Edit& each : *conflict.places) values += values_of(each.value);
  }
  return 1 + size_of(conflict) / kBytesAtOnce + kValue * values;
}

}  // namespace

document::Edits edits_of(const Conflict& conflict) {
  if (conflict.places) return *conflict.places;
  const document::ValuePtr& value = conflict.loser.value;
  const auto kind = value == nullptr ? document::Edit::Kind::remove : document::Edit::Kind::set;
  return {{kind, conflict.path, value, conflict.after}};
}

std::uint64_t size_of(const document::Path& path) {
  std::uint64_t size_bytes = 0;
  for (const document::Step& step : path) size_bytes += step.field.size() + step.key.size();
  return size_bytes;
}

std::uint64_t size_of(const Conflict& conflict) {
  std::uint64_t size_bytes = size_of(conflict.path) + conflict.after.size();
  for (const Side* side : {&conflict.winner, &conflict.loser}) size_bytes += size_of(side->value);
  if (!conflict.places) return size_bytes;
  // Of many small places most is what holds them. Everywhere the same: it decides which conflicts are forgotten.
  constexpr std::uint64_t kEdit = 80;
  constexpr std::uint64_t kStep = 64;
  for (const document::Edit& each : *conflict.places)
    size_bytes +=
        kEdit + each.path.size() * kStep + size_of(each.path) + each.after.size() + size_of(each.value);
  return size_bytes;
}

std::vector<Conflict> Conflicts::find(std::uint64_t sequence, const Operation& operation,
                                      const MergedDocument& document) {
  auto search = search_conflicts(sequence, operation, document);
  work_ += search.work;
  std::uint64_t room = kConflictWorkMax;
  std::vector<Conflict> found;
  found.reserve(search.found.size());
  for (Conflict& each : search.found) {
    const Conflict& kept = keep(std::move(each), room);
    const auto known = std::ranges::find(found, kept.number, &Conflict::number);
    if (known == found.end()) {
      found.push_back(kept);
    } else {
      *known = kept;
    }
  }
  work_ += kConflictWorkMax - room;
  return found;
}

// One value is lost once, to the newest of those it is lost to.
const Conflict& Conflicts::keep(Conflict conflict, std::uint64_t& room) {
  if (const auto known = known_as(conflict, room)) {
    Conflict& kept = open_[*known];
    open_bytes_ -= size_of(kept);
    if (kept.loser.stamp < conflict.loser.stamp) {
      kept.loser = std::move(conflict.loser);
      kept.after = std::move(conflict.after);
    }
    if (kept.winner.stamp < conflict.winner.stamp) kept.winner = std::move(conflict.winner);
    open_bytes_ += size_of(kept);
    return kept;
  }
  conflict.number = ++last_;
  add(std::move(conflict));
  while (open_.size() > kConflictsKept || (open_.size() > 1 && open_bytes_ > kConflictsKeptBytes)) forget(0);
  return open_.back();
}

// From the newest on: it is mostly what was found a moment ago. The very same write first, for which only short
// values are compared, whatever `room` is.
std::optional<std::size_t> Conflicts::known_as(const Conflict& conflict, std::uint64_t& room) const {
  const std::size_t hash = place_hash(conflict);
  for (std::size_t i = open_.size(); i-- > 0 && !conflict.is_guess;) {
    if (place_hashes_[i] == hash && is_same_write(open_[i], conflict)) return i;
  }
  const std::uint64_t effort = effort_of(conflict);
  for (std::size_t i = open_.size(); i-- > 0 && effort <= room;) {
    if (place_hashes_[i] != hash || !are_equally_long(open_[i], conflict)) continue;
    room -= effort;
    if (is_same_loss(open_[i], conflict)) return i;
  }
  return std::nullopt;
}

void Conflicts::add(Conflict conflict) {
  open_bytes_ += size_of(conflict);
  place_hashes_.push_back(place_hash(conflict));
  open_.push_back(std::move(conflict));
}

void Conflicts::forget(std::ptrdiff_t place) {
  const auto forgotten = open_.begin() + place;
  open_bytes_ -= size_of(*forgotten);
  open_.erase(forgotten);
  place_hashes_.erase(place_hashes_.begin() + place);
}

void Conflicts::settle(std::uint64_t number) {
  const auto settled = std::ranges::find(open_, number, &Conflict::number);
  if (settled != open_.end()) forget(settled - open_.begin());
}

const Conflict* Conflicts::open(std::uint64_t number) const {
  const auto found =
      std::find_if(open_.begin(), open_.end(), [&](const Conflict& each) { return each.number == number; });
  return found == open_.end() ? nullptr : &*found;
}

}  // namespace callboard::server
