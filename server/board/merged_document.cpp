#include "server/board/merged_document.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"

namespace callboard::server {
namespace {

// Whether its author had neither written nor seen it.
bool is_unseen(const MergedDocument::Entry& entry, const Operation& by) {
  return entry.sequence > by.base && entry.operation->session != by.session;
}

}  // namespace

MergedDocument::Effect MergedDocument::apply(std::uint64_t sequence, const Operation& operation) {
  ENSURE(operation.edits != nullptr);
  const Stamp stamp = stamp_of(operation);
  // The stamp of an empty document is older than any.
  if (is_too_old(stamp)) return {};
  const document::ValuePtr before = growth_.root();
  const auto shared = std::make_shared<const Operation>(operation);
  Effect effect;
  if (window_.empty() || stamp_of(*window_.back().operation) < stamp) {
    put_in_window({sequence, shared});
    // It finds nothing to change where somebody did the same before.
    effect.stands = apply_newest(shared) || growth_.shows(*shared->edits);
    effect.changed = before != growth_.root();
  } else {
    const bool passes = shortcuts_.is_complete && shortcuts_.touched.lets_pass(operation, growth_.root());
    put_in_window({sequence, shared});
    if (passes) {
      effect.changed = apply_passing(shared);
    } else {
      replay_from(stamp);
      effect.changed = !document::equal(before, growth_.root());
    }
    effect.stands = growth_.shows(*operation.edits);
  }
  if (effect.changed) {
    head_ = Head{sequence, operation.id, operation.session, operation.user, operation.timestamp};
  }
  keep_window_short();
  return effect;
}

void MergedDocument::put_in_window(Entry entry) {
  window_bytes_ += entry.operation->value->size();
  const Stamp stamp = stamp_of(*entry.operation);
  const auto place = std::partition_point(
      window_.begin(), window_.end(), [&](const Entry& each) { return stamp_of(*each.operation) < stamp; });
  window_.insert(place, std::move(entry));
}

bool MergedDocument::apply_newest(const Shared& operation) {
  const std::uint64_t exhumed = growth_.exhumed_count();
  const bool is_done = growth_.apply(*operation->edits);
  shortcuts_.touched.note(*operation);
  const Stamp stamp = stamp_of(*operation);
  // What it found depended on what older ones had taken away: none may pass it.
  if (growth_.exhumed_count() != exhumed) shortcuts_.touched.note_everything(stamp);
  if (++shortcuts_.since_state >= kMergeWindowStride) keep_state(stamp);
  return is_done;
}

void MergedDocument::keep_state(const Stamp& stamp) {
  shortcuts_.states.push_back({stamp, growth_, {}});
  shortcuts_.since_state = 0;
}

// Whether the document is another one now. Of one edit that is seen at its place; of many by a look at all of it.
bool MergedDocument::apply_passing(const Shared& operation) {
  const auto& edits = *operation->edits;
  const document::ValuePtr before = growth_.root();
  const bool is_single = edits.size() == 1;
  const bool was_shown = is_single && growth_.shows(edits.front());
  const bool is_done = growth_.apply(edits);
  const bool is_changed = is_single ? is_done && !was_shown : !document::equal(before, growth_.root());
  shortcuts_.touched.note(*operation);
  ++shortcuts_.since_state;
  const Stamp stamp = stamp_of(*operation);
  auto& states = shortcuts_.states;
  for (auto state = states.rbegin(); state != states.rend() && stamp < state->stamp; ++state) {
    state->waiting.push_back(operation);
  }
  // One that many pass is not worth keeping up to date.
  std::erase_if(states, [](const State& each) { return each.waiting.size() > kMergeStateWaiting; });
  return is_changed;
}

void MergedDocument::settle(State& state) {
  for (const Shared& each : state.waiting) state.growth.apply(*each->edits);
  state.waiting.clear();
}

// Applies again what is of that stamp or newer, and on the way there what is newer than the nearest state kept.
void MergedDocument::replay_from(const Stamp& stamp) {
  auto& states = shortcuts_.states;
  if (!shortcuts_.is_complete) shortcuts_ = Shortcuts();
  while (!states.empty() && stamp < states.back().stamp) states.pop_back();
  State& from = states.empty() ? floor_ : states.back();
  settle(from);
  growth_ = from.growth;
  shortcuts_.is_complete = true;
  shortcuts_.since_state = 0;
  const auto first = std::partition_point(window_.begin(), window_.end(), [&](const Entry& each) {
    return !(from.stamp < stamp_of(*each.operation));
  });
  reapplied_ += static_cast<std::uint64_t>(window_.end() - first);
  for (auto each = first; each != window_.end(); ++each) apply_newest(each->operation);
}

void MergedDocument::keep_window_short() {
  while (window_.size() > kMergeWindowOperations || window_bytes_ > kMergeWindowBytes) drop_oldest();
  shortcuts_.touched.forget_before(floor_.stamp);
}

// The floor comes up to it: when it is asked for, or with the next state.
void MergedDocument::drop_oldest() {
  note_forgotten(window_.front());
  const Shared oldest = std::move(window_.front().operation);
  window_.pop_front();
  window_bytes_ -= oldest->value->size();
  floor_.stamp = stamp_of(*oldest);
  floor_.waiting.push_back(oldest);
  auto& states = shortcuts_.states;
  if (!states.empty() && states.front().stamp == floor_.stamp) {
    floor_ = std::move(states.front());
    states.pop_front();
  }
  if (floor_.waiting.size() > kMergeStateWaiting) settle(floor_);
}

void MergedDocument::note_forgotten(const Entry& dropped) {
  if (!is_based(*dropped.operation)) return;
  auto author = std::make_shared<Operation>(*dropped.operation);
  author->value.reset();
  author->edits.reset();
  Entry other{dropped.sequence, std::move(author)};
  auto& [newest, newest_of_another] = forgotten_;
  if (other.sequence > newest.sequence) std::swap(other, newest);
  const bool is_another = other.operation != nullptr && other.operation->session != newest.operation->session;
  if (is_another && other.sequence > newest_of_another.sequence) newest_of_another = std::move(other);
}

MergedDocument::Shortcuts& MergedDocument::Shortcuts::operator=(const Shortcuts& other) {
  if (this != &other) *this = Shortcuts(other);
  return *this;
}

bool MergedDocument::is_taken_for_good(const document::Edit& taker, const document::Edit& within,
                                       bool is_applied) const {
  const auto is_container = [](const document::ValuePtr& value) {
    return value != nullptr && (value->array() != nullptr || value->object() != nullptr);
  };
  if (taker.path.empty()) {
    const bool is_in_object = within.path.front().field.empty();
    return taker.value == nullptr ||
           (is_in_object ? taker.value->object() == nullptr : taker.value->array() == nullptr);
  }
  if (taker.kind == document::Edit::Kind::place || is_container(taker.value)) return false;
  if (is_applied) return growth_.is_gone_for_good(taker.path);
  const document::ValuePtr there = document::find(growth_.root(), taker.path);
  return is_container(there) && there->size_bytes() > kGraveBytesMax;
}

Document MergedDocument::text() const {
  if (window_.empty() || window_.back().operation->form != Form::whole) return nullptr;
  return window_.back().operation->value;
}

Stamp MergedDocument::newest_known(SessionId session, std::uint64_t base) const {
  for (auto each = window_.rbegin(); each != window_.rend(); ++each) {
    if (each->sequence <= base || each->operation->session == session) return stamp_of(*each->operation);
  }
  return base == 0 ? Stamp{} : floor_.stamp;
}

Stamp MergedDocument::newest_known(std::uint64_t base) const {
  if (base == 0) return {};
  const auto seen = std::find_if(window_.rbegin(), window_.rend(),
                                 [&](const Entry& each) { return each.sequence <= base; });
  return seen == window_.rend() ? floor_.stamp : stamp_of(*seen->operation);
}

void MergedDocument::for_each_unseen(const Operation& by,
                                     const std::function<void(const Entry&)>& visit) const {
  for (const Entry& each : window_) {
    if (is_unseen(each, by) && is_based(*each.operation)) visit(each);
  }
}

const MergedDocument::Entry* MergedDocument::forgotten_unseen(const Operation& by) const {
  // What there is none of has no operation, and is not newer than any base.
  const auto unseen =
      std::ranges::find_if(forgotten_, [&](const Entry& each) { return is_unseen(each, by); });
  return unseen == forgotten_.end() ? nullptr : &*unseen;
}

void MergedDocument::for_each_since(std::uint64_t sequence,
                                    const std::function<void(const Entry&)>& visit) const {
  for (const Entry& each : window_) {
    if (each.sequence > sequence) visit(each);
  }
}

std::vector<const Operation*> MergedDocument::written_since(const Stamp& stamp, SessionId session) const {
  std::vector<const Operation*> written;
  for (auto each = window_.rbegin(); each != window_.rend() && stamp < stamp_of(*each->operation); ++each) {
    if (each->operation->session == session) written.push_back(each->operation.get());
  }
  return written;
}

std::vector<const Operation*> MergedDocument::unseen_newer(const Entry& late, std::uint64_t base) const {
  std::vector<const Operation*> newer;
  const Stamp stamp = stamp_of(*late.operation);
  for (auto each = window_.rbegin(); each != window_.rend() && stamp < stamp_of(*each->operation); ++each) {
    const bool was_there = each->sequence < late.sequence && each->sequence <= base;
    if (was_there && is_unseen(*each, *late.operation) && is_based(*each->operation))
      newer.push_back(each->operation.get());
  }
  return newer;
}

std::uint64_t MergedDocument::last_revision() const {
  std::uint64_t last = head_.revision;
  for (const Entry& each : window_) last = std::max(last, each.sequence);
  return last;
}

}  // namespace callboard::server
