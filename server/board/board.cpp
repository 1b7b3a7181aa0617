#include "server/board/board.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/ensure.h"
#include "base/limits.h"

namespace callboard::server {
namespace {

std::size_t index_of(Record record) {
  ENSURE(record == Record::story || record == Record::analytics);
  return record == Record::story ? 0 : 1;
}

bool beats(const Operation& operation, const Head& head) {
  return std::tie(operation.timestamp, operation.session, operation.id) >
         std::tie(head.timestamp, head.session, head.operation);
}

}  // namespace

Applied Board::apply(std::uint64_t sequence, const Operation& operation) {
  ENSURE(sequence > sequence_ && operation.value != nullptr);
  sequence_ = sequence;
  Applied applied{operation.id, sequence, operation.record, true, 0, operation.timestamp};
  switch (operation.record) {
    case Record::story:
    case Record::analytics:
      applied.won = arbitrate(sequence, operation);
      break;
    case Record::messages:
      keep_message(operation);
      applied.number = last_message_;
      break;
  }
  remember(applied);
  return applied;
}

bool Board::arbitrate(std::uint64_t sequence, const Operation& operation) {
  Head& head = heads_[index_of(operation.record)];
  if (head.revision != 0 && !beats(operation, head)) return false;
  head =
      Head{sequence, operation.id, operation.session, operation.user, operation.timestamp, operation.value};
  return true;
}

void Board::keep_message(const Operation& operation) {
  messages_.push_back(std::make_shared<const Message>(
      Message{++last_message_, operation.user, operation.session, operation.timestamp, operation.value}));
  if (messages_.size() > kMessagesKept) messages_.pop_front();
}

void Board::remember(const Applied& applied) {
  applied_.insert_or_assign(applied.operation, applied);
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

const Head& Board::head(Record record) const { return heads_[index_of(record)]; }

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
