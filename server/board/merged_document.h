#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/document/edits.h"
#include "server/board/operation.h"
#include "server/board/touched.h"

namespace callboard::server {

// The newest revision of a document.
struct Head {
  std::uint64_t revision =
      0;  // Sequence number of the operation that last changed it; 0: there is no document.
  UniqueId operation;
  SessionId session;
  std::string user;
  Timestamp timestamp;
};

// A document as the fold of its operations: their edits applied in the order of their stamps, whatever order they
// arrived in. So different parts of two authors both survive, and of the same part the newest stands. One that arrives
// late is put between the newest kMergeWindowOperations; one older than all of those is lost to them. A late one that
// concerns no newer one is applied as it comes (Touched); otherwise the newer ones are applied again, from a state that was
// kept on the way.
// A value; copying it is cheap, but the first late operation on a copy applies all of the window again. Thread: any, one
// at a time.
class MergedDocument {
 public:
  struct Effect {
    bool changed = false;  // The document is another one now.
    bool stands = false;   // All that the operation says is what one sees.
  };
  struct Entry {
    std::uint64_t sequence = 0;
    std::shared_ptr<const Operation> operation;
  };

  // `sequence` is greater than that of any before. `operation.edits` is there (ENSURE).
  Effect apply(std::uint64_t sequence, const Operation& operation);

  const Head& head() const { return head_; }
  // Null: there is no document.
  const document::ValuePtr& root() const { return growth_.root(); }
  // With what was taken out of it lately.
  const document::Growth& growth() const { return growth_; }
  // Whether `within`, an edit within `taker`'s place, would find nothing there, once `taker` is applied or if it is already: what
  // it takes away there is too large to be brought back, or is all of the document, which never is.
  bool is_taken_for_good(const document::Edit& taker, const document::Edit& within, bool is_applied) const;
  // The very text that its author sent, where the newest operation is all of it; null otherwise.
  Document text() const;
  // Of all operations there have been.
  Stamp newest() const { return window_.empty() ? floor_.stamp : stamp_of(*window_.back().operation); }
  // The newest of what an author had seen who knew revision `base` and all that `session` wrote.
  Stamp newest_known(SessionId session, std::uint64_t base) const;
  // The same for one whose session's own are not asked about.
  Stamp newest_known(std::uint64_t base) const;
  // Those that came after revision `base`, by others, and know what they were made from.
  void for_each_unseen(const Operation& by, const std::function<void(const Entry&)>& visit) const;
  // The newest of those that such a visit passes over, because they can be put in order no more; null: there are none. Of its
  // operation nothing but who wrote it is known.
  const Entry* forgotten_unseen(const Operation& by) const;
  // Those that came after the operation `sequence` and can be put in order.
  void for_each_since(std::uint64_t sequence, const std::function<void(const Entry&)>& visit) const;
  // What that session wrote that can be put in order and is newer than `stamp`; the newest first.
  std::vector<const Operation*> written_since(const Stamp& stamp, SessionId session) const;
  // What had come by revision `base` and before `late`, that is newer than it, that its author had not seen, and that can still be
  // put in order.
  std::vector<const Operation*> unseen_newer(const Entry& late, std::uint64_t base) const;
  // Of what came last, whether it stood or not; 0: nothing has.
  std::uint64_t last_revision() const;
  // Whether an operation of that stamp is lost to all that can be put in order no more.
  bool is_too_old(const Stamp& stamp) const { return stamp < floor_.stamp; }

  void append_to(ByteWriter& writer) const;
  // What forgotten_unseen() goes by; a document without it is the same for all but that.
  void append_forgotten_to(ByteWriter& writer) const;
  Result<void> read_forgotten(ByteReader& reader);
  static Result<MergedDocument> from(ByteReader& reader);
  // What was a document by itself: the first snapshots' form.
  static Result<MergedDocument> from_whole(Head head, std::string_view text);

  // Operations applied again so far, for a late one: for those who measure.
  std::uint64_t reapplied() const { return reapplied_; }

 private:
  using Shared = std::shared_ptr<const Operation>;
  // The document as it was after the operation of that stamp: `growth`, and those that have to be applied to it yet.
  struct State {
    Stamp stamp;
    document::Growth growth;
    std::vector<Shared> waiting;
  };
  // What makes late operations cheap; a copy begins without.
  struct Shortcuts {
    Shortcuts() = default;
    Shortcuts(const Shortcuts&) : is_complete(false) {}
    Shortcuts(Shortcuts&&) = default;
    Shortcuts& operator=(const Shortcuts&);
    Shortcuts& operator=(Shortcuts&&) = default;
    ~Shortcuts() = default;

    bool is_complete = true;  // `touched` knows all of the window.
    Touched touched;
    std::deque<State>
        states;  // In the order of their stamps, about kMergeWindowStride operations of the window apart.
    std::size_t since_state = 0;
  };

  static void settle(State& state);
  bool apply_newest(const Shared& operation);
  bool apply_passing(const Shared& operation);
  void put_in_window(Entry entry);
  void replay_from(const Stamp& stamp);
  void keep_state(const Stamp& stamp);
  void keep_window_short();
  void drop_oldest();
  void note_forgotten(const Entry& dropped);

  Head head_;
  document::Growth growth_;   // After all of them.
  State floor_;               // Before the first of window_.
  std::deque<Entry> window_;  // In the order of their stamps.
  // What came last of all that the window has no more and that knew what it was made from, and the last of another session.
  std::array<Entry, 2> forgotten_;
  std::uint64_t window_bytes_ = 0;
  Shortcuts shortcuts_;
  std::uint64_t reapplied_ = 0;
};

}  // namespace callboard::server
