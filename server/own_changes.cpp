#include "server/own_changes.h"

#include <algorithm>
#include <string>

#include "base/limits.h"

namespace callboard::server {

OwnChanges::OwnChanges(const Board& board, Record record, std::uint64_t base,
                       const std::vector<UniqueId>& ids)
    : base_(base) {
  for (const UniqueId id : ids) {
    if (place_of_.emplace(id, own_.size()).second) own_.push_back({id});
  }
  if (base_ != 0) {
    board.document(record).for_each_since(base_, [this](const MergedDocument::Entry& each) {
      const auto place = place_of_.find(each.operation->id);
      if (place != place_of_.end()) take(own_[place->second], each.sequence, *each.operation);
    });
  }
  for (Own& each : own_) {
    if (each.is_found) continue;
    const auto known = board.find(each.id);
    each.is_found = known && known->record == record && (base_ == 0 || known->sequence <= base_);
  }
}

std::vector<UniqueId> OwnChanges::sought() const {
  std::vector<UniqueId> ids;
  for (const Own& each : own_) {
    if (!each.is_found) ids.push_back(each.id);
  }
  return ids;
}

void OwnChanges::add(const Committed& found) {
  const auto place = place_of_.find(found.operation.id);
  if (place == place_of_.end()) return;
  Own& own = own_[place->second];
  const bool is_in_base = base_ == 0 || found.sequence <= base_;
  if (is_in_base) {
    own.is_found = true;
    return;
  }
  bytes_ += found.operation.value->size();
  if (bytes_ <= kMergeWindowBytes) take(own, found.sequence, found.operation);
}

void OwnChanges::take(Own& own, std::uint64_t sequence, const Operation& operation) {
  own = {operation.id, true, operation.edits, sequence, operation.session};
  newest_ = std::max(newest_, stamp_of(operation));
}

std::vector<std::shared_ptr<const document::Edits>> OwnChanges::edits() const {
  std::vector<std::shared_ptr<const document::Edits>> edits;
  for (const Own& each : own_) {
    if (each.edits != nullptr) edits.push_back(each.edits);
  }
  return edits;
}

std::uint64_t OwnChanges::last_of_another(SessionId session) const {
  std::uint64_t last = 0;
  for (const Own& each : own_) {
    if (each.session != session) last = std::max(last, each.sequence);
  }
  return last;
}

Result<void> OwnChanges::check() const {
  const auto missing = std::ranges::find(own_, false, &Own::is_found);
  if (missing == own_.end()) return {};
  return Error{Outcome::superseded,
               "it was made of its author's change " + to_text(missing->id) +
                   ", which is not there: it was refused, or is kept no longer; change what is there now"};
}

}  // namespace callboard::server
