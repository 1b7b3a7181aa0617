#include "server/board/recovery.h"

#include <string>
#include <utility>

namespace callboard::server {

Result<Recovered> recover(Log& log) {
  auto snapshot = log.newest_snapshot();
  if (!snapshot) return snapshot.error().prefixed("read the log's snapshot");
  Recovered recovered;
  if (snapshot->sequence != 0) {
    auto board = Board::decoded(snapshot->state);
    if (!board) return board.error();
    recovered.board = std::move(*board);
    recovered.snapshot_sequence = snapshot->sequence;
  }
  auto read = log.read_from(recovered.snapshot_sequence + 1, [&](Committed committed) -> Result<void> {
    if (auto sound = read_edits(committed.operation); !sound) {
      return sound.error().prefixed("operation " + std::to_string(committed.sequence));
    }
    recovered.board.apply(committed.sequence, committed.operation);
    ++recovered.operations_replayed;
    recovered.bytes_replayed += committed.operation.value->size();
    return {};
  });
  if (!read) return read.error().prefixed("read the log");
  for (const Record record : {Record::story, Record::analytics}) {
    // It says no more than when the next one is due; what is damaged of them `verify` tells.
    const auto keyframe = log.newest_keyframe(record);
    recovered.newest_keyframes[record] = keyframe ? *keyframe : 0;
  }
  return recovered;
}

}  // namespace callboard::server
