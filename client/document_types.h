#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

// What a client says and hears of the story and the analytics, as plain values.
namespace callboard::client {

enum class DocumentName { story, analytics };

// The story or the analytics: JSON text with who wrote it and when (server time). Revision 0: there is none yet.
struct Document {
  std::shared_ptr<const std::string> text;  // Null exactly when revision is 0.
  std::uint64_t revision = 0;
  std::string by;
  SessionId session;
  Timestamp timestamp;
};

// What is to be read of a document; by default the newest, whole.
struct DocumentQuery {
  DocumentName document = DocumentName::story;
  std::optional<std::string>
      at{};  // A JSON pointer, also with an element's "id" or "name" as a place: only what is there.
  std::uint64_t revision = 0;  // As it was then.
  std::uint64_t from = 0;      // As a JSON Patch of that revision; without `at`.
  bool written = false;        // With all that its author wrote, though some or all of it did not stand.
};

// A change of a document. At most one of `at`, `patch`, `restore` and `settles`; without any, `content` is the document.
struct DocumentChange {
  DocumentName document = DocumentName::story;
  std::string content{};            // JSON.
  Timestamp timestamp{};            // When it was made, by this machine's clock; 0: now.
  std::uint64_t base = 0;           // The revision it was made from; 0: unknown.
  std::optional<std::string> at{};  // `content` is what is to stand there.
  bool patch = false;               // `content` is a JSON Patch (RFC 6902).
  std::uint64_t restore = 0;        // Make it once more what it was at that revision; no content.
  std::uint64_t settles =
      0;              // The conflict of that number is over: `content` is to stand there, if it is not empty,
  bool take = false;  // or the value that lost; else what stands there stays.
};

// How a write ended. `current` is the document that stands: yours, or one with others' changes in it, too.
struct WriteResult {
  bool won = false;  // All that was written stands.
  Document current;  // Without text where that is not known here: a visit wrote a part, or it is to be read.
  std::uint64_t revision = 0;  // The write's own.
  std::uint64_t conflicts =
      0;  // Parts that somebody else changed, too, without either having seen the other's.
  // There is no server at the moment: it is written down in the folder, and sent once there is one. The rest says nothing.
  bool kept = false;
};

// One change of a document, as the history lists it.
struct Revision {
  std::uint64_t revision = 0;
  std::string user;
  SessionId session;
  Timestamp timestamp;
  std::uint64_t base = 0;
  bool stands = true;  // False: what it says, or some of it, was older than what was there already.
  std::uint64_t size_bytes = 0;
  std::string at;  // A pointer to what encloses all that it changed.
  std::uint64_t settles = 0;
  std::uint64_t places = 1;  // How many it changed there.
  bool is_partly = false;    // What does not stand is some of it.
};
struct HistoryQuery {
  DocumentName document = DocumentName::story;
  std::string at{};  // Only what changed there.
  Timestamp since{};
  std::uint64_t before = 0;  // Only revisions below; 0: from the newest on.
};
struct History {
  std::vector<Revision> revisions;  // Newest first.
  bool more = false;                // Ask again with `before` the last one's number.
  // With `at`, of a long history: what is below was not looked at, ask again with this as `before`. 0: all was.
  std::uint64_t looked_to = 0;
};

// Two people changed one part of a document, neither having seen what the other did.
struct ConflictSide {
  std::uint64_t revision = 0;
  std::string user;
  SessionId session;
  Timestamp timestamp;
  std::string
      value;  // JSON; empty when it was taken away, is long, or is of many places: read that revision then.
};
struct Conflict {
  std::uint64_t number = 0;
  DocumentName document = DocumentName::story;
  std::string at;
  ConflictSide winner;
  ConflictSide loser;
  std::uint64_t places = 1;  // More: `at` is what encloses them.
};

}  // namespace callboard::client
