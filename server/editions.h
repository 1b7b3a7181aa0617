#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "net/work_queue.h"
#include "protocol/codec.h"
#include "server/board/board.h"

namespace callboard::server {

// A document as somebody is told of it who knows another revision, or none.
struct Edition {
  std::uint64_t known = 0;        // By whom it is told.
  protocol::DocumentState state;  // With the text, or a patch of the revision `state.from`.
  protocol::EncodedFrame tell;
};

// The documents as text, and as what differs between revisions that people still have. What is small is made where it is
// asked for; what is large is made by a worker, once for all who ask, so that no turn of the loop waits for it. Loop
// thread only.
class Editions {
 public:
  // `on_ready` is called when something that was in the making is there.
  Editions(net::Loop& loop, const Board& board, std::function<void()> on_ready);

  // After every operation on the document, which said so much.
  void on_applied(Record record, std::uint64_t said_bytes);
  // The document as it was at that revision, while it is one of the newest kEditionsKept (and kEditionsKeptBytes); null: no longer, or never.
  document::ValuePtr root_at(Record record, std::uint64_t revision) const;

  // What brings somebody who knows revision `known` (0: nothing) to the newest, or on the way to it where revisions come
  // faster than texts can be made; null: in the making, ask again when on_ready was called. Valid until the next call.
  // There is a document, of revision `at_least` or newer (ENSURE); older ones will not do.
  const Edition* find(Record record, std::uint64_t known, std::uint64_t at_least = 0);

  using Texts = std::function<void(Document)>;
  // The value's text, within the call when it is small.
  void print(document::ValuePtr value, Texts done);
  // Lets a worker give back what it may take long to give back.
  void dispose(std::shared_ptr<const void> value);

 private:
  struct Kept {
    std::uint64_t revision = 0;
    document::ValuePtr root;
    std::uint64_t said_bytes = 0;
  };
  struct Shelf {
    std::deque<Kept> kept;  // Oldest first.
    std::uint64_t kept_bytes = 0;
    std::vector<Edition> editions;      // Oldest first.
    std::vector<std::uint64_t> making;  // Where those begin that are in the making.
    Document whole;                     // The newest revision's text, once it was needed.
  };

  Shelf& shelf(Record record) { return shelves_[record == Record::story ? 0 : 1]; }
  const Shelf& shelf(Record record) const { return shelves_[record == Record::story ? 0 : 1]; }
  const Edition* keep(Record record, Edition edition);
  const Edition* known_to(const Shelf& own, std::uint64_t known) const;
  void make(Record record, std::uint64_t known, document::ValuePtr old);

  const Board& board_;
  std::function<void()> on_ready_;
  std::array<Shelf, 2> shelves_;
  net::WorkQueue work_;
};

}  // namespace callboard::server
