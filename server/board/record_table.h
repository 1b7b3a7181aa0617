#pragma once

#include <array>
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

// Whether the author may do what only its owner may.
bool is_of(const RecordState& state, SessionId session, const std::string& user);

// Records by path: a fold over the operations on them, and of nothing else. Copying it costs the same however many
// there are. Thread: any, one at a time.
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
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& shard : shards_) {
      if (shard == nullptr) continue;
      for (const RecordStatePtr& each : *shard) visit(each);
    }
  }

  void append_to(ByteWriter& writer) const;
  // As they were written before records had answers, or since.
  enum class Format { without_answers, with_answers };
  static Result<RecordTable> from(ByteReader& reader, Format format);

 private:
  // In the order of their paths. A change makes a new one, so that copies of the table share the others.
  using Shard = std::vector<RecordStatePtr>;
  static constexpr std::size_t kShards = 256;

  void put(const std::string& path, RecordStatePtr state);

  std::array<std::shared_ptr<const Shard>, kShards> shards_;
  std::size_t size_ = 0;
};

// Why an operation on that record was answered with `outcome`, for a person; `now` is the record as it is, null for none.
Error record_refusal(Outcome outcome, const std::string& path, const RecordStatePtr& now);

}  // namespace callboard::server
