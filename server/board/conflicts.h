#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/document/edits.h"
#include "server/board/merged_document.h"
#include "server/board/operation.h"

namespace callboard::server {

// What one of two authors had made of a place.
struct Side {
  std::uint64_t revision = 0;
  Stamp stamp;
  std::string user;
  document::ValuePtr value;  // Null: taken away, or of a place above or below: see that revision.
};

// Two authors changed the same part, neither having seen what the other did; the newer one's value stands.
struct Conflict {
  std::uint64_t number = 0;  // 1, 2, 3 … as they were found.
  Record record = Record::story;
  document::Path path;  // Of what was lost; of many places, what encloses them all.
  Side winner;
  Side loser;
  // Null: one place. Else what brings back all that was lost, place by place, and the sides have no values.
  std::shared_ptr<const document::Edits> places{};
  std::string after{};    // Of one element of an array: what it stood behind (document::Edit).
  bool is_guess = false;  // As it is found: the loser is known, not that it was who put that value there.
};

// What brings back what was lost.
document::Edits edits_of(const Conflict& conflict);
std::uint64_t size_of(const document::Path& path);
// Of its values and paths; of many places also about what holds them.
std::uint64_t size_of(const Conflict& conflict);

// The conflicts that nobody has settled yet. Which values are lost, and to whom, is the same whatever order the operations
// arrived in (as far as their bases allow another); numbers are given in the order of the log. A value that is lost again is
// known by comparing it with those that are open, for kConflictWorkMax an operation: what is too long for that, or too often
// there, is in a conflict of its own each time. No hash of values: it would read what is long for each byte that overwrites it.
class Conflicts {
 public:
  // Those that `operation` is in with what is in the document already, each once; before it is applied there.
  std::vector<Conflict> find(std::uint64_t sequence, const Operation& operation,
                             const MergedDocument& document);
  void settle(std::uint64_t number);
  // What all that was found so far took (ConflictSearch::work): for those who measure.
  std::uint64_t work() const { return work_; }

  const std::deque<Conflict>& open() const { return open_; }
  // Null: there is none of that number any more.
  const Conflict* open(std::uint64_t number) const;

  void append_to(ByteWriter& writer) const;
  static Result<Conflicts> from(ByteReader& reader);

 private:
  // `room` is what may be compared yet.
  const Conflict& keep(Conflict conflict, std::uint64_t& room);
  std::optional<std::size_t> known_as(const Conflict& conflict, std::uint64_t& room) const;
  void add(Conflict conflict);
  void forget(std::ptrdiff_t place);

  std::uint64_t last_ = 0;
  std::deque<Conflict> open_;             // Oldest first, kConflictsKept and kConflictsKeptBytes at most.
  std::deque<std::size_t> place_hashes_;  // Of each of them: whose loss it is, and where.
  std::uint64_t open_bytes_ = 0;          // Of their values and paths.
  std::uint64_t work_ = 0;
};

}  // namespace callboard::server
