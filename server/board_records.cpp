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

RecordDesk::Wish BoardRecords::wish_for(OwnRecord record) const {
  RecordDesk::Wish wish;
  wish.op = make_operation_id(clock_.wall(), random_);
  wish.path = std::move(record.path);
  wish.action = record.base == 0 ? RecordAction::make : RecordAction::put;
  if (!record.is_whole) wish.action = RecordAction::set;
  wish.record_class = std::move(record.record_class);
  wish.values = std::move(record.fields);
  wish.answer = std::move(record.answer);
  wish.base = record.base.value_or(0);
  return wish;
}

void BoardRecords::put(OwnRecord record, Then then) {
  RecordDesk::Author author = RecordDesk::server_itself();
  author.user = record.user;
  desk_.change(author, wish_for(std::move(record)),
               [then = std::move(then)](const Result<std::uint64_t>& revision) {
                 then(revision ? Result<void>() : Result<void>(revision.error()));
               });
}

void BoardRecords::put_together(std::vector<OwnRecord> records, Then then) {
  RecordDesk::Author author = RecordDesk::server_itself();
  author.user = records.front().user;
  std::vector<RecordDesk::Wish> wishes;
  for (OwnRecord& each : records) wishes.push_back(wish_for(std::move(each)));
  desk_.change_together(author, std::move(wishes),
                        [then = std::move(then)](const Result<std::uint64_t>& revision) {
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
