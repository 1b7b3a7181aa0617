#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/document/edits.h"
#include "base/result.h"
#include "server/board/board.h"
#include "server/board/log.h"

namespace callboard::server {

// What its author did before a change, besides what the change's base has: looked for by id in what the board can put in order,
// then in what it remembers, and what is in neither (sought()) in the history. What came by the base is in it. Thread: any, one
// at a time.
class OwnChanges {
 public:
  // Of a change of `record`; `base` 0: it was made of what is there now, and so of all that ever came.
  OwnChanges(const Board& board, Record record, std::uint64_t base, const std::vector<UniqueId>& ids);

  // Those that the history is to be asked for.
  std::vector<UniqueId> sought() const;
  // One of those. Its edits are read; no more than kMergeWindowBytes of them are taken in.
  void add(const Committed& found);
  // What is to be done to the base, in the order in which they were named.
  std::vector<std::shared_ptr<const document::Edits>> edits() const;
  // superseded: one of them is not there.
  Result<void> check() const;
  // Of those in edits(): nothing when there are none.
  Stamp newest() const { return newest_; }
  // The last of those that another session wrote, which counts for another author; 0: there is none.
  std::uint64_t last_of_another(SessionId session) const;

 private:
  struct Own {
    UniqueId id;
    bool is_found = false;
    std::shared_ptr<const document::Edits> edits{};  // Null: the base has them.
    std::uint64_t sequence = 0;                      // Of one with edits, and by whom it is.
    SessionId session{};
  };
  void take(Own& own, std::uint64_t sequence, const Operation& operation);

  std::uint64_t base_;
  std::vector<Own> own_;  // Each once.
  std::unordered_map<UniqueId, std::size_t> place_of_;
  Stamp newest_;
  std::uint64_t bytes_ = 0;  // Of what was taken in of the history.
};

}  // namespace callboard::server
