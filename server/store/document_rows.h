#pragma once

#include <cstdint>
#include <functional>

#include "server/board/log.h"
#include "server/board/merged_document.h"
#include "server/store/database.h"

namespace callboard::server {

// A document as a log's database keeps it: states of it now and then (keyframes), the operations between.
struct KeptDocument {
  MergedDocument document;
  std::uint64_t sequence = 0;  // All up to here are in it; 0: there was none.
};

// The newest state at or before that operation.
Result<KeptDocument> kept_document(Database& database, Record record, std::uint64_t until);
// The document's operations from `first` to `last`, in order, until one is damaged or `visit` fails.
Result<void> for_each_of_document(Database& database, Record record, std::uint64_t first, std::uint64_t last,
                                  const std::function<Result<void>(Committed)>& visit);

}  // namespace callboard::server
