#include "server/board/record_history.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>

#include "base/text.h"
#include "server/board/log.h"

namespace callboard::server {
namespace {

constexpr std::uint64_t kNewest = std::numeric_limits<std::uint64_t>::max();

// A record's operations, one after the other, by the very code that makes the board.
class RecordFold {
 public:
  // Whether it stands.
  bool apply(const Committed& committed) {
    const RecordChange& change = *committed.operation.change;
    const bool may_make = change.action == RecordAction::put && !change.record_class.empty();
    const bool is_beginning = may_make || change.action == RecordAction::make;
    if (!is_known_ && change.action == RecordAction::remove) return is_known_ = true;
    if (!is_known_ && !is_beginning) return true;
    is_known_ = true;
    const bool stands = table_.apply(committed.sequence, committed.operation) == Outcome::done;
    if (const auto now = table_.find(committed.operation.path)) last_ = now;
    return stands;
  }
  RecordStatePtr now(const std::string& path) const { return table_.find(path); }
  const RecordStatePtr& last() const { return last_; }

 private:
  RecordTable table_;
  RecordStatePtr last_;
  bool is_known_ = false;
};

RecordRevision revision_of(const Committed& committed, bool stands) {
  const Operation& operation = committed.operation;
  return {committed.sequence, operation.session, operation.user, operation.timestamp, operation.base, stands,
          operation.change};
}

Error not_there(const std::string& path, std::uint64_t number, const std::string& why) {
  return {Outcome::not_found, callboard::quoted(path) + ", revision " + std::to_string(number) + ": " + why};
}

}  // namespace

Result<RecordListing> record_history(History& history, const RecordQuery& query) {
  RecordFold fold;
  std::deque<RecordRevision> found;
  RecordListing listing;
  const std::uint64_t last = query.before == 0 ? kNewest : query.before - 1;
  const auto read = history.visit_record(query.path, last, [&](const Committed& committed) {
    const bool stands = fold.apply(committed);
    if (committed.operation.timestamp < query.since) return;
    found.push_back(revision_of(committed, stands));
    if (found.size() <= query.count) return;
    found.pop_front();
    listing.is_more = true;
  });
  if (!read) return read.error();
  listing.revisions.assign(std::make_move_iterator(found.rbegin()), std::make_move_iterator(found.rend()));
  listing.last = fold.last();
  return listing;
}

Result<RecordStatePtr> record_version(History& history, const std::string& path, std::uint64_t number) {
  RecordFold fold;
  bool is_there = false;
  bool stands = false;
  bool is_removal = false;
  const auto read = history.visit_record(path, number, [&](const Committed& committed) {
    stands = fold.apply(committed);
    is_there = committed.sequence == number;
    is_removal = committed.operation.change->action == RecordAction::remove;
  });
  if (!read) return read.error();
  if (!is_there) return not_there(path, number, "there was none, or it is no longer kept");
  if (!stands) return not_there(path, number, "it came to nothing: somebody else was quicker");
  if (is_removal) return not_there(path, number, "it was removed by that");
  const RecordStatePtr state = fold.now(path);
  if (state == nullptr) return not_there(path, number, "what it was made of is no longer kept");
  return state;
}

}  // namespace callboard::server
