#pragma once

#include <memory>
#include <string>
#include <utility>

#include "server/board/operation.h"

namespace callboard::server {

// An operation for tests, of which nothing but what is named matters.
struct OperationLike {
  std::uint64_t id = 1;
  std::uint64_t session = 1;
  std::int64_t timestamp_ms = 1000;
  Record record = Record::story;
  std::string value = "{}";
};

inline Operation make_operation(OperationLike like) {
  Operation operation;
  operation.id = UniqueId{7, like.id};
  operation.session = SessionId{like.session};
  operation.user = "user " + std::to_string(like.session);
  operation.timestamp = Timestamp{like.timestamp_ms};
  operation.record = like.record;
  operation.value = std::make_shared<const std::string>(std::move(like.value));
  return operation;
}

}  // namespace callboard::server
