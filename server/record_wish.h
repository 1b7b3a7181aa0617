#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/document/schema.h"
#include "server/board/operation.h"
#include "server/board/record_change.h"
#include "server/permissions.h"

namespace callboard::server {

// Who changes a record.
struct RecordAuthor {
  SessionId session;
  std::string user;
  Permissions permissions = Permissions::all();
  document::Writer writer = document::Writer::anybody;
  // False: a visit of somebody who has not joined; what lasts as long as a session cannot be theirs.
  bool is_here = true;
  // Whose connection it came over, which may be a visit's; none: the server's own.
  SessionId asker{};
};

// What is asked for.
struct RecordWish {
  UniqueId op;
  std::string path;
  RecordAction action = RecordAction::set;
  std::string record_class{};
  std::uint64_t base = 0;
  Document fields{};                   // JSON …
  document::ValuePtr values{};         // … or the same, read.
  std::optional<SessionId> to{};       // Of a give.
  std::optional<RecordOwner> owner{};  // Of what the server makes or gives; nobody's otherwise.
  RecordAnswerPtr answer{};            // Of the call that the server does it for.
};

}  // namespace callboard::server
