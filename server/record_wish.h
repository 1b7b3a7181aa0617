#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "base/document/schema.h"
#include "base/result.h"
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

using RecordWishDone = std::function<void(const Result<std::uint64_t>& revision)>;

// Changes of one record on their way to the log, and what waits for them.
struct WaitingWish {
  RecordAuthor author;
  RecordWish wish;
  RecordWishDone done;
  std::function<void()> begin{};  // Of several together, in place of those.
};
struct WishesUnderWay {
  // One more; with how many bytes, until it is written.
  std::uint64_t add(const RecordChange& change) {
    const std::uint64_t more = change.fields == nullptr ? 0 : change.fields->size_bytes();
    ++count;
    bytes += more;
    return more;
  }

  std::size_t count = 0;
  std::uint64_t bytes = 0;  // Of their fields.
  std::deque<WaitingWish> waiting;
  bool is_beginning = false;  // What waited is being begun.
};

}  // namespace callboard::server
