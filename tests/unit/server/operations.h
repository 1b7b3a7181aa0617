#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/document/edits.h"
#include "server/board/operation.h"

namespace callboard::server {

// An operation for tests, of which nothing but what is named matters.
struct OperationLike {
  std::uint64_t id = 1;
  std::uint64_t session = 1;
  std::int64_t timestamp_ms = 1000;
  Record record = Record::story;
  std::string value = "{}";  // Of a document: JSON, or edits where there is a base.
  std::uint64_t base = 0;
  std::uint32_t counter = 0;
  std::uint64_t settles = 0;
};

inline Operation make_operation(OperationLike like) {
  Operation operation;
  operation.id = UniqueId{7, like.id};
  operation.session = SessionId{like.session};
  operation.user = "user " + std::to_string(like.session);
  operation.timestamp = Timestamp{like.timestamp_ms};
  operation.record = like.record;
  operation.value = std::make_shared<const std::string>(std::move(like.value));
  operation.base = like.base;
  operation.counter = like.counter;
  operation.settles = like.settles;
  if (like.base != 0) operation.form = Form::edits;
  // Text that is no JSON is for tests of the log, which does not look at it.
  static_cast<void>(read_edits(operation));
  return operation;
}

// What an author makes of the document of revision `like.base`.
inline Operation make_edit(const document::ValuePtr& from, const document::ValuePtr& to, OperationLike like) {
  like.value = document::print(document::edits_between(from, to));
  return make_operation(std::move(like));
}

}  // namespace callboard::server
