#include "server/board/board.h"

#include <algorithm>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"

namespace callboard::server {
namespace {

std::size_t index_of(Record record) {
  ENSURE(is_document(record));
  return record == Record::story ? 0 : 1;
}

// What was to stand there does, or is what another conflict is about. If not, it was lost to the same again, or what held its
// place is gone for good since it was asked for.
bool is_settled(const Operation& by, const Applied& applied) {
  const auto& met = applied.conflicts;
  if (by.settles == 0 || std::ranges::find(met, by.settles, &Conflict::number) != met.end()) return false;
  const auto is_lost_in = [&](const Conflict& each) { return each.loser.stamp == stamp_of(by); };
  return by.edits->empty() || applied.won || std::ranges::any_of(met, is_lost_in);
}

}  // namespace

Applied Board::apply(std::uint64_t sequence, const Operation& operation) {
  ENSURE(sequence > sequence_ && operation.value != nullptr);
  sequence_ = sequence;
  Applied applied{operation.id, sequence, operation.record, true, 0, operation.timestamp, Outcome::done};
  switch (operation.record) {
    case Record::story:
    case Record::analytics:
      arbitrate(operation, applied);
      break;
    case Record::messages:
      keep_message(operation);
      applied.number = last_message_;
      break;
    case Record::record:
      applied.number = sequence;
      applied.outcome = records_.apply(sequence, operation);
      applied.won = applied.outcome == Outcome::done;
      break;
    case Record::audit:
      // Who asks for it reads it from the log.
      break;
  }
  remember(applied);
  return applied;
}

void Board::arbitrate(const Operation& operation, Applied& applied) {
  MergedDocument& document = documents_[index_of(operation.record)];
  applied.conflicts = conflicts_.find(sequence_, operation, document);
  applied.conflict_count = applied.conflicts.size();
  applied.won = document.apply(sequence_, operation).stands;
  if (is_settled(operation, applied)) conflicts_.settle(operation.settles);
}

void Board::keep_message(const Operation& operation) {
  messages_.push_back(std::make_shared<const Message>(
      Message{++last_message_, operation.user, operation.session, operation.timestamp, operation.value}));
  if (messages_.size() > kMessagesKept) messages_.pop_front();
}

void Board::remember(const Applied& applied) {
  Applied& kept = applied_[applied.operation];
  kept = applied;
  kept.conflicts.clear();
  remembered_.push_back(applied.operation);
  if (remembered_.size() <= kOperationsRemembered) return;
  applied_.erase(remembered_.front());
  remembered_.pop_front();
}

std::optional<Applied> Board::find(UniqueId operation) const {
  const auto it = applied_.find(operation);
  if (it == applied_.end()) return std::nullopt;
  return it->second;
}

const MergedDocument& Board::document(Record record) const { return documents_[index_of(record)]; }

std::vector<std::shared_ptr<const Message>> Board::messages_after(std::uint64_t number,
                                                                  std::size_t count) const {
  if (messages_.empty() || number >= last_message_) return {};
  const std::uint64_t oldest = messages_.front()->number;
  // Numbers are consecutive, so a number is a position.
  const auto first = static_cast<std::ptrdiff_t>(number < oldest ? 0 : number - oldest + 1);
  const auto begin = messages_.begin() + first;
  const auto left = static_cast<std::size_t>(messages_.end() - begin);
  return {begin, begin + static_cast<std::ptrdiff_t>(std::min(count, left))};
}

}  // namespace callboard::server
