#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "server/board/operation.h"
#include "server/board/record_change.h"

namespace callboard::server {

// One record as it is. Never changed once it is made.
struct RecordState {
  std::string path;
  std::string record_class;
  RecordOwner owner;
  std::string by;                          // The name of who changed it last.
  std::uint64_t revision = 0;              // Of its last change; 0: an event, which is not kept.
  Timestamp timestamp;                     // Of the same.
  document::ValuePtr fields;               // An object.
  Document told;                           // All of it as JSON, as everybody is told.
  std::vector<RecordAnswerPtr> answers{};  // Of the calls that changed it last, oldest first; told to nobody.
};
using RecordStatePtr = std::shared_ptr<const RecordState>;

// Fills in `told`.
RecordStatePtr finished(RecordState state);

// Whether what is the owner's is theirs, in whichever of their sessions: to write, to read, and to be told of.
bool is_of(const RecordOwner& owner, const RecordOwner& who);
bool is_of(const RecordState& state, SessionId session, const std::string& user);

// Records by path: a fold over the operations on them, and of nothing else. Copying it costs a pointer for some hundred of
// them. Thread: any, one at a time.
class RecordTable {
 public:
  // What becomes of it, in the words of outcomes: superseded where it is there already or was changed meanwhile, not_found,
  // refused where it is somebody else's. `operation` is one of Record::record whose change is read (read_edits).
  Outcome apply(std::uint64_t revision, const Operation& operation);
  // The same, without doing it.
  Outcome check(const std::string& path, std::uint64_t base, const RecordChange& change, SessionId session,
                const std::string& user) const;
  // Without an operation: what goes with its session.
  void drop(const std::string& path) { put(path, nullptr); }

  // Null: there is none.
  RecordStatePtr find(std::string_view path) const;
  std::size_t size() const { return size_; }
  // In the order of their paths.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& shard : shards_) {
      for (const RecordStatePtr& each : *shard) visit(each);
    }
  }

  // How many parts it is made of.
  std::size_t shards() const { return shards_.size(); }

  void append_to(ByteWriter& writer) const;
  // As they were written before records had answers, before those said who had asked with what, or since.
  enum class Format { without_answers, with_answers, with_digests };
  static Result<RecordTable> from(ByteReader& reader, Format format);

 private:
  // Neighbours in the order of their paths; never empty. A change makes a new one, so that copies of the table share the
  // others. Whatever the paths are, any two in a row have at least half of kShardMax and one has no more than that, which
  // bounds what a change costs.
  using Shard = std::vector<RecordStatePtr>;
  using Shards = std::vector<std::shared_ptr<const Shard>>;
  static constexpr std::size_t kShardMax = 512;

  // Where the path is, if it is anywhere.
  Shards::const_iterator shard_of(std::string_view path) const;
  void put(const std::string& path, RecordStatePtr state);
  void place(std::size_t at, Shard fresh);

  Shards shards_;
  std::size_t size_ = 0;
};

// Why that was answered with `outcome`, for a person; `now` is the record as it is, null for none, and `base` the revision
// that it was to be at, 0 for any.
Error record_refusal(Outcome outcome, RecordAction action, const std::string& path, const RecordStatePtr& now,
                     std::uint64_t base = 0);

}  // namespace callboard::server
