#include "client/known_document.h"

#include <string>
#include <utility>

#include "base/document/json_patch.h"
#include "base/document/parse.h"
#include "client/conversions.h"

namespace callboard::client {

Result<bool> KnownDocument::hear(const protocol::DocumentState& state) {
  if (state.revision <= newest_.revision || !state.document) return false;
  if (state.from != 0) return patch(state);
  newest_ = to_document(state);
  root_ = nullptr;
  return true;
}

Result<bool> KnownDocument::patch(const protocol::DocumentState& state) {
  const auto lost = [&](const std::string& why) {
    *this = KnownDocument();
    return Error{Outcome::failed, "a change of the document does not fit what is known of it: " + why};
  };
  if (state.from != newest_.revision) {
    return lost("it is of revision " + std::to_string(state.from) + ", known is " +
                std::to_string(newest_.revision));
  }
  if (root_ == nullptr) {
    auto parsed = document::parse(*newest_.text);
    if (!parsed) return lost(parsed.error().text);
    root_ = std::move(*parsed);
  }
  auto patched = document::apply_patch(root_, *state.document);
  if (!patched) return lost(patched.error().text);
  root_ = std::move(*patched);
  newest_ = to_document(state);
  newest_.text = std::make_shared<const std::string>(document::print(*root_));
  return true;
}

void KnownDocument::settle(const protocol::DocumentState& state) {
  if (state.revision < newest_.revision) *this = KnownDocument();
}

void KnownDocument::set(const Document& document) {
  if (document.revision <= newest_.revision) return;
  newest_ = document;
  root_ = nullptr;
}

}  // namespace callboard::client
