#include "server/board/merged_document.h"

#include <algorithm>
#include <utility>

#include "base/document_limits.h"
#include "base/ensure.h"

namespace callboard::server {
namespace {

bool apply_all(document::Growth& growth, const Operation& operation) {
  bool is_done = true;
  for (const document::Edit& edit : *operation.edits) is_done = growth.apply(edit) && is_done;
  return is_done;
}

bool shows_all(const document::Growth& growth, const Operation& operation) {
  return std::ranges::all_of(*operation.edits,
                             [&](const document::Edit& edit) { return growth.shows(edit); });
}

}  // namespace

MergedDocument::Effect MergedDocument::apply(std::uint64_t sequence, const Operation& operation) {
  ENSURE(operation.edits != nullptr);
  const Stamp stamp = stamp_of(operation);
  // The stamp of an empty document is older than any.
  if (stamp < floor_stamp_) return {};
  const document::ValuePtr before = growth_.root();
  Entry entry{sequence, std::make_shared<const Operation>(operation), std::nullopt};
  Effect effect;
  if (window_.empty() || stamp_of(*window_.back().operation) < stamp) {
    window_bytes_ += operation.value->size();
    effect.stands = apply_all(growth_, operation);
    window_.push_back(std::move(entry));
    if (sequence % kMergeWindowStride == 0) window_.back().after = growth_;
    effect.changed = before != growth_.root();
  } else {
    const auto place = std::find_if(window_.begin(), window_.end(),
                                    [&](const Entry& each) { return stamp < stamp_of(*each.operation); });
    put_between(place, std::move(entry));
    effect.stands = shows_all(growth_, operation);
    effect.changed = !document::equal(before, growth_.root());
  }
  if (effect.changed) {
    head_ = Head{sequence, operation.id, operation.session, operation.user, operation.timestamp};
  }
  keep_window_short();
  return effect;
}

void MergedDocument::put_between(std::deque<Entry>::iterator place, Entry entry) {
  window_bytes_ += entry.operation->value->size();
  const auto index = static_cast<std::size_t>(place - window_.begin());
  window_.insert(place, std::move(entry));
  replay_from(index);
}

void MergedDocument::replay_from(std::size_t index) {
  std::size_t first = index;
  while (first > 0 && !window_[first - 1].after) --first;
  growth_ = first == 0 ? floor_ : *window_[first - 1].after;
  for (std::size_t i = first; i < window_.size(); ++i) {
    apply_all(growth_, *window_[i].operation);
    const bool is_kept = window_[i].after || window_[i].sequence % kMergeWindowStride == 0;
    if (is_kept) window_[i].after = growth_;
  }
}

void MergedDocument::keep_window_short() {
  while (window_.size() > kMergeWindowOperations || window_bytes_ > kMergeWindowBytes) {
    const Entry& oldest = window_.front();
    apply_all(floor_, *oldest.operation);
    floor_stamp_ = stamp_of(*oldest.operation);
    window_bytes_ -= oldest.operation->value->size();
    window_.pop_front();
  }
}

Document MergedDocument::text() const {
  if (window_.empty() || window_.back().operation->form != Form::whole) return nullptr;
  return window_.back().operation->value;
}

Stamp MergedDocument::newest_known(SessionId session, std::uint64_t base) const {
  for (auto each = window_.rbegin(); each != window_.rend(); ++each) {
    if (each->sequence <= base || each->operation->session == session) return stamp_of(*each->operation);
  }
  return base == 0 ? Stamp{} : floor_stamp_;
}

void MergedDocument::for_each_unseen(const Operation& by,
                                     const std::function<void(const Entry&)>& visit) const {
  for (const Entry& each : window_) {
    if (each.sequence <= by.base || each.operation->session == by.session) continue;
    if (is_based(*each.operation)) visit(each);
  }
}

}  // namespace callboard::server
