#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "client/document_types.h"
#include "tools/cli/page_place.h"

namespace callboard::cli {

// The newest that was done to a place of a document, asked for once, and no further back than anybody wants to know. Only what
// stands counts. The history is told a piece at a time.
class PlaceNews {
 public:
  using Ask = std::function<Result<client::History>(const client::HistoryQuery&)>;

  // What is done after it was made is not seen.
  PlaceNews(Ask ask, client::DocumentName document, std::string at)
      : ask_(std::move(ask)),
        query_{.document = document, .at = std::move(at)},
        place_("history of " + query_.at, PagePlace::Way::down) {}

  // The newest, if it is newer than that revision. Fails when a server tells the same piece again.
  Result<std::optional<client::Revision>> after(std::uint64_t revision);

 private:
  Result<void> look_further();

  Ask ask_;
  client::HistoryQuery query_;
  PagePlace place_;       // Of the piece that is next.
  bool is_over_ = false;  // It was found, or there is no more to look at.
  std::optional<client::Revision> newest_;
};

}  // namespace callboard::cli
