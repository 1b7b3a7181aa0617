#include "server/drafts.h"

#include <string>
#include <utility>

#include "base/document/edits.h"
#include "base/document/json_patch.h"
#include "base/document/parse.h"
#include "base/document_limits.h"
#include "base/text.h"

namespace callboard::server {
namespace {

using document::ValuePtr;

Result<ValuePtr> parsed(const Operation& operation) {
  auto value = document::parse(*operation.value);
  if (!value) return Error{Outcome::usage, value.error().text};
  return value;
}

// The document as its author wants it.
Result<ValuePtr> wanted(const Draft& draft, const DraftSources& sources) {
  switch (draft.how) {
    case Draft::How::whole:
      return parsed(draft.operation);
    case Draft::How::at: {
      const auto at = document::parse_pointer(draft.at);
      if (!at) return at.error();
      const auto value = parsed(draft.operation);
      if (!value) return value;
      return document::put(sources.base, *at, *value);
    }
    case Draft::How::patch:
      return document::apply_patch(sources.base, *draft.operation.value);
    case Draft::How::restore:
      return sources.restored;
    case Draft::How::settle:
    case Draft::How::nothing:
      break;
  }
  return sources.base;
}

Operation with_edits(Operation operation, document::Edits edits) {
  operation.form = Form::edits;
  operation.value = std::make_shared<const std::string>(document::print(edits));
  operation.edits = std::make_shared<const document::Edits>(std::move(edits));
  return operation;
}

Error too_deep() {
  return Error{Outcome::usage, "the document would be nested deeper than " + std::to_string(kJsonDepthMax)};
}

Result<Operation> settled(Draft draft) {
  document::Edit edit{document::Edit::Kind::set, std::move(draft.place), std::move(draft.lost), {}};
  if (draft.operation.value != nullptr) {
    auto value = parsed(draft.operation);
    if (!value) return value.error();
    edit.value = std::move(*value);
  }
  const auto steps = static_cast<int>(edit.path.size());
  if (edit.value != nullptr && edit.value->depth() + steps > kJsonDepthMax) return too_deep();
  if (edit.value == nullptr) edit.kind = document::Edit::Kind::remove;
  document::Edits edits;
  edits.push_back(std::move(edit));
  return with_edits(std::move(draft.operation), std::move(edits));
}

// What every reader can hold, and one frame, too.
Result<void> check(const ValuePtr& value) {
  if (value == nullptr) return {};
  if (value->depth() > kJsonDepthMax) return too_deep();
  if (value->size_bytes() <= kDocumentMax) return {};
  return Error{Outcome::usage, "the document would be larger than " + human_bytes(kDocumentMax)};
}

}  // namespace

Result<Operation> finished(Draft draft, const DraftSources& sources) {
  if (draft.how == Draft::How::settle) return settled(std::move(draft));
  auto value = wanted(draft, sources);
  if (!value) return value.error();
  if (auto sound = check(*value); !sound) return sound.error();
  const bool is_by_itself = draft.how == Draft::How::whole && draft.operation.base == 0;
  if (!is_by_itself) {
    const bool changes = *value != nullptr;
    return with_edits(std::move(draft.operation),
                      changes ? document::edits_between(sources.base, *value) : document::Edits());
  }
  Operation operation = std::move(draft.operation);
  document::Edits whole;
  whole.push_back({document::Edit::Kind::set, {}, document::share(sources.head, *value), {}});
  operation.edits = std::make_shared<const document::Edits>(std::move(whole));
  return operation;
}

}  // namespace callboard::server
