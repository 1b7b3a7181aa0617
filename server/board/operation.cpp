#include "server/board/operation.h"

#include <utility>

#include "base/document/parse.h"

namespace callboard::server {

Result<void> read_edits(Operation& operation) {
  if (operation.edits != nullptr || !is_document(operation.record)) return {};
  if (operation.form == Form::edits) {
    auto edits = document::parse_edits(*operation.value);
    if (!edits) return edits.error();
    operation.edits = std::make_shared<const document::Edits>(std::move(*edits));
    return {};
  }
  auto root = document::parse(*operation.value);
  if (!root) return root.error();
  document::Edits whole;
  whole.push_back({document::Edit::Kind::set, {}, std::move(*root), {}});
  operation.edits = std::make_shared<const document::Edits>(std::move(whole));
  return {};
}

}  // namespace callboard::server
