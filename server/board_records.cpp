#include "server/board_records.h"

#include <fmt/format.h>

#include "base/text.h"

namespace callboard::server {

Result<document::ValuePtr> BoardRecords::find(std::string_view record_class, const std::string& path) const {
  const RecordStatePtr state = desk_.find(path);
  if (state == nullptr) return document::ValuePtr();
  if (state->record_class == record_class) return state->fields;
  return Error{Outcome::usage,
               fmt::format("{} is a record of class {}", quoted(path), quoted(state->record_class))};
}

std::uint64_t BoardRecords::revision(const std::string& path) const {
  const RecordStatePtr state = desk_.find(path);
  return state == nullptr ? 0 : state->revision;
}

void BoardRecords::put(OwnRecord record, Then then) {
  RecordDesk::Author author = RecordDesk::server_itself();
  author.user = std::move(record.user);
  RecordDesk::Wish wish;
  wish.op = make_operation_id(clock_.wall(), random_);
  wish.path = std::move(record.path);
  wish.action = record.base == 0 ? RecordAction::make : RecordAction::put;
  wish.record_class = std::move(record.record_class);
  wish.values = std::move(record.fields);
  wish.answer = std::move(record.answer);
  wish.base = record.base.value_or(0);
  desk_.change(author, std::move(wish), [then = std::move(then)](const Result<std::uint64_t>& revision) {
    then(revision ? Result<void>() : Result<void>(revision.error()));
  });
}

void remember_answers(const RecordDesk& records, CallDesk& calls) {
  records.for_each_in({}, [&calls](const RecordStatePtr& record) {
    for (const RecordAnswerPtr& each : record->answers) {
      calls.remember({each->op, each->call, each->asked},
                     each->result ? CallValue(each->result)
                                  : CallValue(Error{Outcome::failed,
                                                    each->call + ": it was done, and its result was too "
                                                                 "large to be kept"}));
    }
    return true;
  });
}

}  // namespace callboard::server
