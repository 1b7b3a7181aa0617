#include "server/board/conflicts.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "server/board/conflict_search.h"

namespace callboard::server {
namespace {

// From its end: one operation's paths mostly begin alike.
bool is_same_path(const document::Path& a, const document::Path& b) {
  return a.size() == b.size() && std::equal(a.rbegin(), a.rend(), b.rbegin());
}

std::uint64_t size_of(const document::Path& path) {
  std::uint64_t size_bytes = 0;
  for (const document::Step& step : path) size_bytes += step.field.size() + step.key.size();
  return size_bytes;
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

// One value is lost once, though its author writes it again without having seen what it was lost to.
bool is_same_loss(const Conflict& a, const Conflict& b) {
  if (a.loser.stamp.session != b.loser.stamp.session || a.record != b.record || !are_same_places(a, b))
    return false;
  return a.loser.stamp == b.loser.stamp || are_same_values(a, b);
}

}  // namespace

document::Edits edits_of(const Conflict& conflict) {
  if (conflict.places) return *conflict.places;
  const document::ValuePtr& value = conflict.loser.value;
  const auto kind = value == nullptr ? document::Edit::Kind::remove : document::Edit::Kind::set;
  return {{kind, conflict.path, value, {}}};
}

std::uint64_t size_of(const Conflict& conflict) {
  std::uint64_t size_bytes = size_of(conflict.path);
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
  std::vector<Conflict> found;
  found.reserve(search.found.size());
  for (Conflict& each : search.found) found.push_back(keep(std::move(each)));
  return found;
}

// One value is lost once, to the newest of those it is lost to.
const Conflict& Conflicts::keep(Conflict conflict) {
  const auto known =
      std::ranges::find_if(open_, [&](const Conflict& each) { return is_same_loss(each, conflict); });
  if (known != open_.end()) {
    open_bytes_ -= size_of(*known);
    if (known->loser.stamp < conflict.loser.stamp) known->loser = std::move(conflict.loser);
    if (known->winner.stamp < conflict.winner.stamp) known->winner = std::move(conflict.winner);
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
