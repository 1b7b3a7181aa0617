#include "server/board/conflict_search.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/document/guide.h"
#include "base/limits.h"
#include "server/board/path_hash.h"

namespace callboard::server {
namespace {

// Stamps that are compared in the time of one comparison.
constexpr std::uint64_t kStampsAtOnce = 8;

using document::Edit;
using EditRefs = std::vector<const Edit*>;

bool meet(const Edit& edit, const Edit& other) {
  if (other.kind == Edit::Kind::place || !overlap(edit.path, other.path)) return false;
  return edit.path != other.path || !document::equal(edit.value, other.value);
}

EditRefs refs_of(const document::Edits& edits) {
  EditRefs refs;
  refs.reserve(edits.size());
  for (const Edit& each : edits) refs.push_back(&each);
  return refs;
}

// Finds what an edit has in common with any of many: by comparing it with each, or looked up by its place and by what encloses
// it, where more are asked for than that costs.
class Opponents {
 public:
  // What they point to outlives this. `asked` is how often of() will be called, about.
  Opponents(EditRefs others, std::size_t asked)
      : others_(std::move(others)),
        is_table_(others_.size() * asked > kPut * others_.size() + kAsked * asked) {
    if (!is_table_) return;
    work_ = kPut * others_.size();
    for (std::size_t i = 0; i < others_.size(); ++i) {
      const auto& hashes = hashes_of(others_[i]->path);
      for (const std::size_t hash : hashes) within_.push_back({hash, i});
      at_.push_back({hashes.back(), i});
    }
    std::ranges::sort(within_);
    std::ranges::sort(at_);
  }

  // The first that meets it; null: nothing does, or the same.
  const Edit* of(const Edit& edit) {
    if (edit.kind == Edit::Kind::place) return nullptr;
    if (!is_table_) {
      const auto found = std::ranges::find_if(others_, [&](const Edit* other) { return meet(edit, *other); });
      const auto compared = static_cast<std::uint64_t>(found - others_.begin()) + 1;
      work_ += std::min<std::uint64_t>(compared, others_.size());
      return found == others_.end() ? nullptr : *found;
    }
    work_ += kAsked;
    std::size_t first = others_.size();
    const auto look = [&](const Places& places, std::size_t hash) {
      auto each = std::ranges::lower_bound(places, Place{hash, 0});
      for (; each != places.end() && each->first == hash && each->second < first; ++each, ++work_) {
        if (meet(edit, *others_[each->second])) first = each->second;
      }
    };
    const auto& hashes = hashes_of(edit.path);
    for (const std::size_t hash : hashes) look(at_, hash);
    if (first == others_.size()) look(within_, hashes.back());
    return first == others_.size() ? nullptr : others_[first];
  }

  const EditRefs& others() const { return others_; }
  // So far.
  std::uint64_t work() const { return work_; }

 private:
  // Of a hash, in their order. In one piece: a node for each costs more than all the rest.
  using Place = std::pair<std::size_t, std::size_t>;
  using Places = std::vector<Place>;
  // What it takes to put one into the table, and to ask for one, in comparisons.
  static constexpr std::uint64_t kPut = 16;
  static constexpr std::uint64_t kAsked = 8;

  // Of the whole, of what lies one step within it, and so on to the path itself.
  const std::vector<std::size_t>& hashes_of(const document::Path& path) {
    hashes_.assign(1, kHashOfAll);
    for (const document::Step& step : path) hashes_.push_back(hash_within(hashes_.back(), step));
    return hashes_;
  }

  EditRefs others_;
  bool is_table_ = false;
  std::uint64_t work_ = 0;
  Places at_;
  Places within_;
  std::vector<std::size_t> hashes_;
};

// What some edits have put, and where.
class PutPlaces {
 public:
  explicit PutPlaces(const EditRefs& edits) {
    for (const Edit* each : edits) {
      if (each->kind != Edit::Kind::place) put_.emplace(hash_of(each->path), each);
    }
  }

  bool have(const document::Path& path, const document::ValuePtr& value) const {
    const auto [first, end] = put_.equal_range(hash_of(path));
    return std::any_of(first, end, [&](const auto& each) {
      return each.second->path == path && document::equal(each.second->value, value);
    });
  }
  // What it took, in comparisons.
  std::uint64_t work() const { return kPut * put_.size(); }

 private:
  static constexpr std::uint64_t kPut = 8;

  std::unordered_multimap<std::size_t, const Edit*> put_;
};

struct Party {
  std::uint64_t revision;
  const Operation& operation;
};

Side side(const Party& party, document::ValuePtr value) {
  return {party.revision, stamp_of(party.operation), party.operation.user, std::move(value)};
}

bool lies_within(const Edit& edit, const Edit& enclosing) {
  return edit.kind != Edit::Kind::place && edit.path.size() > enclosing.path.size() &&
         overlap(edit.path, enclosing.path);
}

// `lost` is the loser's, with the winner's that it is lost to.
Conflict conflict_of(const Party& loser, const Edit& lost, const Party& winner, const Edit& won) {
  Conflict conflict{0, loser.operation.record, lost.path, side(winner, won.value), side(loser, lost.value)};
  // What stands is in the document; here it is only for people to look at.
  const bool is_shown =
      won.path == lost.path && won.value != nullptr && won.value->size_bytes() <= kConflictValueMax;
  if (!is_shown) conflict.winner.value = nullptr;
  if (lost.kind == Edit::Kind::set) conflict.after = lost.after;
  return conflict;
}

// Behind which element of its array one stands. Asked in the order of the document it goes on from where the last one was.
class Neighbours {
 public:
  // `document` outlives this.
  explicit Neighbours(document::Guide& document) : document_(document) {}

  // Its key as JSON text, empty where it is the first; nullopt: it is not there, or too far from the last ones.
  std::optional<std::string> before(const document::Path& path) {
    document::Path around(path.begin(), path.end() - 1);
    const document::ValuePtr holder = document_.find(around);
    if (holder == nullptr || holder->array() == nullptr) return std::nullopt;
    const document::Array& array = *holder->array();
    // By where it is: what two places share is another thing after a start.
    if (around != around_) place_ = 0;
    around_ = std::move(around);
    for (std::size_t i = 0; i < array.size() && work_ < kConflictWorkMax; ++i) {
      const std::size_t place = (place_ + i) % array.size();
      if (key_of(*array[place], path.back()) != path.back().key) continue;
      place_ = place;
      return place == 0 ? std::string() : key_of(*array[place - 1], path.back());
    }
    return std::nullopt;
  }
  // What it took, in comparisons.
  std::uint64_t work() const { return work_; }

 private:
  static constexpr std::uint64_t kLook = 4;

  std::string key_of(const document::Value& element, const document::Step& step) {
    std::string key = document::key_of(element, step.field);
    work_ += kLook + key.size() / kBytesAtOnce;
    return key;
  }

  document::Guide& document_;
  document::Path around_;  // The array of the last one, and where that is in it.
  std::size_t place_ = 0;
  std::uint64_t work_ = 0;
};

// What stands at a place, to be brought back there: an element of an array behind the one that it stands behind. Where that is
// not known, several of one array behind each other.
Edit bringing_back(const document::Path& path, document::ValuePtr stood, const document::Edits& before,
                   Neighbours& neighbours) {
  if (stood == nullptr) return {Edit::Kind::remove, path, nullptr, {}};
  Edit edit{Edit::Kind::set, path, std::move(stood), {}};
  if (path.empty() || path.back().field.empty()) return edit;
  if (auto known = neighbours.before(path)) {
    edit.after = std::move(*known);
    return edit;
  }
  if (before.empty()) return edit;
  const document::Path& last = before.back().path;
  const bool is_in_same_array = last.size() == path.size() && last.back().field == path.back().field &&
                                std::equal(last.begin(), last.end() - 1, path.begin());
  if (is_in_same_array) edit.after = last.back().key;
  return edit;
}

Conflict conflict_of_all(const Party& loser, document::Edits lost, const Party& winner) {
  document::Path path = document::common_path(lost);
  return {0,
          loser.operation.record,
          std::move(path),
          side(winner, nullptr),
          side(loser, nullptr),
          std::make_shared<const document::Edits>(std::move(lost))};
}

class Search {
 public:
  using Entry = MergedDocument::Entry;
  // The others are of what is not compared any more: one for what is newer, and one for what is older.
  static constexpr std::size_t kComparedMax = kConflictsKept - 2;
  // Of the author's own that are looked at whatever has arrived.
  static constexpr std::size_t kFewEdits = 1024;

  Search(std::uint64_t sequence, const Operation& operation, const MergedDocument& document)
      : arrived_{sequence, operation},
        document_(document),
        newest_seen_(document.newest_known(operation.base)) {}

  ConflictSearch run() && {
    std::vector<const Entry*> unseen;
    std::size_t edits = 0;
    document_.for_each_unseen(arrived_.operation, [&](const Entry& entry) {
      unseen.push_back(&entry);
      edits += entry.operation->edits->size();
    });
    const Entry* forgotten = document_.forgotten_unseen(arrived_.operation);
    if (unseen.empty() && forgotten == nullptr) return {};
    Opponents mine(refs_of(*arrived_.operation.edits), edits);
    const std::uint64_t begun = mine.work();
    // From the newest on, and told in their order.
    std::vector<std::vector<Conflict>> found;
    std::size_t room = kComparedMax;
    auto entry = unseen.rbegin();
    for (bool is_enough = false; !is_enough && entry != unseen.rend();) {
      const std::size_t met_before = met_.size();
      auto met = look_at(**entry, mine, room + 1);
      const bool is_cut = met.size() > room;
      if (is_cut) met.resize(room);
      if (is_cut) met_.resize(met_before);
      room -= met.size();
      found.push_back(std::move(met));
      is_enough = is_cut || work_ + mine.work() - begun > kConflictWorkMax;
      if (!is_cut) ++entry;
    }
    std::vector<const Entry*> left(entry, unseen.rend());
    if (forgotten != nullptr) left.push_back(forgotten);
    for (const Rest& rest : rest_of(left)) {
      // A guess: it takes no more room from those that are known than is told at a time.
      const std::size_t count_max = rest.newest == forgotten ? std::min(room + 1, kConflictsPerTell) : 1;
      found.push_back(taken_as_all(rest, count_max));
    }
    ConflictSearch result{{}, work_ + mine.work()};
    for (auto each = found.rbegin(); each != found.rend(); ++each)
      std::ranges::move(*each, std::back_inserter(result.found));
    return result;
  }

 private:
  std::vector<Conflict> look_at(const Entry& entry, Opponents& mine, std::size_t count_max) {
    EditRefs theirs;
    for (const Edit& each : *entry.operation->edits) {
      const Edit* met = mine.of(each);
      if (met == nullptr) continue;
      theirs.push_back(&each);
      if (met->path == each.path) met_.push_back(&each);
    }
    if (theirs.empty()) return {};
    const Party present{entry.sequence, *entry.operation};
    const Stamp stamp = stamp_of(present.operation);
    if (stamp < stamp_of(arrived_.operation)) {
      // One that came late.
      if (stamp < newest_seen_) {
        lost_to_before_ = document_.unseen_newer(entry, arrived_.operation.base);
        work_ += kMergeWindowOperations / kStampsAtOnce;
      }
      auto found = lost_to(mine, arrived_, theirs, present, count_max);
      lost_to_before_.clear();
      return found;
    }
    Opponents opponents(std::move(theirs), mine.others().size());
    auto found = lost_to(opponents, present, mine.others(), arrived_, count_max);
    work_ += opponents.work();
    return found;
  }

  std::vector<Conflict> lost_to(Opponents& winners, const Party& winner, const EditRefs& losers,
                                const Party& loser, std::size_t count_max) {
    const bool is_arrived_newer = &winner == &arrived_;
    std::vector<Conflict> found;
    for (const Edit* lost : losers) {
      if (found.size() >= count_max) break;
      const Edit* won = winners.of(*lost);
      if (won == nullptr) continue;
      // The newer one finds nothing to change: it is the one that loses.
      if (lies_within(*won, *lost) && document_.is_taken_for_good(*lost, *won, is_arrived_newer)) {
        work_ += winners.others().size();
        for (const Edit* within : winners.others()) {
          if (lies_within(*within, *lost) && found.size() < count_max)
            add(found, conflict_of(winner, *within, loser, *lost));
        }
      } else if (!was_lost_before(*lost)) {
        add(found, conflict_of(loser, *lost, winner, *won));
      }
    }
    return found;
  }

  // Whether all of it was lost as it came, to what the author of what has arrived had seen there.
  bool was_lost_before(const Edit& lost) {
    // Else it is one conflict more, which is told once more.
    if (work_ > kConflictWorkMax) return false;
    return std::ranges::any_of(lost_to_before_, [&](const Operation* seen) {
      work_ += seen->edits->size();
      return std::ranges::any_of(*seen->edits, [&](const Edit& each) {
        return each.kind != Edit::Kind::place && each.path.size() <= lost.path.size() &&
               overlap(each.path, lost.path);
      });
    });
  }

  // Each has a path of its own, and what it stood behind: a long one that is lost to many would fill the memory.
  void add(std::vector<Conflict>& found, Conflict conflict) {
    work_ += (size_of(conflict.path) + conflict.after.size()) / kBytesAtOnce;
    found.push_back(std::move(conflict));
  }

  // Entries that were not looked at, as if they were one.
  struct Rest {
    const Entry* newest;
    bool is_lost_to;  // What has arrived is older than they; else they may be lost to it.
  };

  // Those that are newer than what has arrived and those that are older, from the newest on.
  std::vector<Rest> rest_of(const std::vector<const Entry*>& left) const {
    const Stamp stamp = stamp_of(arrived_.operation);
    std::vector<Rest> rest;
    for (const Entry* entry : left) {
      const bool is_lost_to = stamp < stamp_of(*entry->operation) || document_.is_too_old(stamp);
      if (rest.empty() || rest.back().is_lost_to != is_lost_to) rest.push_back({entry, is_lost_to});
    }
    return rest;
  }

  // By what was compared and by the same author, behind all that the rest may be. Where that stands, it is what the rest was lost
  // to there; what is lost of it was found by comparing.
  PutPlaces put_behind(const Rest& rest) const {
    EditRefs put = met_;
    // A script that does the same again and again has done it a moment ago.
    std::size_t room = kFewEdits + 2 * arrived_.operation.edits->size();
    const Stamp stamp = stamp_of(*rest.newest->operation);
    for (const Operation* own : document_.written_since(stamp, arrived_.operation.session)) {
      if (own->edits->size() > room) break;
      room -= own->edits->size();
      for (const Edit& each : *own->edits) put.push_back(&each);
    }
    return PutPlaces(put);
  }

  // What stands, or would stand, where the other side has another value is what may have been lost. Where that are more than
  // `count_max` places, the last conflict is of all that are left.
  std::vector<Conflict> taken_as_all(const Rest& rest, std::size_t count_max) {
    const Party present{rest.newest->sequence, *rest.newest->operation};
    const Party& loser = rest.is_lost_to ? arrived_ : present;
    const Party& winner = rest.is_lost_to ? present : arrived_;
    std::vector<Conflict> found;
    document::Edits lost;
    document::Guide standing(document_.root());
    Neighbours neighbours(standing);
    std::optional<PutPlaces> behind;
    work_ += arrived_.operation.edits->size();
    for (const Edit& mine : *arrived_.operation.edits) {
      if (mine.kind == Edit::Kind::place) continue;
      document::ValuePtr stood = standing.find(mine.path);
      if (document::equal(stood, mine.value)) continue;
      if (!rest.is_lost_to && !behind) behind = put_behind(rest);
      if (behind && behind->have(mine.path, stood)) continue;
      lost.push_back(rest.is_lost_to ? mine : bringing_back(mine.path, std::move(stood), lost, neighbours));
      if (found.size() == count_max) continue;
      // Of those that it is lost to it is not known which.
      const Edit unknown{Edit::Kind::set, mine.path, nullptr, {}};
      found.push_back(conflict_of(loser, lost.back(), winner, rest.is_lost_to ? unknown : mine));
      found.back().is_guess = !rest.is_lost_to;
    }
    work_ += neighbours.work() + (behind ? behind->work() : 0);
    if (lost.size() > count_max) {
      found.resize(count_max - 1);
      lost.erase(lost.begin(), lost.begin() + static_cast<std::ptrdiff_t>(found.size()));
      found.push_back(conflict_of_all(loser, std::move(lost), winner));
    }
    return found;
  }

  Party arrived_;
  const MergedDocument& document_;
  Stamp newest_seen_;  // By the author of what has arrived.
  // Of the one that is looked at, where it came late: what it was lost to then, and that author had seen.
  std::vector<const Operation*> lost_to_before_;
  // Of those that were compared to the end, what they did at the very places of what has arrived.
  EditRefs met_;
  std::uint64_t work_ = 0;
};

}  // namespace

ConflictSearch search_conflicts(std::uint64_t sequence, const Operation& operation,
                                const MergedDocument& document) {
  if (!is_based(operation)) return {};
  return Search(sequence, operation, document).run();
}

}  // namespace callboard::server
